//! Adapters and clients that lose what comes in other shapes than documented.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use seedream_core::{
    Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData, Input, Response, TaskState, Then, WarningKind,
    json,
};
use serde_json::Value;

use super::broken_dialect::AdapterHooks;
use super::mutant::{Mutant, adapter, client};

pub(super) fn all() -> Vec<Mutant> {
    let n = AdapterHooks::NONE;
    vec![
        adapter(
            "looks-in-one-place",
            "finds images only at the documented member",
            AdapterHooks {
                read: |made, response| unless(made, response, |made, _| warns(made, WarningKind::Undocumented)),
                ..n
            },
        ),
        adapter(
            "fetches-data-uris",
            "treats a data URI as a link",
            AdapterHooks {
                read: |made, response| {
                    unless(made, response, |made, response| is_inline(made) && has(response, "\"data:"))
                },
                ..n
            },
        ),
        adapter(
            "strict-base64",
            "decodes base64 only in its plain form",
            AdapterHooks {
                read: |made, response| unless(made, response, |made, response| is_inline(made) && is_dressed(response)),
                ..n
            },
        ),
        adapter(
            "ignores-links-for-base64",
            "treats a link in a base64 member as base64",
            AdapterHooks {
                read: |made, response| {
                    unless(made, response, |made, response| !is_inline(made) && has(response, "\"b64"))
                },
                ..n
            },
        ),
        adapter(
            "drops-second-candidates",
            "looks only at the first candidate of an image",
            AdapterHooks {
                read: |made, response| {
                    unless(made, response, |_, response| has(response, "\"url\"") && has(response, "\"b64_json\""))
                },
                ..n
            },
        ),
        adapter(
            "takes-blanks-for-images",
            "treats an empty member as a link",
            AdapterHooks {
                state: |state, response| match state {
                    TaskState::Failed(error) if is_blank(&response.body) => TaskState::Done(blank(error.generation())),
                    other => other,
                },
                recovered: |error| error.body().filter(|body| is_blank(body)).map(|_| blank(error.generation())),
                ..n
            },
        ),
        adapter(
            "opens-no-envelope",
            "does not look inside an envelope",
            AdapterHooks {
                response: |response| {
                    let body = json::read(&response.body).map(|document| document.value).unwrap_or_default();
                    let inner = ["data", "result", "response", "output"]
                        .iter()
                        .any(|name| body[*name]["status"].is_string() || body[*name]["created"].is_number());
                    if inner || body.as_str().is_some_and(|text| text.contains('{')) {
                        response.body = Bytes::from_static(b"{}");
                    }
                },
                ..n
            },
        ),
        adapter(
            "delivers-again",
            "delivers a repeated image more than once",
            AdapterHooks {
                read: |mut made, _| {
                    if warns(&made, WarningKind::Repeated) {
                        made.outcomes.extend(made.outcomes.first().cloned());
                    }
                    Ok(made)
                },
                ..n
            },
        ),
        client("counts-nothing", "does not compare billed with delivered images", |hooks| {
            hooks.step = |mut step| {
                if let Then::Done(result) = &mut step.then
                    && let Ok(made) = &mut **result
                {
                    made.warnings.retain(|warning| warning.kind != WarningKind::BilledMore);
                }
                step
            };
        }),
        client("counts-only-more", "does not report that fewer images are billed than delivered", |hooks| {
            hooks.step = |mut step| {
                if let Then::Done(result) = &mut step.then
                    && let Ok(made) = &mut **result
                {
                    made.warnings.retain(|warning| warning.kind != WarningKind::BilledFewer);
                }
                step
            };
        }),
        client("reads-strict-json", "does not decode invalid JSON", |hooks| {
            hooks.input = |input| emptied(input, |response| response.repaired);
        }),
        client("trusts-a-clean-end", "treats a truncated response with a clean end as whole", |hooks| {
            hooks.input = |input| emptied(input, |response| response.truncated);
        }),
        client("forgets-unexpected-tasks", "does not report a task that arrives instead of images", |hooks| {
            hooks.step = |mut step| {
                if let Then::Done(result) = step.then {
                    step.then = Then::Done(Box::new(result.map_err(|error| match error.kind() {
                        ErrorKind::UnexpectedTask => {
                            Error::new(ErrorKind::NoImages, "no image").with_charge(Charge::Unknown)
                        }
                        _ => error,
                    })));
                }
                step
            };
        }),
        adapter(
            "reads-ids-in-one-place",
            "finds a task id only at the documented member",
            AdapterHooks {
                response: |response| {
                    let body = json::read(&response.body).map(|document| document.value).unwrap_or_default();
                    let other =
                        ["/task_id", "/taskId", "/data/task_id", "/data/0/task_id", "/result", "/result/task_id"];
                    if other.iter().any(|at| body.pointer(at).is_some_and(Value::is_string)) {
                        response.body = Bytes::from_static(b"{}");
                    }
                },
                ..n
            },
        ),
        adapter(
            "keeps-one-id",
            "keeps only the first of several possible task ids",
            AdapterHooks {
                accepted: |mut acceptance, _| {
                    acceptance.other_ids.clear();
                    acceptance
                },
                ..n
            },
        ),
        adapter(
            "knows-documented-words",
            "knows only the documented words for the end of a task",
            AdapterHooks {
                state: |state, response| match (&state, status(response)) {
                    (TaskState::Done(_) | TaskState::Failed(_), Some(word)) if !DOCUMENTED.contains(&&*word) => {
                        TaskState::running(word, None)
                    }
                    _ => state,
                },
                ..n
            },
        ),
        adapter(
            "waits-for-the-word",
            "ignores images of a running task",
            AdapterHooks {
                state: |state, _| match state {
                    TaskState::Running { status, progress, .. } => TaskState::running(status, progress),
                    other => other,
                },
                ..n
            },
        ),
        adapter(
            "throws-failed-results-away",
            "ignores images of a failed task",
            AdapterHooks {
                state: |state, response| match state {
                    TaskState::Done(_) if status(response).is_some_and(|word| !word.starts_with(['c', 'C'])) => {
                        TaskState::Failed(Error::from_response(ErrorKind::TaskFailed, "it failed", response))
                    }
                    other => other,
                },
                ..n
            },
        ),
        adapter(
            "keeps-silent-about-empty-tasks",
            "drops the reason of a task that ended without an image",
            AdapterHooks {
                state: |state, response| match state {
                    TaskState::Failed(error) if error.message().starts_with("the task ended without an image: ") => {
                        let silent = Error::from_response(error.kind(), "the task ended without an image", response);
                        TaskState::Failed(silent.with_charge(error.charge()))
                    }
                    other => other,
                },
                ..n
            },
        ),
        adapter(
            "takes-labels-for-granted",
            "does not read events labeled as JSON",
            AdapterHooks {
                response: |response| {
                    let text = response.body.trim_ascii_start();
                    let is_framed = [&b"data:"[..], b"event:", b":"].iter().any(|field| text.starts_with(field));
                    if is_framed || json::documents(text).nth(1).is_some_and(|document| document.value.is_object()) {
                        response.body = Bytes::new();
                    }
                },
                ..n
            },
        ),
        adapter(
            "reads-framed-events-only",
            "skips events with undocumented framing",
            AdapterHooks { keeps_event: |frame| frame.event.is_some() || frame.data.starts_with("{\"error\""), ..n },
        ),
        adapter(
            "reads-one-image-an-event",
            "skips an event with a list of images",
            AdapterHooks { keeps_event: |frame| !frame.data.contains("\"data\":"), ..n },
        ),
        client("waits-for-the-end", "reads on after the last event", |hooks| {
            hooks.step = |mut step| {
                if let Then::ReadUntil(_) = step.then {
                    step.then = Then::Read;
                }
                step
            };
        }),
        adapter(
            "deaf-to-words",
            "skips an event that is an error message",
            AdapterHooks { keeps_event: |frame| frame.event.as_deref() != Some("error"), ..n },
        ),
        adapter(
            "knows-one-form-of-error",
            "finds an error code only at the documented member",
            AdapterHooks {
                failed: |error, response| {
                    let body = json::read(&response.body).map(|document| document.value).unwrap_or_default();
                    let other = ["errors", "detail", "error_code", "title", "msg"];
                    let odd = body.is_array() || other.iter().any(|name| body.get(*name).is_some());
                    if odd { error.with_code_and_param(None, None) } else { error }
                },
                ..n
            },
        ),
        adapter(
            "reads-the-outermost-error",
            "does not read an error inside the message of another",
            AdapterHooks {
                failed: |error, response| {
                    let nested = has(response, "{\\\"") || has(response, "{'");
                    if nested { error.with_code_and_param(None, None) } else { error }
                },
                ..n
            },
        ),
        adapter(
            "stops-at-base64",
            "cuts a message at the part that quotes the request",
            AdapterHooks {
                failed: |error, response| {
                    if response.body.len() < 50_000 {
                        return error;
                    }
                    Error::from_response(error.kind(), "Invalid image", response)
                        .with_code_and_param(error.code().map(str::to_owned), None)
                },
                ..n
            },
        ),
        adapter(
            "free-by-a-damaged-bill",
            "reports charge `no` if the usage counts 0 images, although a part of the response is unreadable",
            AdapterHooks {
                failed: |error, _| match error.generation() {
                    Some(made) if made.billed() == Some(0) && made.charged == Some(Charge::Unknown) => {
                        let mut made = made.clone();
                        made.charged = None;
                        error.with_charge(Charge::No).with_generation(made)
                    }
                    _ => error,
                },
                ..n
            },
        ),
        adapter(
            "free-images",
            "reports charge `no` if the usage counts 0 images, although images arrived or the task failed",
            AdapterHooks {
                read: |mut made, _| {
                    if made.billed() == Some(0) || made.charged == Some(Charge::Unknown) {
                        made.charged = Some(Charge::No);
                    }
                    Ok(made)
                },
                ..n
            },
        ),
        client(
            "believes-a-cut-stream",
            "reports charge `no` if the usage counts 0 images, although the stream was cut off",
            |hooks| {
                hooks.step = |mut step| {
                    if let Then::Done(result) = step.then {
                        step.then = Then::Done(Box::new(result.map_err(|error| {
                            let none = error.generation().is_some_and(|made| made.billed() == Some(0));
                            if none && error.kind() == ErrorKind::Transport {
                                error.with_charge(Charge::No)
                            } else {
                                error
                            }
                        })));
                    }
                    step
                };
            },
        ),
    ]
}

/// The words for the end of a task that a document has.
const DOCUMENTED: [&str; 4] = ["completed", "failed", "cancelled", "canceled"];

/// An error in the place of a generation that something is wrong with.
fn unless(
    made: Generation,
    response: &Response,
    wrong: fn(&Generation, &Response) -> bool,
) -> seedream_core::Result<Generation> {
    if wrong(&made, response) {
        return Err(Error::from_response(ErrorKind::MalformedResponse, "there is no image", response));
    }
    Ok(made)
}

/// What holds no image, with a link that is empty in the place of each.
fn blank(made: Option<&Generation>) -> Generation {
    let mut made = made.cloned().unwrap_or_else(|| Generation::new("".into()));
    let link = || ImageData::Url { url: String::new(), expires_at: None };
    made.outcomes = vec![Ok(GeneratedImage::new(0, link()))];
    made
}

/// Whether a link or an item of a response is a text without a letter.
fn is_blank(body: &[u8]) -> bool {
    let text: String = String::from_utf8_lossy(body).split_whitespace().collect();
    text.contains("[\"\"]") || text.contains("\"url\":\"\"")
}

fn warns(made: &Generation, kind: WarningKind) -> bool {
    made.warnings.iter().any(|warning| warning.kind == kind)
}

fn is_inline(made: &Generation) -> bool {
    made.images().any(|image| matches!(image.data, ImageData::Bytes(_)))
}

fn has(response: &Response, text: &str) -> bool {
    String::from_utf8_lossy(&response.body).to_ascii_lowercase().contains(text)
}

/// Whether a response holds base64 that a strict reader refuses.
fn is_dressed(response: &Response) -> bool {
    let body = json::read(&response.body).map(|document| document.value).unwrap_or_default();
    let texts = crate::fixture::json_leaves::leaves(&body).into_iter().filter(|at| at.ends_with("b64_json"));
    let texts: Vec<_> = texts.filter_map(|at| body.pointer(&at)?.as_str().map(str::to_owned)).collect();
    texts.iter().any(|text| STANDARD.decode(text).is_err())
}

/// The word at the top of a poll's response, or in its envelope.
fn status(response: &Response) -> Option<String> {
    let body: Value = json::read(&response.body)?.value;
    let status = body.get("status").or_else(|| body.pointer("/data/status"))?;
    status.as_str().map(str::to_owned)
}

/// A whole success of a kind, as if nothing had come.
fn emptied(input: Input, kind: fn(&Response) -> bool) -> Input {
    match input {
        Input::Response(mut response) if response.status.is_success() && kind(&response.clone().mended()) => {
            response.body = Bytes::new();
            Input::Response(response)
        }
        other => other,
    }
}
