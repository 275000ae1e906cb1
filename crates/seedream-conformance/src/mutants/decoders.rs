//! Adapters that read an answer wrongly.

use bytes::Bytes;
use jiff::SignedDuration;
use seedream_core::{Acceptance, Charge, Error, ErrorKind, Generation, ImageData, Reply, TaskId, TaskState, Timestamp};
use serde_json::Value;

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
                read: |generation, reply| match generation.usage.generated_images {
                    Some(_) => Ok(generation),
                    None => Err(Error::from_reply(ErrorKind::MalformedResponse, "usage is missing", reply)),
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
                read: |mut generation, reply| {
                    generation.usage.other.insert("answer".to_owned(), text(reply));
                    Ok(generation)
                },
                accepted: |mut acceptance, reply| {
                    acceptance.usage.other.insert("answer".to_owned(), text(reply));
                    acceptance
                },
                ..n
            },
        ),
        dialect("trims-urls", "takes the signed query off the URLs", Hooks { read: trimmed, ..n }),
        dialect(
            "forgets-when-links-end",
            "does not say when a URL ends",
            Hooks { read: |generation, _| Ok(ending(generation, |_| None)), ..n },
        ),
        dialect(
            "links-for-a-week",
            "says that every URL is good for a week",
            Hooks {
                read: |generation, _| {
                    Ok(ending(generation, |at| at?.checked_add(SignedDuration::from_hours(6 * 24)).ok()))
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
                failed: |error, reply| {
                    Error::from_reply(ErrorKind::Server, error.message(), reply)
                        .with_code(error.code().map(str::to_owned))
                },
                ..n
            },
        ),
        dialect(
            "drops-code",
            "keeps the message of an error, and not its code",
            Hooks { failed: |error, _| error.with_code(None), ..n },
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
                    TaskState::Done(_) => TaskState::Running { status: "completed".to_owned(), progress: Some(100) },
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
                    TaskState::Failed(_) => TaskState::Running { status: "failed".to_owned(), progress: None },
                    other => other,
                },
                ..n
            },
        ),
        dialect(
            "pictures-swapped",
            "gives every picture the first place",
            Hooks {
                read: |mut generation, _| {
                    generation.outcomes.iter_mut().flatten().for_each(|image| image.index = 0);
                    Ok(generation)
                },
                ..n
            },
        ),
    ]
}

fn cut(mut acceptance: Acceptance, _: &Reply) -> Acceptance {
    if let Some(id) = acceptance.id.as_str().rsplit_once('-').and_then(|(before, _)| TaskId::new(before).ok()) {
        acceptance.id = id;
    }
    acceptance
}

/// The pictures with another end of their URLs.
fn ending(mut generation: Generation, end: fn(Option<Timestamp>) -> Option<Timestamp>) -> Generation {
    for image in generation.outcomes.iter_mut().flatten() {
        if let ImageData::Url { expires_at, .. } = &mut image.data {
            *expires_at = end(*expires_at);
        }
    }
    generation
}

/// An answer as a text.
fn text(reply: &Reply) -> Value {
    String::from_utf8_lossy(&reply.body).into()
}

fn trimmed(mut generation: Generation, _: &Reply) -> Result<Generation, Error> {
    for image in generation.outcomes.iter_mut().flatten() {
        if let ImageData::Url { url, .. } = &mut image.data {
            *url = url.split(['?', '#']).next().unwrap_or_default().to_owned() + "#";
        }
    }
    Ok(generation)
}

fn panic_on_unknown(reply: &mut Reply) {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    assert!(!code.contains("NobodyKnows"), "unreachable: unknown code {code}");
}
