//! Tasks: created by a request, advanced by polls or by time.

mod progress;

pub(crate) use progress::{Progress, Task};

use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::{Cause, Kind, Role};
use serde::Serialize;

use super::Engine;
use super::answer::Answer;
use super::ask::Ask;
use super::call::Call;
use super::digest;
use super::images_url::Place;
use super::items::places;
use super::ledger::credits;
use super::members;
use super::problem::Fill;
use super::route::DEFAULT_SESSION;
use super::shape::told;
use crate::clock::later;
use crate::fault::{Fault, TaskFault};

/// What every task's id starts with (document 002's example, and the published error for ids without it).
const PREFIX: &str = "task-unified-";

/// How many characters follow the time in an id.
const RANDOM: usize = 8;

/// A new id; it carries its session, because pollers send no header.
pub(crate) fn new_id(now: Timestamp, session: &str, seed: u64, ordinal: u64) -> String {
    let random = digest::number(&[b"task", &seed.to_be_bytes(), &ordinal.to_be_bytes()]);
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
    super::route::is_session(session).then_some(session)
}

#[derive(Serialize)]
struct Created<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'static str,
    progress: u8,
    status: &'static str,
    task_info: CreatedInfo,
    r#type: &'static str,
    usage: Reserved,
}

#[derive(Serialize)]
struct CreatedInfo {
    can_cancel: bool,
    estimated_time: u64,
}

#[derive(Serialize)]
struct Reserved {
    billing_rule: &'static str,
    credits_reserved: f64,
    user_group: &'static str,
}

#[derive(Serialize)]
struct Detail<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'static str,
    progress: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<String>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<TaskError<'a>>,
    task_info: DetailInfo,
    r#type: &'static str,
}

#[derive(Serialize)]
struct TaskError<'a> {
    code: &'a str,
    message: &'a str,
    r#type: &'static str,
}

#[derive(Serialize)]
struct DetailInfo {
    can_cancel: bool,
}

/// The code of a task that was cancelled. Document 002 only says that this is an end of its own.
pub(super) const CANCELLED: &str = "request_cancelled";

const OBJECT: &str = "image.generation.task";

/// Accepts a task.
pub(crate) fn create(call: &Call<'_>, ask: &Ask<'_>) -> Answer {
    let task = accept(call, ask, ask.reported);
    let each = ask.model.and_then(|model| model.credits).unwrap_or(1.0);
    let body = Created {
        created: call.now.as_second(),
        id: &task,
        model: ask.reported,
        object: OBJECT,
        progress: 0,
        status: "pending",
        task_info: CreatedInfo { can_cancel: true, estimated_time: call.conduct.estimated_seconds },
        r#type: "image",
        usage: Reserved {
            billing_rule: "per_call",
            credits_reserved: credits(each, ask.reserved),
            user_group: "default",
        },
    };
    // Structs of texts and numbers always serialise.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let unknown = new_id(call.now, call.session, !call.engine.settings().seed, call.ordinal);
    let mut answer = Answer::json(200, told::accepted(&call.fault.task, &task, &unknown, body));
    answer.billed = delivered(call, ask);
    answer.reserved = Some((task, ask.reserved));
    answer
}

/// How many pictures a task will deliver.
fn delivered(call: &Call<'_>, ask: &Ask<'_>) -> u32 {
    let told = &call.fault.task;
    let with_results = told.contains(&TaskFault::FailedResults);
    if told.contains(&TaskFault::CompletedError) || (told::fails(told) && !with_results) {
        return 0;
    }
    let made = places(ask.images, &call.fault).into_iter().filter(Option::is_none).count();
    u32::try_from(made).unwrap_or(u32::MAX)
}

/// Keeps a new task and returns its id.
pub(crate) fn accept(call: &Call<'_>, ask: &Ask<'_>, model: &str) -> String {
    let settings = call.engine.settings();
    let id = new_id(call.now, call.session, settings.seed, call.ordinal);
    let mut pictures = ask.pictures(settings.seed);
    // Fewer results than ordered is how this dialect says that some failed.
    pictures.truncate(delivered(call, ask) as usize);
    let callback = callback_url(call).map(|url| (url.to_owned(), call.origin.clone()));
    let deadline = callback.as_ref().map(|_| later(call.now, Duration::from_secs(call.conduct.estimated_seconds)));
    let task = Task {
        id: id.as_str().into(),
        model: model.to_owned(),
        created: call.now,
        failure: (pictures.is_empty() || told::fails(&call.fault.task)).then(|| failure(&call.fault)),
        pictures,
        end: (!never_ends(&call.fault)).then_some(call.conduct.task),
        deadline,
        backward: call.fault.tasks(&TaskFault::Backward),
        told: call.fault.task.clone(),
        later: call.later.clone(),
        picture_faults: call.picture_faults(),
        result_seconds: call.provider.limits.result_seconds,
        provider: call.provider.id.clone(),
        callback,
        polls: 0,
        moved: 0,
        ended: None,
    };
    call.engine.sessions().with(call.session, call.now, |session| session.keep_task(task));
    id
}

fn never_ends(fault: &Fault) -> bool {
    fault.tasks(&TaskFault::Stuck) || fault.tasks(&TaskFault::Early)
}

/// Whom a request wants to be called back.
fn callback_url<'c>(call: &'c Call<'_>) -> Option<&'c str> {
    members::text(call.object()?, &call.provider.field(Role::Callback)?.name)
}

/// Why a task ends without pictures (providers.md 2.6).
pub(super) fn failure(fault: &Fault) -> (String, String) {
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
pub(crate) fn poll(call: &Call<'_>, id: &str) -> Answer {
    if !id.starts_with(PREFIX) {
        return call.problem(Cause::TaskIdInvalid, &Fill::default()).into();
    }
    let polled = call.engine.sessions().with(call.session, call.now, |session| {
        let task = session.task(id)?;
        // A stuck task is stuck for its own key only in that it never ends; polls are still counted.
        task.polls = task.polls.saturating_add(1);
        let progress = task.progress(call.now);
        if let Progress::Ended(at) = progress {
            task.ended = Some(at);
        }
        Some((task.clone(), progress))
    });
    match polled {
        Some((task, progress)) => {
            let body = detail(call.engine, &call.origin, call.session, &task, progress);
            Answer { evidence: Kind::Derived, ..Answer::json(200, body) }
        }
        None => {
            let answer: Answer = call.problem(Cause::TaskNotFound, &Fill::default()).into();
            Answer { notes: vec![missing(call.session, id)], ..answer }
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
pub(crate) fn detail(engine: &Engine, origin: &str, session: &str, task: &Task, progress: Progress) -> Vec<u8> {
    let told = |way| task.told.contains(&way);
    let urls = |at| {
        let place = Place { origin, session, faults: &task.picture_faults };
        let url = |picture| engine.signer().url(&place, picture, at, task.result_seconds);
        task.pictures.iter().map(url).collect::<Vec<_>>()
    };
    let (status, percent, results, error) = match (progress, &task.failure) {
        (Progress::Pending, _) => ("pending", 0, None, None),
        (Progress::Processing(percent), _) => {
            ("processing", percent, told(TaskFault::Early).then(|| urls(task.created)), None)
        }
        (Progress::Ended(at), Some((code, message))) => {
            let error = Some(TaskError { code, message, r#type: "task_error" });
            let results = (!task.pictures.is_empty()).then(|| urls(at));
            if told(TaskFault::CompletedError) {
                ("completed", 100, results, error)
            } else {
                ("failed", 0, results, error)
            }
        }
        (Progress::Ended(at), None) => ("completed", 100, Some(urls(at)), None),
    };
    let body = Detail {
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
    told::polled(&task.told, matches!(progress, Progress::Ended(_)), body)
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
