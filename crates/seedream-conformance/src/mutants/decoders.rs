//! Adapters that read a response wrongly.

use bytes::Bytes;
use seedream_core::{
    Acceptance, Charge, Error, ErrorKind, GeneratedImage, ImageData, ImageFailure, Response, TaskId, TaskState,
    Timestamp,
};
use serde_json::Value;
use std::time::Duration;

use super::dialect::AdapterHooks;
use super::mutant::{Mutant, adapter};

pub(super) fn all() -> Vec<Mutant> {
    let n = AdapterHooks::NONE;
    vec![
        adapter(
            "drops-failures",
            "leaves out the images that failed",
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
            "makes an error of a success whose usage is odd or absent",
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
            "forgets usage, time and the model that is reported",
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
            "keeps of a task that was accepted nothing but its id",
            AdapterHooks { accepted: |acceptance, _| Acceptance::new(acceptance.id), ..n },
        ),
        adapter(
            "cuts-task-ids",
            "keeps of a task's id what stands before its last dash",
            AdapterHooks { accepted: cut, ..n },
        ),
        adapter(
            "takes-all-for-usage",
            "keeps the whole response as usage, so that nothing in it is without a meaning",
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
        image("trims-urls", "takes the signed query off the URLs", trim),
        image("forgets-when-links-end", "does not say when a URL ends", |image| ending(image, |_| None)),
        image("links-for-a-week", "says that every URL is good for a week", |image| {
            ending(image, |at| at?.checked_add(Duration::from_secs(6 * 24 * 3600)));
        }),
        image("forgets-sizes", "does not say how large an image is", |image| image.size = None),
        image("forgets-formats", "does not say which format an image has", |image| image.format = None),
        image("forgets-the-rest", "drops members of an image that have no field", |image| image.other.clear()),
        failure("failures-swapped", "gives every failure the first place", |failure| failure.index = 0),
        failure("forgets-codes-of-failures", "drops the code of an image that failed", |failure| failure.code = None),
        failure("forgets-words-of-failures", "drops the words about an image that failed", |failure| {
            failure.message.clear();
        }),
        adapter(
            "forgets-request-ids",
            "drops the id that the response gives the request",
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
            "gives a request that failed an id of its own",
            AdapterHooks { failed: |error, _| error.with_request_id("lost".to_owned()), ..n },
        ),
        adapter(
            "forgets-raw",
            "does not keep the response that has the images",
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
            "drops the words of an error",
            AdapterHooks { failed: |error, response| without_words(&error, response), ..n },
        ),
        adapter(
            "invents-an-estimate",
            "says that every task takes an hour",
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
            "does not read the estimate in the response to a poll",
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
            "does not say which member an error is about",
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
            "calls every error free",
            AdapterHooks { failed: |error, _| error.with_charge(Charge::No), ..n },
        ),
        adapter(
            "too-pessimistic",
            "calls every error a purchase",
            AdapterHooks { failed: |error, _| error.with_charge(Charge::Yes), ..n },
        ),
        adapter(
            "wrong-kind",
            "calls every refusal a fault of the server",
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
            "keeps the message of an error, and not its code",
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
            "does not keep the response that was an error",
            AdapterHooks { failed: |error, _| error.with_body(Bytes::new()), ..n },
        ),
        adapter(
            "panics-on-unknown",
            "panics where a code or a type is unknown",
            AdapterHooks { response: panic_on_unknown, ..n },
        ),
        adapter(
            "never-done",
            "takes the end of a task for a part of its way",
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
            "takes a task that failed for one that runs",
            AdapterHooks {
                state: |state, _| match state {
                    TaskState::Failed(_) => TaskState::running("failed", None),
                    other => other,
                },
                ..n
            },
        ),
        image("images-swapped", "gives every image the first place", |image| image.index = 0),
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
