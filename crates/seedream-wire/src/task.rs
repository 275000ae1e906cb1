//! Decodes tasks: acceptance, progress, end.

use http::StatusCode;
use seedream_core::{
    Acceptance, Charge, Decoded, Error, ErrorKind, Generation, Response, Result, Task, TaskId, TaskState, Timestamp,
    Warning, WarningKind, json, redact,
};
use serde_json::{Map, Value};

use crate::{
    Failure, Reader,
    collected::Collected,
    find_images::{self, find, holds_image},
    image::Context,
    usage::{usage, whole},
    warnings::{omitted, repaired},
};

/// Members with a task's id, in order of precedence.
const IDS: [&str; 9] = ["id", "task_id", "taskId", "taskID", "TaskId", "task", "job_id", "jobId", "result"];

/// Members whose name states that they are a task's id.
const TASK_IDS: [&str; 7] = ["task_id", "taskId", "taskID", "TaskId", "task", "job_id", "jobId"];

/// Members with a task's status.
const STATUSES: [&str; 6] = ["status", "state", "task_status", "taskStatus", "Status", "task_state"];

/// Decodes the tasks of one provider.
#[derive(Clone, Debug)]
pub struct Tasks {
    /// The decoder of the rest of a response.
    pub reader: Reader,
    /// The meaning of a failed task's code.
    pub kind_of_failure: fn(&str) -> Option<ErrorKind>,
    /// The documented member with the images.
    pub results: &'static str,
    /// The documented charge of a failed task.
    pub failed: Charge,
}

/// The meaning of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Running,
    Done,
    Failed,
    Cancelled,
    Unknown,
}

impl Word {
    /// The meaning of a status word; letter case, `-`, `_` and blanks are ignored.
    fn of(text: &str) -> Self {
        let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let text = text.strip_prefix("taskstatus").unwrap_or(&text);
        match text {
            "completed" | "complete" | "succeeded" | "succeed" | "success" | "successful" | "finished" | "finish"
            | "done" | "ready" => Self::Done,
            "failed" | "failure" | "fail" | "error" | "errored" | "rejected" | "expired" | "timeout" | "timedout"
            | "aborted" => Self::Failed,
            "cancelled" | "canceled" | "cancel" | "cancelling" | "canceling" => Self::Cancelled,
            "pending" | "queued" | "queue" | "queueing" | "queuing" | "inqueue" | "submitted" | "submit"
            | "processing" | "process" | "running" | "inprogress" | "started" | "starting" | "created" | "waiting"
            | "notstart" | "notstarted" | "generating" | "scheduled" | "accepted" | "received" | "initializing"
            | "preparing" | "working" | "active" => Self::Running,
            _ => Self::Unknown,
        }
    }
}

/// The task that a response accepts instead of returning images. Only explicit task members count.
pub(crate) fn instead_of_images(body: &Value) -> Option<Acceptance> {
    let says_so = find_images::layers(body).any(|layer| {
        let named = TASK_IDS.iter().any(|name| layer.get(*name).is_some_and(|id| is_id(id) || id.is_object()));
        let object = layer.get("object").and_then(Value::as_str).is_some_and(|object| object.contains("task"));
        let runs = status(layer).is_some_and(|status| matches!(Word::of(status), Word::Running));
        named || object || (runs && layer.get("id").is_some_and(is_id)) || bare_result(layer).is_some()
    });
    says_so.then(|| acceptance(body)).flatten()
}

/// Lists possible task ids, for the message of a response that cannot be decoded.
pub(crate) fn named_ids(body: &Value) -> String {
    let is_name = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.ends_with("id") || matches!(&*name, "data" | "result" | "task" | "job")
    };
    let text = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() && text.len() <= 128 => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let items = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let inner: Vec<Value> =
        find_images::layers(body).flat_map(|layer| layer.values().flat_map(items)).take(16).collect();
    let layers = find_images::layers(body).chain(inner.iter().filter_map(Value::as_object));
    let mut ids: Vec<String> = Vec::new();
    for id in layers.flat_map(|layer| layer.iter().filter(|(name, _)| is_name(name)).filter_map(|(_, id)| text(id))) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.truncate(4);
    if ids.is_empty() { String::new() } else { format!(" (it names {}, which may be a task)", ids.join(", ")) }
}

/// Ids in order of occurrence, each once.
#[derive(Default)]
struct Ids(Vec<TaskId>);

impl Ids {
    fn add(&mut self, id: &Value) {
        let id = match id {
            Value::String(text) => TaskId::new(text.trim()).ok(),
            Value::Number(number) => TaskId::new(number.to_string()).ok(),
            _ => None,
        };
        self.0.extend(id.filter(|id| !self.0.contains(id)));
    }
}

/// Decodes an acceptance in any shape.
fn acceptance(body: &Value) -> Option<Acceptance> {
    let mut ids = Ids::default();
    let mut layers: Vec<_> = find_images::layers(body).collect();
    // An envelope may have its own id; the object with a status is the task.
    if layers.first().is_some_and(|outer| status(outer).is_none()) {
        layers.rotate_left(1);
    }
    for layer in &layers {
        IDS[..8].iter().filter_map(|name| layer.get(*name)).for_each(|id| ids.add(id));
    }
    layers.iter().filter_map(|layer| bare_result(layer)).for_each(|id| ids.add(id));
    let mut ids = ids.0.into_iter();
    let mut acceptance = Acceptance::new(ids.next()?);
    acceptance.other_ids = ids.take(4).collect();
    for layer in layers {
        let text = |name: &str| layer.get(name).and_then(Value::as_str).map(str::to_owned);
        acceptance.reported_model = acceptance.reported_model.or_else(|| text("model"));
        acceptance.created = acceptance.created.or_else(|| created(layer));
        let can_cancel = layer.get("task_info").and_then(|info| info.get("can_cancel")).and_then(Value::as_bool);
        acceptance.can_cancel = acceptance.can_cancel.or(can_cancel);
        acceptance.estimated_seconds = acceptance.estimated_seconds.or_else(|| estimate(layer));
        if acceptance.usage.is_empty() {
            acceptance.usage = usage(layer.get("usage"));
        }
    }
    Some(acceptance)
}

/// `{"code": 1, "result": "ID"}`: only an id.
fn bare_result(layer: &Map<String, Value>) -> Option<&Value> {
    let result = ["result", "data"].iter().find_map(|name| layer.get(*name).filter(|id| is_id(id)))?;
    let code = layer.get("code").or(layer.get("status")).or(layer.get("success"))?;
    let is_link = result.as_str().is_some_and(|text| find_images::is_link(text) || text.len() > 128);
    let all_well = match code {
        Value::Number(number) => number.as_u64().is_some_and(|number| matches!(number, 0 | 1 | 22 | 200..=202)),
        Value::String(text) => {
            matches!(Word::of(text), Word::Done | Word::Running) || matches!(&**text, "0" | "1" | "200" | "ok" | "OK")
        }
        Value::Bool(well) => *well,
        _ => false,
    };
    (all_well && !is_link).then_some(result)
}

fn is_id(value: &Value) -> bool {
    match value {
        Value::String(text) => TaskId::new(text.trim()).is_ok(),
        Value::Number(_) => true,
        _ => false,
    }
}

fn status(members: &Map<String, Value>) -> Option<&str> {
    STATUSES.iter().find_map(|name| members.get(*name).and_then(Value::as_str)).filter(|text| !text.trim().is_empty())
}

/// The body; texts with JSON become values.
fn read(response: &Response) -> Option<json::Document> {
    let mut document = json::read(&response.body)?;
    find_images::expand(&mut document.value);
    document.cut |= response.truncated;
    document.repaired |= response.repaired;
    Some(document)
}

/// Percentage, as a number or as text.
fn progress(members: &Map<String, Value>) -> Option<u8> {
    let value = members.get("progress")?;
    let text = || value.as_str()?.trim().trim_end_matches('%').parse().ok();
    value.as_f64().or_else(text).map(|per_cent| per_cent.clamp(0.0, 100.0) as u8)
}

/// The estimate of a task's whole duration in seconds (docs.evolink.ai, seedream-4.5-image-generate, `task_info.estimated_time`).
fn estimate(members: &Map<String, Value>) -> Option<u32> {
    let info = members.get("task_info").and_then(|info| info.get("estimated_time")).or(members.get("estimated_time"));
    u32::try_from(info?.as_u64()?).ok()
}

fn created(members: &Map<String, Value>) -> Option<Timestamp> {
    let seconds =
        ["created", "created_at", "submit_time"].iter().find_map(|name| members.get(*name).and_then(whole))?;
    Timestamp::from_unix_seconds(i64::try_from(seconds).ok()?)
}

impl Tasks {
    /// Decodes the response to a submit: an accepted task, images, or an error.
    ///
    /// # Errors
    /// The error in the response, or [`ErrorKind::MalformedResponse`] if it names no task.
    pub fn accepted(&self, response: &Response) -> Result<Decoded> {
        let document = read(response).map(|document| document.value);
        if !response.status.is_success() {
            // Some gateways return a running task with an error status: it is billed, and polling it is free.
            let runs = |body: &Value| {
                find_images::layers(body)
                    .filter_map(status)
                    .any(|status| matches!(Word::of(status), Word::Running | Word::Done))
            };
            let body = document.filter(|body| runs(body) && Failure::of_json(body).is_none());
            let accepted = body.as_ref().and_then(acceptance);
            return accepted.map(Decoded::Accepted).ok_or_else(|| self.reader.error(response));
        }
        if let Some(body) = document.filter(|body| body.is_object() || body.pointer("/0").is_some_and(Value::is_object))
        {
            let failed = Failure::of_json(&body).is_some();
            let runs = find_images::layers(&body).any(|layer| status(layer).is_some());
            if let Some(accepted) = acceptance(&body).filter(|_| runs || !failed) {
                return Ok(Decoded::Accepted(accepted));
            }
            if find(&body, self.results).items.iter().any(|item| holds_image(item)) {
                return self.reader.outcome(response);
            }
            if failed {
                return Err(self.reader.error(response));
            }
        }
        let named = read(response).map(|document| named_ids(&document.value)).unwrap_or_default();
        let message = format!("the response names no task{named}: {}", Failure::of(response).message);
        Err(Error::from_response(ErrorKind::MalformedResponse, message, response))
    }

    /// Decodes the response to a poll.
    ///
    /// # Errors
    /// If the response does not state the task's status: the poll failed, not the task.
    pub fn state(&self, task: &Task, response: &Response) -> Result<TaskState> {
        if !response.status.is_success() {
            return Err(self.poll_error(response));
        }
        let told = |document: &json::Document| document.value.is_object() || document.value.is_array();
        let Some(document) = read(response).filter(told) else {
            let message = format!("the response does not state the task's status: {}", Failure::of(response).message);
            return Err(Error::from_response(ErrorKind::MalformedResponse, message, response));
        };
        let body = &document.value;
        // An envelope may have its own status, so the innermost one is used.
        let inner: Vec<_> = find_images::layers(body).collect();
        let told = inner.iter().rev().find_map(|layer| Some((*layer, status(layer)?)));
        let mut generation = self.images(task, &document, &inner, response);
        let any = generation.images().next().is_some();
        let Some((members, status)) = told else {
            return if any { Ok(TaskState::Done(generation)) } else { Err(self.poll_error(response)) };
        };
        let word = Word::of(status);
        if word == Word::Done && !matches!(status, "completed") || matches!(word, Word::Failed) && status != "failed" {
            let message = format!("the task's status is `{status}`, which the provider does not document");
            generation.warnings.push(Warning::new(WarningKind::Undocumented, None, message));
        }
        match word {
            Word::Done if any => Ok(TaskState::Done(generation)),
            Word::Done => Ok(TaskState::Failed(self.empty(body, generation, response))),
            Word::Failed | Word::Cancelled if any => {
                let reason = self.failure(body, true).map(|failure| redact(&failure.message)).unwrap_or_default();
                let message = format!("the task ended as `{status}`, but has images: {reason}");
                generation.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
                generation.charged = Some(Charge::Unknown);
                Ok(TaskState::Done(generation))
            }
            Word::Failed | Word::Cancelled => {
                Ok(TaskState::Failed(self.failed(word, status, &document, generation, response)))
            }
            Word::Running | Word::Unknown => {
                let progress = progress(members);
                let estimated_seconds = inner.iter().find_map(|layer| estimate(layer));
                let found = any.then(|| Box::new(generation));
                Ok(TaskState::Running { status: status.to_owned(), progress, estimated_seconds, found })
            }
        }
    }

    /// The error of a poll without a task status: the task may be billed and may still exist.
    fn poll_error(&self, response: &Response) -> Error {
        let mut error = self.reader.error(response);
        if response.status == StatusCode::NOT_FOUND {
            let failure = Failure::of(response);
            error = Error::from_response(ErrorKind::TaskNotFound, failure.message, response)
                .with_code_and_param(failure.code, failure.param);
        }
        error.with_charge(Charge::Unknown)
    }

    fn images(
        &self,
        task: &Task,
        document: &json::Document,
        layers: &[&Map<String, Value>],
        response: &Response,
    ) -> Generation {
        let body = &document.value;
        let mut generation = self.reader.facts(layers, response);
        generation.model = task.model.clone();
        let found = find(body, self.results);
        let mut collected = Collected::default();
        let context = Context::new(&self.reader, response, generation.created);
        for item in found.items {
            collected.add(&context, item);
        }
        collected.stands_in(found.undocumented);
        if document.repaired {
            generation.warnings.push(repaired());
        }
        generation.warnings.extend(document.omitted.then(omitted));
        collected.fill(&mut generation, document.is_exact());
        generation
    }

    /// The error of a successful task without an image, with the reason if there is one.
    fn empty(&self, body: &Value, generation: Generation, response: &Response) -> Error {
        let Some(failure) = self.failure(body, false).filter(|_| generation.outcomes.is_empty()) else {
            return match generation.or_no_images() {
                Err(error) => error,
                Ok(_) => Error::from_response(ErrorKind::NoImages, "the task contains no image", response),
            };
        };
        let kind = self.kind(&failure).unwrap_or(ErrorKind::TaskFailed);
        let message = format!("the task ended without an image: {}", failure.message);
        let charge = generation.charge().min(Charge::Unknown);
        Error::from_response(kind, message, response)
            .with_code_and_param(failure.code, failure.param)
            .with_charge(charge)
            .with_generation(generation)
    }

    /// A failed task has HTTP status 200.
    fn failed(
        &self,
        word: Word,
        status: &str,
        document: &json::Document,
        generation: Generation,
        response: &Response,
    ) -> Error {
        let failure = self.failure(&document.value, true).unwrap_or_default();
        let kind = match self.kind(&failure) {
            Some(kind) => kind,
            None if word == Word::Cancelled => ErrorKind::Cancelled,
            None => ErrorKind::TaskFailed,
        };
        // The documented charge applies only to the documented status word in an undamaged response.
        let known = status == "failed" && kind != ErrorKind::Cancelled && document.is_exact();
        let charge = if known { self.failed } else { Charge::Unknown };
        let message = match (failure.message.as_str(), word) {
            ("", Word::Cancelled) => "the task was cancelled at the provider; it states no reason",
            ("", _) => "the task failed; the provider states no reason",
            (message, _) => message,
        };
        Error::from_response(kind, message, response)
            .with_code_and_param(failure.code.clone(), None)
            .with_charge(charge)
            .with_generation(generation)
    }

    fn kind(&self, failure: &Failure) -> Option<ErrorKind> {
        let code = failure.code.as_deref()?;
        (self.kind_of_failure)(code).or_else(|| self.reader.kind(200, Some(code)))
    }

    /// The reason of a failed task, in any member. `failed`: whether the task is known to have failed.
    fn failure(&self, body: &Value, failed: bool) -> Option<Failure> {
        let layers: Vec<_> = find_images::layers(body).collect();
        layers.iter().rev().find_map(|layer| {
            let error = layer.get("error").filter(|error| !error.is_null());
            let error = error.map(|error| serde_json::json!({ "error": error }));
            let of = if failed { Failure::of_error } else { Failure::of_json };
            error.as_ref().and_then(Failure::of_json).or_else(|| of(&Value::Object((*layer).clone())))
        })
    }
}
