//! Tasks: created by a request, advanced by polls or by time.

use std::time::Duration;

use seedream_fixtures::{ErrorCause, EvidenceKind, FieldRole, TaskFacts};
use serde::Serialize;

use crate::engine::services::Services;
use crate::faults::grammar::Fault;
use crate::faults::reshape::task_status;
use crate::faults::shapes::TaskFault;
use crate::image::signed_url::UrlScope;
use crate::json::path;
use crate::request::address::DEFAULT_SESSION;
use crate::request::context::RequestContext;
use crate::request::generation_spec::GenerationSpec;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error;
use crate::response::error::ErrorDetails;
use crate::response::images::places;
use crate::state::ledger::credits;
use crate::state::task::{MockTask, TaskProgress};
use crate::state::task_id;
use crate::time::later;

#[derive(Serialize)]
struct CreatedTask<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'a str,
    progress: u8,
    status: &'static str,
    task_info: CreatedInfo,
    r#type: &'a str,
    usage: ReservedUsage<'a>,
}

#[derive(Serialize)]
struct CreatedInfo {
    can_cancel: bool,
    estimated_time: u64,
}

#[derive(Serialize)]
struct ReservedUsage<'a> {
    billing_rule: &'a str,
    credits_reserved: f64,
    user_group: &'a str,
}

#[derive(Serialize)]
struct TaskDetail<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'a str,
    progress: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<String>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<TaskErrorBody<'a>>,
    task_info: DetailInfo,
    r#type: &'a str,
}

#[derive(Serialize)]
struct TaskErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    r#type: &'a str,
}

#[derive(Serialize)]
struct DetailInfo {
    can_cancel: bool,
}

/// Accepts a task.
pub(crate) fn create(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> EndpointResponse {
    let form = context.services.task_form(context.provider);
    let task = accept(context, spec, spec.reported);
    let each = spec.model.and_then(|model| model.credits).unwrap_or(1.0);
    let body = CreatedTask {
        created: context.now.as_second(),
        id: &task,
        model: spec.reported,
        object: &form.object,
        progress: 0,
        status: "pending",
        task_info: CreatedInfo { can_cancel: true, estimated_time: context.settings.estimated_seconds },
        r#type: &form.kind,
        usage: ReservedUsage {
            billing_rule: &form.billing_rule,
            credits_reserved: credits(each, spec.reserved),
            user_group: &form.user_group,
        },
    };
    // Structs of texts and numbers always serialise.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let unknown = task_id::new(&form.id_prefix, context.now, context.session, !context.settings.seed, context.ordinal);
    let mut response = EndpointResponse::json(200, task_status::accepted(&context.fault.task, &task, &unknown, body));
    response.billed = delivered(context, spec);
    response.reserved = Some((task, spec.reserved));
    response
}

/// How many images a task will deliver.
fn delivered(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> u32 {
    let faults = &context.fault.task;
    let with_results = faults.contains(&TaskFault::FailedResults);
    if faults.contains(&TaskFault::CompletedError) || (task_status::fails(faults) && !with_results) {
        return 0;
    }
    let made = places(spec.image_count, &context.fault).into_iter().filter(Option::is_none).count();
    u32::try_from(made).unwrap_or(u32::MAX)
}

/// Keeps a new task and returns its id.
pub(crate) fn accept(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, model: &str) -> String {
    let (form, settings) = (context.services.task_form(context.provider), &context.settings);
    let id = task_id::new(&form.id_prefix, context.now, context.session, settings.seed, context.ordinal);
    let mut images = spec.images(settings.seed);
    // Fewer results than ordered is how this dialect says that some failed.
    images.truncate(delivered(context, spec) as usize);
    let callback = callback_url(context).map(|url| (url.to_owned(), context.origin.clone()));
    let deadline = callback.as_ref().map(|_| later(context.now, Duration::from_secs(settings.estimated_seconds)));
    let task = MockTask {
        id: id.as_str().into(),
        model: model.to_owned(),
        created: context.now,
        failure: (images.is_empty() || task_status::fails(&context.fault.task)).then(|| failure(form, &context.fault)),
        cancelled: false,
        images,
        end: (!never_ends(&context.fault)).then_some(settings.task),
        deadline,
        backward: context.fault.tasks(&TaskFault::Backward),
        faults: context.fault.task.clone(),
        later: context.later.clone(),
        image_faults: context.image_faults(),
        result_seconds: context.provider.limits.result_seconds,
        provider: context.provider.id.clone(),
        callback,
        polls: 0,
        moved: 0,
        ended: None,
    };
    context.services.sessions.with(context.session, context.now, |session| session.keep_task(task));
    id
}

fn never_ends(fault: &Fault) -> bool {
    fault.tasks(&TaskFault::Stuck) || fault.tasks(&TaskFault::Early)
}

/// The URL of the callback that a request names.
fn callback_url<'c>(context: &'c RequestContext<'_>) -> Option<&'c str> {
    path::text(context.object()?, &context.provider.field(FieldRole::Callback)?.name)
}

/// The code and the message of a task that ends without images.
pub(crate) fn failure(form: &TaskFacts, fault: &Fault) -> (String, String) {
    let own = if fault.fail.is_some() { &form.failed_code } else { &form.moderated_code };
    let code = fault.code.as_ref().unwrap_or(own);
    let other = || format!("The task failed: {}.", code.replace('_', " "));
    let message = fault.message.clone().or_else(|| form.messages.get(code).cloned());
    (code.clone(), message.unwrap_or_else(other))
}

/// Answers a poll.
pub(crate) fn respond(context: &RequestContext<'_>) -> EndpointResponse {
    let id = context.task_id;
    if !id.starts_with(&context.services.task_form(context.provider).id_prefix) {
        return error::of(context, ErrorCause::TaskIdInvalid, &ErrorDetails::default()).into();
    }
    let polled = context.services.sessions.with(context.session, context.now, |session| {
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
            let body = detail(context.services, &context.origin, context.session, &task, progress);
            EndpointResponse { evidence: EvidenceKind::Derived, ..EndpointResponse::json(200, body) }
        }
        None => {
            let response: EndpointResponse =
                error::of(context, ErrorCause::TaskNotFound, &ErrorDetails::default()).into();
            EndpointResponse { notes: vec![missing(context)], ..response }
        }
    }
}

/// Why a task is not there, for the journal.
fn missing(context: &RequestContext<'_>) -> String {
    let session = context.session;
    match context.services.task_session(context.task_id).unwrap_or(DEFAULT_SESSION) {
        own if own != session => format!("the session {session} has no such task; by its id it is one of {own}"),
        _ => format!(
            "the session {session} has no such task: it never had, or was reset, or expired, or dropped it \
             where memory was short"
        ),
    }
}

/// The body of a poll or of a callback.
pub(crate) fn detail(
    services: &Services,
    origin: &str,
    session: &str,
    task: &MockTask,
    progress: TaskProgress,
) -> Vec<u8> {
    let form = services.task_form_of(&task.provider);
    let reports = |way| task.faults.contains(&way);
    let urls = |at| {
        let place = UrlScope { origin, session, faults: &task.image_faults };
        let url = |image| services.signer.url(&place, image, at, task.result_seconds);
        task.images.iter().map(url).collect::<Vec<_>>()
    };
    let (status, percent, results, error) = match (progress, &task.failure) {
        (TaskProgress::Pending, _) => ("pending", 0, None, None),
        (TaskProgress::Processing(percent), _) => {
            ("processing", percent, reports(TaskFault::Early).then(|| urls(task.created)), None)
        }
        (TaskProgress::Ended(at), Some((code, message))) => {
            let error = Some(TaskErrorBody { code, message, r#type: &form.error_type });
            let results = (!task.images.is_empty()).then(|| urls(at));
            if reports(TaskFault::CompletedError) {
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
        object: &form.object,
        progress: percent,
        results,
        status,
        error,
        task_info: DetailInfo { can_cancel: matches!(status, "pending" | "processing") },
        r#type: &form.kind,
    };
    // Structs of texts and numbers always serialise.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    task_status::polled(&task.faults, matches!(progress, TaskProgress::Ended(_)), body)
}
