//! The mutants: what others have got wrong, one mistake each.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue, LOCATION};
use seedream_client::{AnswerBody, Reached, Transport, TransportError};
use seedream_core::{
    Charge, Error, ErrorKind, Field, Generation, ImageData, Input, Policy, Reply, Support, TaskState, Then, Tier,
};
use serde_json::Value;

use super::{Mutant, dialect::Hooks};
use crate::Driver;

/// A dialect that is broken.
fn dialect(name: &'static str, says: &'static str, hooks: Hooks) -> Mutant {
    Mutant { name, says, hooks, driver: Driver::default() }
}

/// A client that is broken.
fn driver(name: &'static str, says: &'static str, change: impl FnOnce(&mut Driver)) -> Mutant {
    let mut driver = Driver::default();
    change(&mut driver);
    Mutant { name, says, hooks: Hooks::NONE, driver }
}

/// All of them, in the order of the matrix.
pub(super) fn all() -> Vec<Mutant> {
    [encoders(), decoders(), streams(), clients()].into_iter().flatten().collect()
}

fn encoders() -> Vec<Mutant> {
    let n = Hooks::NONE;
    vec![
        dialect(
            "leaves-out-false",
            "leaves out `watermark: false`, so that the provider's default holds",
            Hooks { body: |body, _| body.retain(|name, value| name != "watermark" || *value != false), ..n },
        ),
        dialect(
            "drops-a-field",
            "drops the seed and the format in silence",
            Hooks { body: |body, _| body.retain(|name, _| !matches!(name.as_str(), "seed" | "output_format")), ..n },
        ),
        dialect(
            "undocumented-member",
            "adds a member that no document knows",
            Hooks { body: |body, _| drop(body.insert("hd".to_owned(), true.into())), ..n },
        ),
        dialect(
            "overrides-sequential",
            "writes `auto` over an explicit `sequential_image_generation`",
            Hooks {
                body: |body, _| {
                    if let Some(group) = body.get_mut("sequential_image_generation") {
                        *group = "auto".into();
                    }
                },
                ..n
            },
        ),
        dialect(
            "wrong-model",
            "sends the model's name in our spelling",
            Hooks {
                body: |body, _| {
                    if let Some(Value::String(model)) = body.get_mut("model") {
                        *model = model.replace("doubao-", "");
                    }
                },
                ..n
            },
        ),
        dialect(
            "asks-for-one",
            "never asks for more than one picture",
            Hooks {
                body: |body, _| {
                    body.retain(|name, _| !matches!(name.as_str(), "n" | "sequential_image_generation_options"));
                },
                ..n
            },
        ),
        dialect(
            "wrong-path",
            "posts to a path of its own",
            Hooks { request: |request| *request.uri_mut() = http::Uri::from_static("/v1/images"), ..n },
        ),
        dialect(
            "key-in-adapter",
            "sets the header of the key in the adapter",
            Hooks {
                request: |request| {
                    drop(request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer k")));
                },
                ..n
            },
        ),
        dialect(
            "wrong-limits",
            "claims that a model takes any number of pictures, of any size",
            Hooks {
                rules: |rules| {
                    rules.images.max = None;
                    rules.images.advised_max = None;
                    rules.size.pixels = None;
                    rules.size.tiers = vec![Tier::K1, Tier::K2, Tier::K3, Tier::K4];
                },
                ..n
            },
        ),
        dialect(
            "refuses-too-much",
            "refuses what the document allows: references and groups",
            Hooks {
                rules: |rules| {
                    rules.references.max = Some(0);
                    rules.images.max = Some(1);
                },
                ..n
            },
        ),
        dialect(
            "claims-honoured",
            "claims that every field has an effect",
            Hooks { rules: |rules| rules.fields.iter_mut().for_each(|rule| rule.support = Support::Honoured), ..n },
        ),
        dialect(
            "silent-about-ignored",
            "has no word for a field that has no member",
            Hooks { rules: |rules| rules.fields.retain(|rule| rule.field != Field::Watermark), ..n },
        ),
    ]
}

fn decoders() -> Vec<Mutant> {
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
        dialect("trims-urls", "takes the signed query off the URLs", Hooks { read: trimmed, ..n }),
        dialect(
            "too-optimistic",
            "calls every error free",
            Hooks { failed: |error, _| error.with_charge(Charge::No), ..n },
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

fn streams() -> Vec<Mutant> {
    let n = Hooks::NONE;
    vec![
        dialect(
            "needs-completed",
            "makes an error of a stream without the event that sums up",
            Hooks {
                read: |generation, reply| {
                    let is_stream = reply.body.is_empty();
                    if is_stream && generation.usage.is_empty() {
                        return Err(Error::from_reply(ErrorKind::MalformedResponse, "no `completed` came", reply));
                    }
                    Ok(generation)
                },
                ..n
            },
        ),
        dialect(
            "deaf-to-failures",
            "skips the event of a picture that failed",
            Hooks { hears: |frame| !frame.data.contains("partial_failed"), ..n },
        ),
        driver("needs-done", "takes a stream without `[DONE]` for one that was cut off", |driver| {
            driver.hear = |input| match input {
                Input::StreamEnd => Input::Broken { partial: None, error: lost() },
                other => other,
            };
        }),
        driver("ends-at-a-failure", "ends a stream at the first picture that failed", |driver| {
            driver.hear = |input| match input {
                Input::Frame(frame, _) if frame.data.contains("partial_failed") => Input::StreamEnd,
                other => other,
            };
        }),
    ]
}

fn clients() -> Vec<Mutant> {
    vec![
        driver("resends-ambiguous", "sends again what may have been bought", |driver| {
            driver.policy.resend_ambiguous = true;
        }),
        driver("resends-after-timeout", "takes a connection that broke for one that never was", |driver| {
            driver.hear = |input| match input {
                Input::Broken { partial: None, .. } => Input::NotSent(lost()),
                other => other,
            };
        }),
        driver("retries-500", "sends a request again that met a 5xx", |driver| {
            driver.hear = |input| match input {
                Input::Reply(reply) if reply.status.is_server_error() => Input::NotSent(lost()),
                other => other,
            };
        }),
        driver("retries-400", "sends a request again that was refused for good", |driver| {
            driver.hear = |input| match input {
                Input::Reply(reply) if reply.status == 400 => Input::NotSent(lost()),
                other => other,
            };
        }),
        driver("ignores-retry-after", "comes again before the time that it was asked to wait", |driver| {
            driver.hear = |input| match input {
                Input::Reply(mut reply) => {
                    reply.headers.remove(http::header::RETRY_AFTER);
                    Input::Reply(reply)
                }
                other => other,
            };
        }),
        driver("polls-without-pause", "asks for a task as fast as it can", |driver| {
            driver.policy.pace.shortest = Duration::from_millis(100);
            driver.policy.pace.longest = Duration::from_millis(100);
        }),
        driver("never-stops-polling", "has no deadline", |driver| driver.policy.deadline = Duration::MAX),
        driver("gives-up-polling", "gives up a task at the first poll that fails", |driver| {
            driver.hear = |input| match input {
                Input::Reply(mut reply) if reply.status.is_server_error() || reply.status == 429 => {
                    reply.status = http::StatusCode::BAD_REQUEST;
                    Input::Reply(reply)
                }
                other => other,
            };
        }),
        driver("keeps-a-truncated-picture", "closes a cut answer behind whatever had arrived", |driver| {
            driver.hear = |input| match input {
                Input::Broken { partial: Some(mut reply), .. } => {
                    reply.body = [&reply.body[..], br#""}]}"#].concat().into();
                    Input::Reply(reply)
                }
                other => other,
            };
        }),
        driver("drops-what-arrived", "forgets what had arrived of an answer that was cut off", |driver| {
            driver.hear = |input| match input {
                Input::Broken { error, .. } => Input::Broken { partial: None, error },
                other => other,
            };
        }),
        driver("calls-it-free", "says of every error that it cost nothing", |driver| {
            driver.say = |mut step| {
                if let Then::Done(result) = step.then {
                    step.then = Then::Done(Box::new(result.map_err(|error| error.with_charge(Charge::No))));
                }
                step
            };
        }),
        driver("forgets-the-task", "tells nobody that a task was accepted", |driver| {
            driver.say = |mut step| {
                step.events.retain(|event| !matches!(event, seedream_core::Event::Submitted(_)));
                step
            };
        }),
        driver("follows-redirects", "follows a redirect with the key", |driver| {
            driver.transport = |inner| Arc::new(Following(inner));
        }),
        driver("key-in-error", "tells in the error of a refusal which headers were sent", |driver| {
            driver.transport = |inner| Arc::new(Talkative(inner));
        }),
        driver("sends-twice", "sends every request a second time", |driver| {
            driver.transport = |inner| Arc::new(Twice(inner));
        }),
        driver("impatient", "gives up after five seconds", |driver| {
            driver.policy = Policy::default();
            driver.policy.deadline = Duration::from_secs(5);
        }),
    ]
}

/// A connection that was lost, or was never made.
fn lost() -> Error {
    Error::new(ErrorKind::Transport, "the connection was lost")
}

/// Follows redirects, with all headers.
#[derive(Debug)]
struct Following(Arc<dyn Transport>);

#[async_trait]
impl Transport for Following {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<AnswerBody>, TransportError> {
        let mut again = request.clone();
        let response = self.0.send(request).await?;
        let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok()?.parse().ok());
        match place {
            Some(place) if response.status().is_redirection() => {
                *again.uri_mut() = place;
                self.0.send(again).await
            }
            _ => Ok(response),
        }
    }
}

/// Makes an error of every refusal, and tells in it what was sent.
#[derive(Debug)]
struct Talkative(Arc<dyn Transport>);

#[async_trait]
impl Transport for Talkative {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<AnswerBody>, TransportError> {
        let key = request.headers().get(AUTHORIZATION).and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
        let response = self.0.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let told = std::io::Error::other(format!("the headers were {key}"));
        Err(TransportError::new(Reached::Sent, "the request was refused").with_source(told))
    }
}

/// Sends everything twice.
#[derive(Debug)]
struct Twice(Arc<dyn Transport>);

#[async_trait]
impl Transport for Twice {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<AnswerBody>, TransportError> {
        drop(self.0.send(request.clone()).await);
        self.0.send(request).await
    }
}
