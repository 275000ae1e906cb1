//! Clients that send, wait and tell wrongly.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use seedream_client::{Reached, ResponseBody, Transport, TransportError};
use seedream_core::{Charge, Error, Input, Nearest, Pixels, Policy, Size, Strictness, Then};

use super::mutant::{Mutant, client, lost};

pub(super) fn all() -> Vec<Mutant> {
    vec![
        client("resends-ambiguous", "sends a request again that may have been billed", |hooks| {
            hooks.policy.resend_ambiguous = true;
        }),
        client("resends-after-timeout", "treats a broken connection as one that was never made", |hooks| {
            hooks.input = |input| match input {
                Input::Broken { partial: None, .. } => Input::NotSent(lost()),
                other => other,
            };
        }),
        client("retries-500", "sends a request again after a 5xx", |hooks| {
            hooks.input = |input| match input {
                Input::Response(response) if response.status.is_server_error() => Input::NotSent(lost()),
                other => other,
            };
        }),
        client("checks-nothing", "sends requests that violate a rule", |hooks| {
            hooks.strictness = Strictness::Off;
        }),
        client("names-a-farther-size", "suggests a legal size that is not the nearest", |hooks| {
            hooks.refused = |error| {
                let farther = error.violations().iter().cloned().map(|mut violation| {
                    if let Some(Nearest::Size(Size::Pixels(size))) = &mut violation.nearest {
                        *size = Pixels::of(size.width() + 1, size.height() + 1);
                    }
                    violation
                });
                Error::from_violations(error.provider().unwrap_or_default().to_owned(), farther.collect())
            };
        }),
        client("adopts-tasks", "polls the task of another provider", |hooks| {
            hooks.resume = |mut task, own| {
                task.provider = own.to_owned().into();
                task
            };
        }),
        client("retries-4xx", "sends a finally refused request again", |hooks| {
            hooks.input = |input| match input {
                Input::Response(response) if response.status.is_client_error() && response.status != 429 => {
                    Input::NotSent(lost())
                }
                other => other,
            };
        }),
        client("ignores-retry-after", "retries before the time in `Retry-After`", |hooks| {
            hooks.input = |input| match input {
                Input::Response(mut response) => {
                    response.headers.remove(http::header::RETRY_AFTER);
                    Input::Response(response)
                }
                other => other,
            };
        }),
        client("polls-without-pause", "polls without a pause", |hooks| {
            hooks.policy.pace.shortest = Duration::from_millis(100);
            hooks.policy.pace.longest = Duration::from_millis(100);
        }),
        client("never-stops-polling", "has no deadline", |hooks| hooks.policy.deadline = Duration::MAX),
        client("gives-up-polling", "abandons a task at the first failed poll", |hooks| {
            hooks.input = |input| match input {
                Input::Response(mut response) if response.status.is_server_error() || response.status == 429 => {
                    response.status = http::StatusCode::BAD_REQUEST;
                    Input::Response(response)
                }
                other => other,
            };
        }),
        client(
            "keeps-a-truncated-image",
            "completes truncated JSON after the last byte and treats a cut image as whole",
            |hooks| {
                hooks.input = |input| match input {
                    Input::Broken { partial: Some(mut response), .. } => {
                        response.body = [&response.body[..], br#""}]}"#].concat().into();
                        Input::Response(response)
                    }
                    other => other,
                };
            },
        ),
        client("drops-what-arrived", "drops the part of a truncated response that arrived", |hooks| {
            hooks.input = |input| match input {
                Input::Broken { error, .. } => Input::Broken { partial: None, error },
                other => other,
            };
        }),
        client("calls-it-free", "reports charge `no` for every error of the client", |hooks| {
            hooks.step = |mut step| {
                if let Then::Done(result) = step.then {
                    step.then = Then::Done(Box::new(result.map_err(|error| error.with_charge(Charge::No))));
                }
                step
            };
        }),
        client("forgets-the-task", "does not report that a task was accepted", |hooks| {
            hooks.step = |mut step| {
                step.events.retain(|event| !matches!(event, seedream_core::Event::Submitted(_)));
                step
            };
        }),
        client("follows-redirects", "follows a redirect with the key", |hooks| {
            hooks.transport = |inner| Arc::new(RedirectFollower(inner));
        }),
        client("key-in-error", "puts the sent headers into the error of a refusal", |hooks| {
            hooks.transport = |inner| Arc::new(KeyLeakingTransport(inner));
        }),
        client("sends-twice", "sends every request twice", |hooks| {
            hooks.transport = |inner| Arc::new(DuplicatingTransport(inner));
        }),
        client("impatient", "gives up after five seconds", |hooks| {
            hooks.policy = Policy::default();
            hooks.policy.deadline = Duration::from_secs(5);
        }),
    ]
}

/// Follows redirects, with all headers.
#[derive(Debug)]
struct RedirectFollower(Arc<dyn Transport>);

#[async_trait]
impl Transport for RedirectFollower {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
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
struct KeyLeakingTransport(Arc<dyn Transport>);

#[async_trait]
impl Transport for KeyLeakingTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
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
struct DuplicatingTransport(Arc<dyn Transport>);

#[async_trait]
impl Transport for DuplicatingTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        drop(self.0.send(request.clone()).await);
        self.0.send(request).await
    }
}
