//! Adapters that read a response wrongly.

use bytes::Bytes;
use seedream_core::{
    Acceptance, Charge, Error, ErrorKind, GeneratedImage, ImageData, ImageFailure, Response, TaskId, TaskState,
    Timestamp,
};
use serde_json::Value;
use std::time::Duration;

use super::broken_dialect::AdapterHooks;
use super::mutant::{Mutant, adapter};

pub(super) fn all() -> Vec<Mutant> {
    let n = AdapterHooks::NONE;
    vec![
        adapter(
            "drops-failures",
            "omits failed images",
            AdapterHooks {
                read: |mut generation, _| {
                    generation.outcomes.retain(Result::is_ok);
                    Ok(generation)
                },
                ..n
            },
        ),
        adapter(
            "first-image-only",
            "reads only the first image",
            AdapterHooks {
                read: |mut generation, _| {
                    generation.outcomes.truncate(1);
                    Ok(generation)
                },
                ..n
            },
        ),
        adapter(
            "strict-usage",
            "returns an error if the usage of a success is odd or absent",
            AdapterHooks {
                read: |generation, response| match generation.usage.generated_images {
                    Some(_) => Ok(generation),
                    None => Err(Error::from_response(ErrorKind::MalformedResponse, "usage is missing", response)),
                },
                ..n
            },
        ),
        adapter(
            "forgets-facts",
            "drops usage, time and the reported model",
            AdapterHooks {
                read: |mut generation, _| {
                    (generation.usage, generation.created) = (Default::default(), None);
                    generation.reported_model = None;
                    Ok(generation)
                },
                ..n
            },
        ),
        adapter(
            "loses-the-reservation",
            "keeps only the id of an accepted task",
            AdapterHooks { accepted: |acceptance, _| Acceptance::new(acceptance.id), ..n },
        ),
        adapter("cuts-task-ids", "cuts the id of a task at its last dash", AdapterHooks { accepted: cut, ..n }),
        adapter(
            "takes-all-for-usage",
            "keeps the whole response as usage, so that every member seems to be read",
            AdapterHooks {
                read: |mut generation, response| {
                    generation.usage.other.insert("response".to_owned(), text(response));
                    Ok(generation)
                },
                accepted: |mut acceptance, response| {
                    acceptance.usage.other.insert("response".to_owned(), text(response));
                    acceptance
                },
                ..n
            },
        ),
        image("trims-urls", "removes the signed query from URLs", trim),
        image("forgets-when-links-end", "does not report when a URL expires", |image| ending(image, |_| None)),
        image("links-for-a-week", "reports that every URL is valid for a week", |image| {
            ending(image, |at| at?.checked_add(Duration::from_secs(6 * 24 * 3600)));
        }),
        image("forgets-sizes", "does not report the size of an image", |image| image.size = None),
        image("forgets-formats", "does not report the format of an image", |image| image.format = None),
        image("forgets-the-rest", "drops members of an image without a typed field", |image| image.other.clear()),
        failure("failures-swapped", "gives every failure the index 0", |failure| failure.index = 0),
        failure("forgets-codes-of-failures", "drops the code of a failed image", |failure| failure.code = None),
        failure("forgets-words-of-failures", "drops the message of a failed image", |failure| {
            failure.message.clear();
        }),
        adapter(
            "forgets-request-ids",
            "drops the request id of a response",
            AdapterHooks {
                read: |mut generation, _| {
                    generation.request_id = None;
                    Ok(generation)
                },
                ..n
            },
        ),
        adapter(
            "forgets-request-ids-of-errors",
            "invents a request id for a failed request",
            AdapterHooks { failed: |error, _| error.with_request_id("lost".to_owned()), ..n },
        ),
        adapter(
            "forgets-raw",
            "drops the raw response of a success",
            AdapterHooks {
                read: |mut generation, _| {
                    generation.raw = Bytes::new();
                    Ok(generation)
                },
                ..n
            },
        ),
        adapter(
            "forgets-words-of-errors",
            "drops the message of an error",
            AdapterHooks { failed: |error, response| without_words(&error, response), ..n },
        ),
        adapter(
            "invents-an-estimate",
            "reports an estimate of one hour for every task",
            AdapterHooks {
                accepted: |mut acceptance, _| {
                    acceptance.estimated_seconds = Some(3600);
                    acceptance
                },
                ..n
            },
        ),
        adapter(
            "forgets-estimates-of-polls",
            "ignores the estimate in the response to a poll",
            AdapterHooks {
                state: |mut state, _| {
                    if let TaskState::Running { estimated_seconds, .. } = &mut state {
                        *estimated_seconds = None;
                    }
                    state
                },
                ..n
            },
        ),
        adapter(
            "drops-param",
            "drops the member that an error names",
            AdapterHooks {
                failed: |error, _| {
                    let code = error.code().map(str::to_owned);
                    error.with_code_and_param(code, None)
                },
                ..n
            },
        ),
        adapter(
            "too-optimistic",
            "reports charge `no` for every error",
            AdapterHooks { failed: |error, _| error.with_charge(Charge::No), ..n },
        ),
        adapter(
            "too-pessimistic",
            "reports charge `yes` for every error",
            AdapterHooks { failed: |error, _| error.with_charge(Charge::Yes), ..n },
        ),
        adapter(
            "wrong-kind",
            "reports every refusal as a server error",
            AdapterHooks {
                failed: |error, response| {
                    Error::from_response(ErrorKind::Server, error.message(), response)
                        .with_code_and_param(error.code().map(str::to_owned), None)
                },
                ..n
            },
        ),
        adapter(
            "drops-code",
            "drops the code of an error",
            AdapterHooks {
                failed: |error, _| {
                    let param = error.param().map(str::to_owned);
                    error.with_code_and_param(None, param)
                },
                ..n
            },
        ),
        adapter(
            "forgets-body",
            "drops the body of an error response",
            AdapterHooks { failed: |error, _| error.with_body(Bytes::new()), ..n },
        ),
        adapter(
            "panics-on-unknown",
            "panics at an unknown code or type",
            AdapterHooks { response: panic_on_unknown, ..n },
        ),
        adapter(
            "never-done",
            "reports an ended task as running",
            AdapterHooks {
                state: |state, _| match state {
                    TaskState::Done(_) => TaskState::running("completed", Some(100)),
                    other => other,
                },
                ..n
            },
        ),
        adapter(
            "failed-is-running",
            "reports a failed task as running",
            AdapterHooks {
                state: |state, _| match state {
                    TaskState::Failed(_) => TaskState::running("failed", None),
                    other => other,
                },
                ..n
            },
        ),
        image("images-swapped", "gives every image the index 0", |image| image.index = 0),
    ]
}

fn without_words(error: &Error, response: &Response) -> Error {
    let silent = Error::from_response(error.kind(), "it failed", response)
        .with_code_and_param(error.code().map(str::to_owned), error.param().map(str::to_owned))
        .with_request_id(error.request_id().map(str::to_owned))
        .with_charge(error.charge());
    match error.generation() {
        Some(generation) => silent.with_generation(generation.clone()),
        None => silent,
    }
}

fn cut(mut acceptance: Acceptance, _: &Response) -> Acceptance {
    if let Some(id) = acceptance.id.as_str().rsplit_once('-').and_then(|(before, _)| TaskId::new(before).ok()) {
        acceptance.id = id;
    }
    acceptance
}

/// An adapter that reads each image wrongly.
fn image(name: &'static str, says: &'static str, image: fn(&mut GeneratedImage)) -> Mutant {
    adapter(name, says, AdapterHooks { image, ..AdapterHooks::NONE })
}

/// An adapter that reads wrongly why there is no image.
fn failure(name: &'static str, says: &'static str, failure: fn(&mut ImageFailure)) -> Mutant {
    adapter(name, says, AdapterHooks { failure, ..AdapterHooks::NONE })
}

/// Gives an image's URL another end.
fn ending(image: &mut GeneratedImage, end: fn(Option<Timestamp>) -> Option<Timestamp>) {
    if let ImageData::Url { expires_at, .. } = &mut image.data {
        *expires_at = end(*expires_at);
    }
}

/// A response as a text.
fn text(response: &Response) -> Value {
    String::from_utf8_lossy(&response.body).into()
}

fn trim(image: &mut GeneratedImage) {
    if let ImageData::Url { url, .. } = &mut image.data {
        *url = url.split(['?', '#']).next().unwrap_or_default().to_owned() + "#";
    }
}

fn panic_on_unknown(response: &mut Response) {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    assert!(!code.contains("NobodyKnows"), "unreachable: unknown code {code}");
}
