//! How the tasks of a session are, and moving them by hand.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::TaskPhase;
use serde_json::{Map, Value, json};

use crate::endpoints::admin::error::{AdminError, object};
use crate::endpoints::admin::query::AdminQuery;
use crate::endpoints::tasks::failure;
use crate::engine::services::Services;
use crate::faults::grammar::Fault;
use crate::response::endpoint_response::EndpointResponse;
use crate::state::session::Session;
use crate::state::task::{MockTask, TaskProgress};

const BAD: &str = "mock_bad_task";

/// Where a task is moved to by hand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TaskTransition {
    /// To a percentage from 1 to 99.
    Processing(u8),
    /// To its end, with the images it has.
    Completed,
    /// To its end, without images.
    Failed { code: Option<String>, message: Option<String> },
    /// To its end, cancelled: the provider reports a failure with a code of its own.
    Cancelled,
}

/// Why a task cannot be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransitionError {
    /// No task has this id.
    Missing,
    /// It has ended.
    Ended,
}

/// Lists tasks, or moves them.
pub(crate) fn respond(
    services: &Services,
    now: Timestamp,
    request: &Request<Bytes>,
) -> Result<EndpointResponse, AdminError> {
    let query = AdminQuery::read(request, &["session"])?;
    let session = query.one()?;
    match request.method().as_str() {
        "GET" => {}
        "POST" => {
            let example = r#"{"id":"…","status":"completed"}"#;
            let mut members = object(BAD, request.body(), example)?;
            let id = text(&mut members, "id")?;
            let wanted = read(members)?;
            // An id says its session; one that is named must be the same.
            let session = id
                .as_deref()
                .filter(|_| query.get("session").is_none())
                .and_then(|id| services.task_session(id))
                .unwrap_or(session);
            let moved = move_tasks(services, now, session, id.as_deref(), &wanted);
            moved.map_err(|unmoved| refused(unmoved, session, id.as_deref()))?;
            return Ok(list(services, now, session));
        }
        _ => return Err(AdminError::method("GET and POST")),
    }
    Ok(list(services, now, session))
}

fn list(services: &Services, now: Timestamp, name: &str) -> EndpointResponse {
    let tasks =
        services.sessions.look(name, |session| session.tasks().map(|task| shown(task, now)).collect::<Vec<_>>());
    EndpointResponse::value(200, &json!({ "session": name, "tasks": tasks.unwrap_or_default() }))
}

/// The state of a task, and its percentage.
pub(crate) fn status_of(task: &MockTask, now: Timestamp) -> (&'static str, u8) {
    match task.progress(now) {
        TaskProgress::Pending => ("pending", 0),
        TaskProgress::Processing(percent) => ("processing", percent),
        TaskProgress::Ended(_) => match &task.failure {
            Some(_) if task.cancelled => ("cancelled", 0),
            Some(_) => ("failed", 0),
            None => ("completed", 100),
        },
    }
}

fn shown(task: &MockTask, now: Timestamp) -> Value {
    let (status, percent) = status_of(task, now);
    json!({
        "id": &*task.id,
        "provider": task.provider,
        "model": task.model,
        "status": status,
        "progress": percent,
        "images": task.images.len(),
        "polls": task.polls,
        "created": task.created.to_string(),
        "ends": task.end.map_or_else(|| String::from("never"), |end| end.to_string()),
        "ended": task.ended.map(|at| at.to_string()),
        "callback": task.callback.as_ref().map(|(url, _)| url),
    })
}

/// Reads where to.
fn read(mut members: Map<String, Value>) -> Result<TaskTransition, AdminError> {
    let status = text(&mut members, "status")?;
    let bad = |message: &str| AdminError::bad(BAD, message);
    let wanted = match status.as_deref() {
        Some("completed") => TaskTransition::Completed,
        Some("failed") => {
            TaskTransition::Failed { code: text(&mut members, "code")?, message: text(&mut members, "message")? }
        }
        Some("cancelled") => TaskTransition::Cancelled,
        Some("processing") => {
            let percent = members.remove("progress").and_then(|value| u8::try_from(value.as_u64()?).ok());
            let percent = percent.filter(|percent| (1..100).contains(percent));
            TaskTransition::Processing(
                percent.ok_or_else(|| bad("progress: processing needs a percentage from 1 to 99"))?,
            )
        }
        _ => return Err(bad("status: a task is moved to completed, failed, cancelled or processing")),
    };
    match members.keys().next() {
        Some(name) => {
            let takes = "id (all that have not ended, where it is left out), status, progress with processing, code and \
                         message with failed";
            Err(bad(&format!("{name}: this route takes {takes}")))
        }
        None => Ok(wanted),
    }
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, AdminError> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(AdminError::bad(BAD, format!("{name}: {other} is not a text"))),
    }
}

fn refused(unmoved: TransitionError, session: &str, id: Option<&str>) -> AdminError {
    let id = id.unwrap_or_default();
    match unmoved {
        TransitionError::Missing => {
            let message =
                format!("id: the session {session} has no task {id}; GET /__mock/v1/tasks?session= lists them");
            AdminError::missing("mock_no_such_task", message)
        }
        TransitionError::Ended => {
            AdminError::bad(BAD, format!("id: {id} has ended, and a task that has ended stays as it is"))
        }
    }
}

/// Moves a task by hand, or all of a session that have not ended.
pub(crate) fn move_tasks(
    services: &Services,
    now: Timestamp,
    session: &str,
    id: Option<&str>,
    wanted: &TaskTransition,
) -> Result<(), TransitionError> {
    let moved = services.sessions.look(session, |session| match id {
        Some(id) => move_one(services, session, now, id, wanted),
        None => {
            let ids: Vec<Arc<str>> = session.tasks().map(|task| task.id.clone()).collect();
            for id in ids {
                // One that has ended stays as it is.
                let _ = move_one(services, session, now, &id, wanted);
            }
            Ok(())
        }
    });
    moved.unwrap_or(if id.is_some() { Err(TransitionError::Missing) } else { Ok(()) })
}

fn move_one(
    services: &Services,
    session: &mut Session,
    now: Timestamp,
    id: &str,
    wanted: &TaskTransition,
) -> Result<(), TransitionError> {
    let task = session.task(id).ok_or(TransitionError::Missing)?;
    if task.end_by(now).is_some() {
        return Err(TransitionError::Ended);
    }
    let form = services.task_form_of(&task.provider);
    let fail = |task: &mut MockTask, phase: TaskPhase, fault: Fault| {
        task.images.clear();
        task.failure = Some(failure(form, phase, &fault));
        task.ended = Some(now);
    };
    match wanted {
        TaskTransition::Processing(percent) => task.moved = task.moved.max(*percent),
        TaskTransition::Completed => task.ended = Some(now),
        TaskTransition::Failed { code, message } => {
            let fault = Fault { code: code.clone(), message: message.clone(), ..Fault::default() };
            fail(task, TaskPhase::Failed, fault);
        }
        TaskTransition::Cancelled => {
            task.cancelled = true;
            fail(task, TaskPhase::Cancelled, Fault::default());
        }
    }
    Ok(())
}
