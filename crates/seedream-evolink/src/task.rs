//! Tasks: how one is accepted, asked for, and ends.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use seedream_core::{
    Acceptance, Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData, ModelId, Outcome, Reply, Result, Task,
    TaskDialect, TaskId, TaskState, Timestamp,
};
use seedream_wire::{Failure, Reader, expiry_of, get, parse, usage};
use serde::Deserialize;
use serde_json::Value;

use crate::{DESCRIPTOR, Evolink, errors};

/// "The links of pictures are good for 24 hours."
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// A task as it is created and as it is found. Every member may be missing: the page of error codes leaves most of them out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    id: Value,
    /// Other spellings of the id, seen at relatives of this provider.
    task_id: Value,
    status: Value,
    progress: Value,
    model: Value,
    created: Value,
    results: Value,
    /// The official client also reads pictures from here.
    result_data: Value,
    task_info: Value,
    usage: Value,
    error: Value,
}

impl Wire {
    /// Reads an answer, also where it stands in an envelope `data`.
    fn of(reply: &Reply) -> Option<Self> {
        let mut body = parse(&reply.body)?;
        let bare = body.get("status").is_some_and(Value::is_string);
        let inner = body.get_mut("data").filter(|data| data.is_object() && !bare).map(Value::take);
        // Serde would read an array as the members of the struct in their order, so that `[1]` named a task.
        let inner = Some(inner.unwrap_or(body)).filter(Value::is_object)?;
        serde_json::from_value(inner).ok()
    }

    /// The task's id, as text or as a number.
    fn task_id(&self) -> Option<TaskId> {
        [&self.id, &self.task_id].into_iter().find_map(|id| match id {
            Value::String(text) => TaskId::new(text.clone()).ok(),
            Value::Number(number) => TaskId::new(number.to_string()).ok(),
            _ => None,
        })
    }

    /// What stands in `results`, or else in `result_data`.
    fn found(&self) -> &[Value] {
        let nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let place = if nothing(&self.results) { &self.result_data } else { &self.results };
        match place {
            Value::Array(items) => items,
            Value::Null => &[],
            one => std::slice::from_ref(one),
        }
    }

    fn created(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.created.as_i64()?).ok()
    }

    /// What it says around its pictures.
    fn facts(&self, task: &Task, reply: &Reply) -> Generation {
        let mut generation = Generation::new(task.model.clone());
        generation.reported_model = self.model.as_str().map(str::to_owned);
        generation.created = self.created();
        generation.request_id = reply.request_id();
        generation.usage = usage(Some(&self.usage));
        generation.raw = reply.body.clone();
        generation
    }
}

fn reader(model: &ModelId) -> Reader {
    Reader { model: model.clone(), kind_of: errors::of_http, lifetime: Some(LIFETIME) }
}

/// The answer to a request: a task was accepted, or it was refused.
pub(crate) fn accepted(model: &ModelId, reply: &Reply) -> Result<Outcome> {
    if !reply.status.is_success() {
        return Err(reader(model).error(reply));
    }
    let wire = Wire::of(reply).unwrap_or_default();
    if let Some(id) = wire.task_id() {
        let mut acceptance = Acceptance::new(id);
        acceptance.reported_model = wire.model.as_str().map(str::to_owned);
        acceptance.created = wire.created();
        let estimated = wire.task_info.get("estimated_time").and_then(Value::as_u64);
        acceptance.estimated_seconds = estimated.and_then(|seconds| u32::try_from(seconds).ok());
        acceptance.usage = usage(Some(&wire.usage));
        return Ok(Outcome::Accepted(acceptance));
    }
    if !wire.error.is_null() {
        return Err(reader(model).error(reply));
    }
    let message = format!("the answer names no task: {}", Failure::of(reply).message);
    Err(Error::from_reply(ErrorKind::MalformedResponse, message, reply))
}

impl TaskDialect for Evolink {
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>> {
        get(&format!("/v1/tasks/{}", task.id))
    }

    fn decode_poll(&self, task: &Task, reply: &Reply) -> Result<TaskState> {
        if !reply.status.is_success() {
            return Err(poll_error(task, reply));
        }
        let Some(wire) = Wire::of(reply) else {
            let message = format!("the answer says nothing of the task: {}", Failure::of(reply).message);
            return Err(Error::from_reply(ErrorKind::MalformedResponse, message, reply));
        };
        match wire.status.as_str() {
            Some("completed") => Ok(completed(task, &wire, reply)),
            // The documents know no such status, but a callback speaks of "cancelled".
            Some("failed" | "cancelled" | "canceled") => Ok(TaskState::Failed(failed(task, &wire, reply))),
            Some(status) => {
                let progress = wire.progress.as_f64().map(|per_cent| per_cent.clamp(0.0, 100.0) as u8);
                Ok(TaskState::Running { status: status.to_owned(), progress })
            }
            None => Err(poll_error(task, reply)),
        }
    }
}

/// A poll that says nothing of the task: whatever it says, the task was paid for and may still be there.
fn poll_error(task: &Task, reply: &Reply) -> Error {
    let mut error = reader(&task.model).error(reply);
    if reply.status == StatusCode::NOT_FOUND {
        let failure = Failure::of(reply);
        error = Error::from_reply(ErrorKind::TaskNotFound, failure.message, reply)
            .with_code(failure.code)
            .with_param(failure.param);
    }
    error.with_charge(Charge::Unknown).with_provider(DESCRIPTOR.id)
}

fn completed(task: &Task, wire: &Wire, reply: &Reply) -> TaskState {
    let mut generation = wire.facts(task, reply);
    // Links live for 24 hours from when they were made, which is before this answer: the task's own start is the safe guess.
    let expires_at = generation.created.and_then(|created| created.checked_add(LIFETIME).ok());
    generation.outcomes = (0_u32..)
        .zip(wire.found())
        .map(|(index, item)| match url_of(item) {
            Some(url) => {
                let expires_at = expiry_of(url).or(expires_at);
                Ok(GeneratedImage::new(index, ImageData::Url { url: url.to_owned(), expires_at }))
            }
            None => {
                let failure = Failure::of_json(item).unwrap_or_default();
                let kind = failure.code.as_deref().and_then(errors::of_task).unwrap_or(ErrorKind::MalformedResponse);
                let message = if failure.message.is_empty() { "the result holds no URL" } else { &failure.message };
                Err(seedream_core::ImageFailure::new(index, kind, message).with_code(failure.code.clone()))
            }
        })
        .collect();
    match generation.or_no_images() {
        Ok(generation) => TaskState::Done(generation),
        Err(error) => TaskState::Failed(error),
    }
}

/// Results are plain URLs; the official client also reads objects.
fn url_of(item: &Value) -> Option<&str> {
    item.as_str().or_else(|| ["url", "image_url"].iter().find_map(|name| item.get(name)?.as_str()))
}

/// A failed task is an answer of 200. It costs nothing: what is charged goes by the number of pictures made.
fn failed(task: &Task, wire: &Wire, reply: &Reply) -> Error {
    let failure = Failure::of_json(&serde_json::json!({ "error": wire.error })).unwrap_or_default();
    let cancelled = wire.status != "failed";
    let kind = match failure.code.as_deref().and_then(errors::of_task) {
        Some(kind) => kind,
        None if cancelled => ErrorKind::Cancelled,
        None => ErrorKind::TaskFailed,
    };
    let message = if failure.message.is_empty() { "the task failed, and no reason is given" } else { &failure.message };
    Error::from_reply(kind, message, reply)
        .with_code(failure.code.clone())
        .with_charge(Charge::No)
        .with_generation(wire.facts(task, reply))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn reply(body: &'static str) -> Reply {
        Reply::new(StatusCode::OK, HeaderMap::new(), body, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_accepted_task_is_found_in_every_shape() {
        for (body, id) in [
            (r#"{"id":"task-unified-1-a","status":"pending"}"#, "task-unified-1-a"),
            (r#"{"id":12345,"status":"pending"}"#, "12345"),
            (r#"{"task_id":"t-2","status":"pending"}"#, "t-2"),
            (r#"{"code":200,"data":{"id":"t-3","status":"submitted"}}"#, "t-3"),
        ] {
            let Ok(Outcome::Accepted(acceptance)) = accepted(&"m".into(), &reply(body)) else { panic!("{body}") };
            assert_eq!(acceptance.id.as_str(), id);
        }
        let error = accepted(&"m".into(), &reply(r#"{"created":1,"id":"../x"}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedResponse);
        assert_eq!(error.charge(), Charge::Unknown);
    }

    #[test]
    fn an_array_names_no_task() {
        for body in ["[1]", r#"["task-unified-1-a"]"#, r#"{"data":[1]}"#] {
            let error = accepted(&"m".into(), &reply(body)).unwrap_err();
            assert_eq!((error.kind(), error.charge()), (ErrorKind::MalformedResponse, Charge::Unknown), "{body}");
        }
    }

    #[test]
    fn finished_pictures_are_found_in_every_shape() {
        let task = Task::new("evolink", "https://a.example", TaskId::new("t").unwrap(), "m".into());
        for (body, count) in [
            (r#"{"status":"completed","results":["https://p/0","https://p/1"]}"#, 2),
            (r#"{"status":"completed","results":"https://p/0"}"#, 1),
            (r#"{"status":"completed","results":[{"url":"https://p/0"}]}"#, 1),
            (r#"{"id":1,"status":"completed","results":[],"result_data":[{"image_url":"https://p/0"}]}"#, 1),
            (r#"{"data":{"status":"completed","results":["https://p/0"]}}"#, 1),
        ] {
            let Ok(TaskState::Done(generation)) = Evolink.decode_poll(&task, &reply(body)) else { panic!("{body}") };
            assert_eq!(generation.images().count(), count, "{body}");
        }
    }
}
