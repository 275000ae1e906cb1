//! The admin routes that are about the server and not about its engine: the clocks, and waiting for something.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoints::admin;
use crate::endpoints::admin::error::{AdminError, object};
use crate::endpoints::admin::query::{AdminQuery, JournalFilter, SessionScope, narrowing};
use crate::endpoints::admin::verify::Expectation;
use crate::endpoints::admin::{metrics, reset, verify};
use crate::request::address::{ADMIN, Address, is_session};
use crate::response::script::Script;
use crate::server::shared::Shared;
use crate::state::clock::Clock;
use crate::state::reset_part::ResetPart;
use crate::time;

/// The default and the longest timeout.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// Answers where the request is to the mock itself.
pub(crate) async fn respond(shared: &Shared, request: &Request<Bytes>) -> Option<Script> {
    let address = Address::read(request.uri().path());
    let route = Some(address).filter(|address| address.prefix == ADMIN)?.below.strip_prefix("/v1/")?;
    if let Some(refusal) = admin::refusal(shared.services(), request) {
        return Some(Script::plain(refusal));
    }
    let response = match (request.method().as_str(), route) {
        (_, "clock") => clock(shared, request),
        ("GET" | "POST", "wait") => wait(shared, request).await,
        (_, "wait") => Err(AdminError::method("GET and POST")),
        ("POST", "reset") => reset(shared, request),
        ("GET", "metrics") => AdminQuery::read(request, &[])
            .map(|_| Script::plain(metrics::respond(shared.services(), |session| shared.now(session)))),
        ("GET", "health" | "sessions") => Ok(shared.engine.respond(shared.clocks.mock().timestamp(), request)),
        _ => Ok(plain(shared, route, request)),
    };
    Some(response.unwrap_or_else(|refusal| refusal.script()))
}

/// A route of the engine, at the time of the session it is about.
fn plain(shared: &Shared, route: &str, request: &Request<Bytes>) -> Script {
    let query = request.uri().query().unwrap_or_default();
    let named = query.split('&').find_map(|pair| pair.strip_prefix("session="));
    let session = named.or(SessionScope::Unsaid.session()).unwrap_or_default();
    let opens = request.method() == "POST" && matches!(route, "faults" | "settings") && is_session(session);
    let now = if opens { shared.enter(session).timestamp() } else { shared.now(session) };
    let script = shared.engine.respond(now, request);
    // Faults, tasks and settings may have changed what another request waits for.
    shared.notifiers.journal_grew();
    script
}

fn reset(shared: &Shared, request: &Request<Bytes>) -> Result<Script, AdminError> {
    let query = AdminQuery::read(request, &["session"])?;
    let parts = reset::read(request.body())?;
    let script = plain(shared, "reset", request);
    if parts.contains(&ResetPart::Session) {
        shared.clocks.keep(&shared.services().sessions.names());
    }
    if parts.contains(&ResetPart::Clock) {
        match query.scope() {
            SessionScope::All => shared.clocks.reset_all(),
            SessionScope::One(session) => shared.clocks.reset(Some(session)),
            SessionScope::Unsaid => shared.clocks.reset(None),
        }
    }
    Ok(script)
}

fn clock(shared: &Shared, request: &Request<Bytes>) -> Result<Script, AdminError> {
    let query = AdminQuery::read(request, &["session"])?;
    let session = match query.scope() {
        SessionScope::Unsaid => None,
        SessionScope::One(session) => Some(session),
        SessionScope::All => Some(query.one()?),
    };
    let clock = match (session, request.method().as_str()) {
        (None, _) => shared.clocks.mock().clone(),
        // Looking opens no session.
        (Some(session), "GET") => shared.clocks.of(session),
        (Some(session), _) => shared.enter(session),
    };
    match request.method().as_str() {
        "GET" => {}
        "POST" => moved(&clock, request.body()).map_err(|message| AdminError::bad("mock_bad_clock", message))?,
        _ => return Err(AdminError::method("GET and POST")),
    }
    let mut shown = json!({ "now": clock.timestamp().to_string(), "stopped": clock.is_stopped() });
    if let Some(session) = session {
        shown["session"] = Value::from(session);
    }
    Ok(Script::json(200, &shown))
}

/// What a request does to the clock, in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    set: Option<Timestamp>,
    advance: Option<String>,
    stop: Option<bool>,
}

fn moved(clock: &Clock, body: &[u8]) -> Result<(), String> {
    let wanted: ClockChange = serde_json::from_slice(body).map_err(|error| {
        format!("{error}; the clock takes {{\"set\":\"RFC 3339\"}}, {{\"advance\":\"25h\"}} and {{\"stop\":true}}")
    })?;
    let by = match &wanted.advance {
        Some(text) => {
            Some(time::read(text).ok_or_else(|| format!("advance: {text} is not a duration such as 25h or 500ms"))?)
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

/// Answers once there are enough entries, or the time is up.
async fn wait(shared: &Shared, request: &Request<Bytes>) -> Result<Script, AdminError> {
    const BAD: &str = "mock_bad_wait";
    let query = AdminQuery::read(request, &narrowing(&["session", "count", "timeout", "clock"]))?;
    let example = r#"{"match":{"method":"POST"},"at_least":2,"timeout":"5s","clock":"mock"}"#;
    let mut members = object(BAD, request.body(), example)?;
    // What is short may stand in the query.
    for name in ["timeout", "clock"] {
        if let Some(text) = query.get(name) {
            members.insert(name.to_owned(), Value::from(text));
        }
    }
    if let Some(count) = query.get("count") {
        let count: u64 =
            count.parse().map_err(|_| AdminError::bad(BAD, format!("count: {count} is not a whole number")))?;
        members.insert(String::from("at_least"), Value::from(count));
    }
    let bad = |message: String| AdminError::bad(BAD, message);
    let patience = match members.remove("timeout") {
        None => PATIENCE.0,
        Some(time) => {
            let read = time.as_str().and_then(time::read).filter(|time| *time <= PATIENCE.1);
            read.ok_or_else(|| bad(format!("timeout: {time} is not a duration up to 10m, such as 5s")))?
        }
    };
    let on_mock = match members.remove("clock") {
        None => false,
        Some(Value::String(word)) if word == "real" || word == "mock" => word == "mock",
        Some(other) => return Err(bad(format!("clock: {other} is neither real nor mock"))),
    };
    let wanted = Expectation::of(&mut members, JournalFilter::of(&query)?).map_err(bad)?;
    if let Some(name) = members.keys().next() {
        return Err(bad(format!("{name}: wait takes match, count, at_least, at_most, timeout and clock")));
    }
    if !wanted.waits() {
        return Err(bad(String::from("at_least: there is nothing to wait for; say how many")));
    }
    // The session exists from now on, so that its clock is the one that is moved.
    let clock = query.scope().session().map_or_else(|| shared.clocks.mock().clone(), |session| shared.enter(session));
    let time_is_up = async { if on_mock { clock.sleep(patience).await } else { tokio::time::sleep(patience).await } };
    let verdict = tokio::select! {
        verdict = shared.until(query.scope(), &wanted) => Some(verdict),
        () = time_is_up => None,
    };
    let timed_out = verdict.is_none();
    let verdict = verdict.unwrap_or_else(|| verify::verify(shared.services(), query.scope(), &wanted));
    // A verdict is texts, numbers and JSON, which always serialise.
    let mut shown = serde_json::to_value(verdict.decided()?).unwrap_or_default();
    shown["timed_out"] = Value::from(timed_out);
    Ok(Script::json(200, &shown))
}
