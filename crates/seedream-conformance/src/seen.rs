//! What an adapter made of a response, compared with what a fixture expects.

use seedream_core::{
    Acceptance, Blobs, Decoded, Dialect, Error, ErrorKind, Generation, ImageData, Medium, ModelInfo, Response, Stage,
    TaskState, Timestamp, sse,
};
use seedream_fixtures::{
    ExpectedError, ExpectedFailure, ExpectedImage, ExpectedResult, OperationKind, RecordedBody, RecordedExchange,
};
use serde_json::{Value, json};

use crate::{Failure, difference::Differences, exchange};

/// What an adapter made of a response.
pub(crate) enum Seen {
    Generation(Box<Generation>),
    Accepted(Box<Acceptance>),
    Running { status: String, progress: Option<u8> },
    Models(Vec<ModelInfo>),
    Error(Error),
}

impl Seen {
    /// Lets the adapter read the response of an exchange; `None` where no adapter reads answers of its kind.
    pub(crate) fn of(dialect: &dyn Dialect, case: &RecordedExchange) -> Result<Option<Self>, Failure> {
        let Some(recorded) = &case.response else { return Ok(None) };
        Self::read(dialect, case, &exchange::response(recorded)?)
    }

    /// Lets the adapter read another answer to the request of an exchange.
    pub(crate) fn read(
        dialect: &dyn Dialect,
        case: &RecordedExchange,
        response: &Response,
    ) -> Result<Option<Self>, Failure> {
        let streams = case.response.as_ref().is_some_and(|recorded| matches!(recorded.body, RecordedBody::Sse(_)));
        let missing = |what: &str| Failure::new(format!("the document has {what}, the adapter has none"));
        Ok(Some(match case.operation {
            OperationKind::Create if streams => {
                let streams = dialect.streaming().ok_or_else(|| missing("streams"))?;
                Self::stream(streams.decoder(&exchange::checked(dialect, case)?), response)
            }
            OperationKind::Create => match dialect.decode(&exchange::checked(dialect, case)?, response) {
                Ok(Decoded::Done(generation)) => Self::Generation(Box::new(generation)),
                Ok(Decoded::Accepted(acceptance)) => Self::Accepted(Box::new(acceptance)),
                Ok(_) => return Err(Failure::new("the outcome is of a kind that is not known here")),
                Err(error) => Self::Error(error),
            },
            OperationKind::Poll => {
                let tasks = dialect.tasks().ok_or_else(|| missing("tasks"))?;
                let task = exchange::task(dialect)?;
                match tasks.decode_poll(&task, response) {
                    Ok(TaskState::Running { status, progress, .. }) => Self::Running { status, progress },
                    Ok(TaskState::Done(generation)) => Self::Generation(Box::new(generation)),
                    Ok(TaskState::Failed(error)) | Err(error) => Self::Error(error),
                    Ok(_) => return Err(Failure::new("the state is of a kind that is not known here")),
                }
            }
            OperationKind::Models => {
                let catalog = dialect.catalog().ok_or_else(|| missing("a list of models"))?;
                catalog.decode_models(response).map_or_else(Self::Error, Self::Models)
            }
            // No adapter reads these: the first has no use here, the second is for whoever is called back.
            OperationKind::Credits | OperationKind::Callback => return Ok(None),
        }))
    }

    fn stream(mut decoder: Box<dyn seedream_core::StreamDecoder>, response: &Response) -> Self {
        let mut parser = sse::Parser::new();
        let frames = parser.feed(&response.body).into_iter().chain(parser.finish());
        for frame in frames.filter(|frame| !frame.is_done()) {
            decoder.event(&frame, &Blobs::default());
        }
        match decoder.finish(response) {
            Ok(generation) => Self::Generation(Box::new(generation)),
            Err(error) => Self::Error(error),
        }
    }

    /// Compares with what is expected; only what is named counts.
    pub(crate) fn compare(&self, expect: &ExpectedResult) -> Result<(), Failure> {
        let mut d = Differences::default();
        let error = match self {
            Self::Error(error) => Some(error),
            _ => None,
        };
        match (&expect.error, error) {
            (Some(expected), Some(seen)) => same_error(&mut d, expected, seen),
            (Some(expected), None) => {
                d.holds(false, || format!("expected the error {expected:?}, saw {}", self.name()));
            }
            (None, Some(seen)) => d.holds(false, || format!("expected {expect:?}, saw the error {seen}")),
            (None, None) => {}
        }
        // An error without images still carries what the response said beside them.
        let generation = match self {
            Self::Generation(generation) => Some(&**generation),
            _ => error.and_then(Error::generation),
        };
        let accepted = match self {
            Self::Accepted(acceptance) => Some(facts(acceptance)),
            _ => None,
        };
        same_generation(&mut d, expect, generation.or(accepted.as_ref()));
        if let Some(expected) = &expect.task {
            let task = match self {
                Self::Accepted(acceptance) => Some(acceptance),
                _ => None,
            };
            d.stated("task.id", expected.id.as_ref(), task.map(|task| task.id.to_string()).as_ref());
            let seconds = task.and_then(|task| task.estimated_seconds).map(u64::from);
            d.stated("task.estimated_seconds", expected.estimated_seconds.as_ref(), seconds.as_ref());
            let can_cancel = task.and_then(|task| task.can_cancel);
            d.stated("task.can_cancel", expected.can_cancel.as_ref(), can_cancel.as_ref());
        }
        match (expect.state.as_deref(), self) {
            (None, _) | (Some("completed"), Self::Generation(_)) | (Some("failed"), Self::Error(_)) => {}
            // A created task is pending, and nobody has asked for it yet.
            (Some("pending"), Self::Accepted(_)) => {}
            // A task that has ended without an image is an error that is expected by name.
            (Some("completed"), Self::Error(_)) if expect.error.is_some() => {}
            (Some(expected), Self::Running { status, .. }) => d.same("state", &expected, &status.as_str()),
            (Some(expected), _) => d.holds(false, || format!("state: expected {expected}, saw {}", self.name())),
        }
        if let (Some(expected), Self::Running { progress, .. }) = (expect.progress, self) {
            d.same("progress", &Some(expected), &progress.map(u32::from));
        }
        if let Some(expected) = &expect.models {
            let seen = match self {
                Self::Models(models) => models.iter().map(|model| model.id.to_string()).collect(),
                _ => Vec::new(),
            };
            d.same("models", expected, &seen);
        }
        d.into_result()
    }

    /// Everything that was read, in a form that can be compared; what came raw is no part of it.
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Generation(generation) => json!({ "generation": &**generation }),
            Self::Accepted(acceptance) => json!({ "accepted": format!("{acceptance:?}"), "usage": acceptance.usage }),
            Self::Running { status, progress } => json!({ "running": status, "progress": progress }),
            Self::Models(models) => json!({ "models": models }),
            Self::Error(error) => json!({
                "error": error.kind(), "charge": error.charge(), "code": error.code(), "message": error.message(),
                "param": error.param(), "request_id": error.request_id(), "generation": error.generation(),
            }),
        }
    }

    /// The error, where it is one.
    pub(crate) fn error(&self) -> Option<&Error> {
        match self {
            Self::Error(error) => Some(error),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Generation(generation) => format!("{} pictures", generation.images().count()),
            Self::Accepted(acceptance) => format!("the accepted task {}", acceptance.id),
            Self::Running { status, .. } => format!("a task that is {status}"),
            Self::Models(models) => format!("{} models", models.len()),
            Self::Error(error) => format!("the error {error}"),
        }
    }
}

/// What an acceptance says, in the form of a response without images yet.
fn facts(acceptance: &Acceptance) -> Generation {
    let mut generation = Generation::new("".into());
    generation.reported_model.clone_from(&acceptance.reported_model);
    generation.created = acceptance.created;
    generation.usage = acceptance.usage.clone();
    generation
}

fn same_generation(d: &mut Differences, expect: &ExpectedResult, seen: Option<&Generation>) {
    if let Some(expected) = &expect.images {
        let images: Vec<_> = seen.into_iter().flat_map(Generation::images).collect();
        d.same("images.len()", &expected.len(), &images.len());
        for (place, (expected, image)) in expected.iter().zip(images).enumerate() {
            let ExpectedImage { index, url, expires_at, size, format, inline } = expected;
            let at = |member: &str| format!("images[{place}].{member}");
            let (seen_url, seen_end) = match &image.data {
                ImageData::Url { url, expires_at } => (Some(url), expires_at.map(Timestamp::unix_seconds)),
                _ => (None, None),
            };
            d.stated(&at("index"), index.as_ref(), Some(&image.index));
            d.stated(&at("url"), url.as_ref(), seen_url);
            d.stated(&at("expires_at"), expires_at.as_ref(), seen_end.as_ref());
            d.stated(&at("size"), size.as_ref(), image.size.map(|size| size.to_string()).as_ref());
            d.stated(&at("format"), format.as_ref(), image.format.map(|format| format.wire().to_owned()).as_ref());
            d.stated(&at("inline"), inline.as_ref(), Some(&!matches!(image.data, ImageData::Url { .. })));
        }
    }
    if let Some(expected) = &expect.failures {
        let failures: Vec<_> = seen.into_iter().flat_map(Generation::failures).collect();
        d.same("failures.len()", &expected.len(), &failures.len());
        for (place, (expected, failure)) in expected.iter().zip(failures).enumerate() {
            let ExpectedFailure { index, kind, code, message, stage, medium } = expected;
            let at = |member: &str| format!("failures[{place}].{member}");
            d.stated(&at("index"), index.as_ref(), Some(&failure.index));
            d.stated(&at("kind"), kind.as_deref().as_ref(), Some(&failure.kind.as_str()));
            d.stated(&at("code"), code.as_ref(), failure.code.as_ref());
            d.stated(&at("message"), message.as_ref(), Some(&failure.message));
            same_moderation(d, &at("kind"), stage.as_deref(), medium.as_deref(), failure.kind);
        }
    }
    d.stated("reported_model", expect.reported_model.as_ref(), seen.and_then(|g| g.reported_model.as_ref()));
    d.stated("created", expect.created.as_ref(), seen.and_then(|g| g.created).map(|at| at.unix_seconds()).as_ref());
    if seen.is_some() {
        d.stated("request_id", expect.request_id.as_ref(), seen.and_then(|g| g.request_id.as_ref()));
    }
    if let Some(expected) = &expect.usage {
        let mut usage = seen.map(|g| serde_json::to_value(&g.usage).unwrap_or_default()).unwrap_or_default();
        if let Some(reserved) = seen.and_then(|g| g.usage.reserved.as_ref()) {
            // As evolink writes it.
            usage["credits_reserved"] = json!(reserved.micros as f64 / 1e6);
        }
        for (name, value) in expected {
            let seen = usage.get(name).or_else(|| usage.get("other")?.get(name)).unwrap_or(&Value::Null);
            d.holds(same_number(value, seen), || format!("usage.{name}: expected {value}, saw {seen}"));
        }
    }
}

fn same_number(a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if (a - b).abs() < 1e-9)
}

fn same_error(d: &mut Differences, expected: &ExpectedError, seen: &Error) {
    let text = |value: Option<&str>| value.map(str::to_owned);
    d.stated("error.kind", expected.kind.as_deref().as_ref(), Some(&seen.kind().as_str()));
    d.stated("error.code", expected.code.as_ref(), text(seen.code()).as_ref());
    d.stated("error.charge", expected.charge.as_deref().as_ref(), Some(&seen.charge().as_str()));
    d.stated("error.status", expected.status.as_ref(), seen.status().map(|s| s.as_u16()).as_ref());
    d.stated("error.param", expected.param.as_ref(), text(seen.param()).as_ref());
    d.stated("error.request_id", expected.request_id.as_ref(), text(seen.request_id()).as_ref());
    d.stated("error.safe_to_retry", expected.safe_to_retry.as_ref(), Some(&seen.is_safe_to_retry()));
    same_moderation(d, "error.kind", expected.stage.as_deref(), expected.medium.as_deref(), seen.kind());
}

fn same_moderation(d: &mut Differences, name: &str, stage: Option<&str>, medium: Option<&str>, kind: ErrorKind) {
    if stage.is_none() && medium.is_none() {
        return;
    }
    let (seen_stage, seen_medium) = match kind {
        ErrorKind::ContentRejected { stage, medium } => {
            let stage = match stage {
                Stage::Input => "input",
                Stage::Output => "output",
                _ => "unknown",
            };
            let medium = match medium {
                Medium::Text => "text",
                Medium::Image => "image",
                _ => "unknown",
            };
            (stage, medium)
        }
        _ => ("none", "none"),
    };
    d.stated(&format!("{name}.stage"), stage.as_ref(), Some(&seen_stage));
    d.stated(&format!("{name}.medium"), medium.as_ref(), Some(&seen_medium));
}
