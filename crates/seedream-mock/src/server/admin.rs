//! The admin routes that are about the server and not about its engine: the clock.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::clock::Clock;
use crate::engine::{Engine, Script};
use crate::span;

/// Where the clock is read and moved.
const CLOCK: &str = "/__mock/v1/clock";

/// Answers where the request is about the clock.
pub(super) fn answer(engine: &Engine, clock: &Clock, request: &Request<Bytes>) -> Option<Script> {
    if request.uri().path() != CLOCK {
        return None;
    }
    let refusal = engine.refuses_admin(request.headers());
    Some(refusal.unwrap_or_else(|| match request.method().as_str() {
        "GET" => shown(clock),
        "POST" => match moved(clock, request.body()) {
            Ok(()) => shown(clock),
            Err(message) => Script::explain(400, "mock_bad_clock", &message),
        },
        _ => Script::explain(405, "mock_bad_method", "the clock takes GET and POST"),
    }))
}

fn shown(clock: &Clock) -> Script {
    Script::json(200, &json!({ "now": clock.now().to_string(), "stopped": clock.is_stopped() }))
}

/// What a request does to the clock, in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    set: Option<Timestamp>,
    advance: Option<String>,
    stop: Option<bool>,
}

fn moved(clock: &Clock, body: &[u8]) -> Result<(), String> {
    let wanted: Move = serde_json::from_slice(body).map_err(|error| {
        format!("{error}; the clock takes {{\"set\":\"RFC 3339\"}}, {{\"advance\":\"25h\"}} and {{\"stop\":true}}")
    })?;
    let by = match &wanted.advance {
        Some(text) => {
            Some(span::read(text).ok_or_else(|| format!("{text} is no length of time such as 25h or 500ms"))?)
        }
        None => None,
    };
    if let Some(at) = wanted.set {
        clock.set(at);
    }
    if let Some(by) = by {
        clock.advance(by);
    }
    match wanted.stop {
        Some(true) => clock.stop(),
        Some(false) => clock.run(),
        None => {}
    }
    Ok(())
}
