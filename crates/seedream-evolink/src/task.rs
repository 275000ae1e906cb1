//! Tasks: how one is accepted, asked for, and ends.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use seedream_core::{
    Acceptance, Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData, ModelId, Outcome, Reply, Result, Task,
    TaskDialect, TaskId, TaskState, Timestamp,
};
use seedream_wire::{Failure, Reader, expiry_of, get, usage};
use serde::Deserialize;
use serde_json::Value;

use crate::{DESCRIPTOR, Evolink, errors};

/// "The links of pictures are good for 24 hours."
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// A task as it is created and as it is found. Every member may be missing: the page of error codes leaves most of them out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    id: Option<String>,
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
    let wire: Wire = serde_json::from_slice(&reply.body).unwrap_or_default();
    if let Some(id) = wire.id.clone().and_then(|id| TaskId::new(id).ok()) {
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
        let Ok(wire) = serde_json::from_slice::<Wire>(&reply.body) else {
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
    let none = Vec::new();
    let urls = wire.results.as_array().unwrap_or(&none).iter().map(|url| (url, url.as_str()));
    let data = wire.result_data.as_array().unwrap_or(&none);
    let data = data.iter().map(|item| (item, ["image_url", "url"].iter().find_map(|name| item.get(name)?.as_str())));
    let found: Vec<_> =
        if wire.results.as_array().is_some_and(|urls| !urls.is_empty()) { urls.collect() } else { data.collect() };

    let mut generation = wire.facts(task, reply);
    // Links live for 24 hours from when they were made, which is before this answer: the task's own start is the safe guess.
    let expires_at = generation.created.and_then(|created| created.checked_add(LIFETIME).ok());
    generation.outcomes = (0_u32..)
        .zip(found)
        .map(|(index, (item, url))| match url {
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
