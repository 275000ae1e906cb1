//! Adapters that read a response wrongly.

use bytes::Bytes;
use seedream_core::{
    Acceptance, Charge, Error, ErrorKind, GeneratedImage, ImageData, ImageFailure, Response, TaskId, TaskState,
    Timestamp,
};
use serde_json::Value;
use std::time::Duration;

use super::dialect::Hooks;
use super::{Mutant, dialect};

pub(super) fn all() -> Vec<Mutant> {
    let n = Hooks::NONE;
    vec![
        dialect(
            "drops-failures",
            "leaves out the pictures that failed",
            Hooks {
                read: |mut generation, _| {
                    generation.outcomes.retain(Result::is_ok);
                    Ok(generation)
                },
                ..n
            },
        ),
        dialect(
            "first-picture-only",
            "reads only the first picture",
            Hooks {
                read: |mut generation, _| {
                    generation.outcomes.truncate(1);
                    Ok(generation)
                },
                ..n
            },
        ),
        dialect(
            "strict-usage",
            "makes an error of a success whose usage is odd or absent",
            Hooks {
                read: |generation, response| match generation.usage.generated_images {
                    Some(_) => Ok(generation),
                    None => Err(Error::from_response(ErrorKind::MalformedResponse, "usage is missing", response)),
                },
                ..n
            },
        ),
        dialect(
            "forgets-facts",
            "forgets usage, time and the model that is reported",
            Hooks {
                read: |mut generation, _| {
                    (generation.usage, generation.created) = (Default::default(), None);
                    generation.reported_model = None;
                    Ok(generation)
                },
                ..n
            },
        ),
        dialect(
            "loses-the-reservation",
            "keeps of a task that was accepted nothing but its id",
            Hooks { accepted: |acceptance, _| Acceptance::new(acceptance.id), ..n },
        ),
        dialect("cuts-task-ids", "keeps of a task's id what stands before its last dash", Hooks { accepted: cut, ..n }),
        dialect(
            "takes-all-for-usage",
            "keeps the whole answer as usage, so that nothing in it is without a meaning",
            Hooks {
                read: |mut generation, response| {
                    generation.usage.other.insert("answer".to_owned(), text(response));
                    Ok(generation)
                },
                accepted: |mut acceptance, response| {
                    acceptance.usage.other.insert("answer".to_owned(), text(response));
                    acceptance
                },
                ..n
            },
        ),
        picture("trims-urls", "takes the signed query off the URLs", trim),
        picture("forgets-when-links-end", "does not say when a URL ends", |image| ending(image, |_| None)),
        picture("links-for-a-week", "says that every URL is good for a week", |image| {
            ending(image, |at| at?.checked_add(Duration::from_secs(6 * 24 * 3600)));
        }),
        picture("forgets-sizes", "does not say how large a picture is", |image| image.size = None),
        picture("forgets-formats", "does not say which format a picture has", |image| image.format = None),
        picture("forgets-the-rest", "drops members of a picture that have no field", |image| image.other.clear()),
        failure("failures-swapped", "gives every failure the first place", |failure| failure.index = 0),
        failure("forgets-codes-of-failures", "drops the code of a picture that failed", |failure| failure.code = None),
        failure("forgets-words-of-failures", "drops the words about a picture that failed", |failure| {
            failure.message.clear();
        }),
        dialect(
            "forgets-request-ids",
            "drops the id of a request that was answered",
            Hooks {
                read: |mut generation, _| {
                    generation.request_id = None;
                    Ok(generation)
                },
                ..n
            },
        ),
        dialect(
            "drops-param",
            "does not say which member an error is about",
            Hooks {
                failed: |error, _| {
                    let code = error.code().map(str::to_owned);
                    error.with_code_and_param(code, None)
                },
                ..n
            },
        ),
        dialect(
            "too-optimistic",
            "calls every error free",
            Hooks { failed: |error, _| error.with_charge(Charge::No), ..n },
        ),
        dialect(
            "too-pessimistic",
            "calls every error a purchase",
            Hooks { failed: |error, _| error.with_charge(Charge::Yes), ..n },
        ),
        dialect(
            "wrong-kind",
            "calls every refusal a fault of the server",
            Hooks {
                failed: |error, response| {
                    Error::from_response(ErrorKind::Server, error.message(), response)
                        .with_code_and_param(error.code().map(str::to_owned), None)
                },
                ..n
            },
        ),
        dialect(
            "drops-code",
            "keeps the message of an error, and not its code",
            Hooks {
                failed: |error, _| {
                    let param = error.param().map(str::to_owned);
                    error.with_code_and_param(None, param)
                },
                ..n
            },
        ),
        dialect(
            "forgets-body",
            "does not keep the answer that was an error",
            Hooks { failed: |error, _| error.with_body(Bytes::new()), ..n },
        ),
        dialect(
            "panics-on-unknown",
            "panics where a code or a type is unknown",
            Hooks { heard: panic_on_unknown, ..n },
        ),
        dialect(
            "never-done",
            "takes the end of a task for a part of its way",
            Hooks {
                state: |state, _| match state {
                    TaskState::Done(_) => TaskState::running("completed", Some(100)),
                    other => other,
                },
                ..n
            },
        ),
        dialect(
            "failed-is-running",
            "takes a task that failed for one that runs",
            Hooks {
                state: |state, _| match state {
                    TaskState::Failed(_) => TaskState::running("failed", None),
                    other => other,
                },
                ..n
            },
        ),
        picture("pictures-swapped", "gives every picture the first place", |image| image.index = 0),
    ]
}

fn cut(mut acceptance: Acceptance, _: &Response) -> Acceptance {
    if let Some(id) = acceptance.id.as_str().rsplit_once('-').and_then(|(before, _)| TaskId::new(before).ok()) {
        acceptance.id = id;
    }
    acceptance
}

/// An adapter that reads each image wrongly.
fn picture(name: &'static str, says: &'static str, picture: fn(&mut GeneratedImage)) -> Mutant {
    dialect(name, says, Hooks { picture, ..Hooks::NONE })
}

/// An adapter that reads wrongly why there is no image.
fn failure(name: &'static str, says: &'static str, failure: fn(&mut ImageFailure)) -> Mutant {
    dialect(name, says, Hooks { failure, ..Hooks::NONE })
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
