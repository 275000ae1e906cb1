//! Tasks: created by a request, advanced by polls or by time.

use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::{ErrorCause, EvidenceKind, FieldRole};
use serde::Serialize;

use crate::engine::Engine;
use crate::faults::fault::Fault;
use crate::faults::reshape::task_status;
use crate::faults::shapes::TaskFault;
use crate::hash;
use crate::json::path;
use crate::request::address::DEFAULT_SESSION;
use crate::request::context::RequestContext;
use crate::request::generation_spec::GenerationSpec;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::ErrorDetails;
use crate::response::images::places;
use crate::signed_url::UrlScope;
use crate::state::clock::later;
use crate::state::ledger::credits;
use crate::state::task::{MockTask, TaskProgress};

/// What every task's id starts with (document 002's example, and the published error for ids without it).
const PREFIX: &str = "task-unified-";

/// How many characters follow the time in an id.
const RANDOM: usize = 8;

/// A new id; it carries its session, because pollers send no header.
pub(crate) fn new_id(now: Timestamp, session: &str, seed: u64, ordinal: u64) -> String {
    let random = hash::number(&[b"task", &seed.to_be_bytes(), &ordinal.to_be_bytes()]);
    let digit = |n: usize| char::from_digit((random >> (5 * n) & 31) as u32, 32).unwrap_or('0');
    let random: String = (0..RANDOM).map(digit).collect();
    let tail = if session == DEFAULT_SESSION { String::new() } else { format!("-{session}") };
    format!("{PREFIX}{}-{random}{tail}", now.as_second())
}

/// The session an id carries.
pub(crate) fn session_of(id: &str) -> Option<&str> {
    let rest = id.strip_prefix(PREFIX)?;
    let (_, random_and_session) = rest.split_once('-')?;
    let session = random_and_session.get(RANDOM..)?.strip_prefix('-')?;
    crate::request::address::is_session(session).then_some(session)
}

#[derive(Serialize)]
struct CreatedTask<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'static str,
    progress: u8,
    status: &'static str,
    task_info: CreatedInfo,
    r#type: &'static str,
    usage: ReservedUsage,
}

#[derive(Serialize)]
struct CreatedInfo {
    can_cancel: bool,
    estimated_time: u64,
}

#[derive(Serialize)]
struct ReservedUsage {
    billing_rule: &'static str,
    credits_reserved: f64,
    user_group: &'static str,
}

#[derive(Serialize)]
struct TaskDetail<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'static str,
    progress: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<String>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<TaskErrorBody<'a>>,
    task_info: DetailInfo,
    r#type: &'static str,
}

#[derive(Serialize)]
struct TaskErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    r#type: &'static str,
}

#[derive(Serialize)]
struct DetailInfo {
    can_cancel: bool,
}

/// The code of a task that was cancelled. Document 002 only says that this is an end of its own.
pub(crate) const CANCELLED: &str = "request_cancelled";

const OBJECT: &str = "image.generation.task";

/// Accepts a task.
pub(crate) fn create(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> EndpointResponse {
    let task = accept(context, spec, spec.reported);
    let each = spec.model.and_then(|model| model.credits).unwrap_or(1.0);
    let body = CreatedTask {
        created: context.now.as_second(),
        id: &task,
        model: spec.reported,
        object: OBJECT,
        progress: 0,
        status: "pending",
        task_info: CreatedInfo { can_cancel: true, estimated_time: context.conduct.estimated_seconds },
        r#type: "image",
        usage: ReservedUsage {
            billing_rule: "per_call",
            credits_reserved: credits(each, spec.reserved),
            user_group: "default",
        },
    };
    // Structs of texts and numbers always serialise.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let unknown = new_id(context.now, context.session, !context.engine.settings().seed, context.ordinal);
    let mut response = EndpointResponse::json(200, task_status::accepted(&context.fault.task, &task, &unknown, body));
    response.billed = delivered(context, spec);
    response.reserved = Some((task, spec.reserved));
    response
}

/// How many pictures a task will deliver.
fn delivered(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> u32 {
    let told = &context.fault.task;
    let with_results = told.contains(&TaskFault::FailedResults);
    if told.contains(&TaskFault::CompletedError) || (task_status::fails(told) && !with_results) {
        return 0;
    }
    let made = places(spec.image_count, &context.fault).into_iter().filter(Option::is_none).count();
    u32::try_from(made).unwrap_or(u32::MAX)
}

/// Keeps a new task and returns its id.
pub(crate) fn accept(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, model: &str) -> String {
    let settings = context.engine.settings();
    let id = new_id(context.now, context.session, settings.seed, context.ordinal);
    let mut images = spec.images(settings.seed);
    // Fewer results than ordered is how this dialect says that some failed.
    images.truncate(delivered(context, spec) as usize);
    let callback = callback_url(context).map(|url| (url.to_owned(), context.origin.clone()));
    let deadline =
        callback.as_ref().map(|_| later(context.now, Duration::from_secs(context.conduct.estimated_seconds)));
    let task = MockTask {
        id: id.as_str().into(),
        model: model.to_owned(),
        created: context.now,
        failure: (images.is_empty() || task_status::fails(&context.fault.task)).then(|| failure(&context.fault)),
        images,
        end: (!never_ends(&context.fault)).then_some(context.conduct.task),
        deadline,
        backward: context.fault.tasks(&TaskFault::Backward),
        told: context.fault.task.clone(),
        later: context.later.clone(),
        image_faults: context.image_faults(),
        result_seconds: context.provider.limits.result_seconds,
        provider: context.provider.id.clone(),
        callback,
        polls: 0,
        moved: 0,
        ended: None,
    };
    context.engine.sessions().with(context.session, context.now, |session| session.keep_task(task));
    id
}

fn never_ends(fault: &Fault) -> bool {
    fault.tasks(&TaskFault::Stuck) || fault.tasks(&TaskFault::Early)
}

/// Whom a request wants to be called back.
fn callback_url<'c>(context: &'c RequestContext<'_>) -> Option<&'c str> {
    path::text(context.object()?, &context.provider.field(FieldRole::Callback)?.name)
}

/// Why a task ends without pictures (providers.md 2.6).
pub(crate) fn failure(fault: &Fault) -> (String, String) {
    let code = if fault.fail.is_some() { "service_error" } else { "content_policy_violation" };
    let code = fault.code.clone().unwrap_or_else(|| String::from(code));
    let published = "Content policy violation.\nYour request was blocked by safety filters...";
    let message = match code.as_str() {
        "content_policy_violation" => String::from(published),
        CANCELLED => String::from("The request was cancelled."),
        other => format!("The task failed: {}.", other.replace('_', " ")),
    };
    (code, fault.message.clone().unwrap_or(message))
}

/// Answers a poll.
pub(crate) fn poll(context: &RequestContext<'_>, id: &str) -> EndpointResponse {
    if !id.starts_with(PREFIX) {
        return context.problem(ErrorCause::TaskIdInvalid, &ErrorDetails::default()).into();
    }
    let polled = context.engine.sessions().with(context.session, context.now, |session| {
        let task = session.task(id)?;
        // A stuck task is stuck for its own key only in that it never ends; polls are still counted.
        task.polls = task.polls.saturating_add(1);
        let progress = task.progress(context.now);
        if let TaskProgress::Ended(at) = progress {
            task.ended = Some(at);
        }
        Some((task.clone(), progress))
    });
    match polled {
        Some((task, progress)) => {
            let body = detail(context.engine, &context.origin, context.session, &task, progress);
            EndpointResponse { evidence: EvidenceKind::Derived, ..EndpointResponse::json(200, body) }
        }
        None => {
            let response: EndpointResponse = context.problem(ErrorCause::TaskNotFound, &ErrorDetails::default()).into();
            EndpointResponse { notes: vec![missing(context.session, id)], ..response }
        }
    }
}

/// Why a task is not there.
fn missing(session: &str, id: &str) -> String {
    match session_of(id).unwrap_or(DEFAULT_SESSION) {
        own if own != session => format!("the session {session} has no such task; by its id it is one of {own}"),
        _ => format!(
            "the session {session} has no such task: it never had, or was reset, or not used for too long, or forgot it \
             where memory was short"
        ),
    }
}

/// A task as it is told to who asks, or to who is called back.
pub(crate) fn detail(engine: &Engine, origin: &str, session: &str, task: &MockTask, progress: TaskProgress) -> Vec<u8> {
    let told = |way| task.told.contains(&way);
    let urls = |at| {
        let place = UrlScope { origin, session, faults: &task.image_faults };
        let url = |image| engine.signer().url(&place, image, at, task.result_seconds);
        task.images.iter().map(url).collect::<Vec<_>>()
    };
    let (status, percent, results, error) = match (progress, &task.failure) {
        (TaskProgress::Pending, _) => ("pending", 0, None, None),
        (TaskProgress::Processing(percent), _) => {
            ("processing", percent, told(TaskFault::Early).then(|| urls(task.created)), None)
        }
        (TaskProgress::Ended(at), Some((code, message))) => {
            let error = Some(TaskErrorBody { code, message, r#type: "task_error" });
            let results = (!task.images.is_empty()).then(|| urls(at));
            if told(TaskFault::CompletedError) {
                ("completed", 100, results, error)
            } else {
                ("failed", 0, results, error)
            }
        }
        (TaskProgress::Ended(at), None) => ("completed", 100, Some(urls(at)), None),
    };
    let body = TaskDetail {
        created: task.created.as_second(),
        id: &task.id,
        model: &task.model,
        object: OBJECT,
        progress: percent,
        results,
        status,
        error,
        task_info: DetailInfo { can_cancel: matches!(status, "pending" | "processing") },
        r#type: "image",
    };
    // Structs of texts and numbers always serialise.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    task_status::polled(&task.told, matches!(progress, TaskProgress::Ended(_)), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m12_ids_carry_their_session() {
        let now = Timestamp::from_second(1_757_165_031).unwrap();
        let id = new_id(now, "blue-2", 0, 7);
        assert!(id.starts_with("task-unified-1757165031-") && id.ends_with("-blue-2"), "{id}");
        assert_eq!(session_of(&id), Some("blue-2"));
        let id = new_id(now, DEFAULT_SESSION, 0, 7);
        assert_eq!(id.len(), "task-unified-1757165031-".len() + RANDOM);
        assert_eq!(session_of(&id), None);
        assert_eq!(session_of("task-unified-1757165031-seedream4d"), None);
    }
}
