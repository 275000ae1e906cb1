//! The admin routes that are about the server and not about its engine: the clocks, and waiting for something.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::House;
use crate::clock::Clock;
use crate::engine::Script;
use crate::engine::Wanted;
use crate::engine::admin::query::{Filter, Query, Scope, narrowing};
use crate::engine::admin::reset::{self, Part};
use crate::engine::admin::{Refusal, object};
use crate::engine::route::is_session;
use crate::span;

/// Where the mock's own routes are.
const BELOW: &str = "/__mock/v1/";

/// How long somebody waits who does not say, and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// Answers where the request is to the mock itself.
pub(super) async fn answer(house: &House, request: &Request<Bytes>) -> Option<Script> {
    let route = request.uri().path().strip_prefix(BELOW)?;
    if let Some(refusal) = house.engine.refuses_admin(request.headers()) {
        return Some(refusal);
    }
    let answer = match (request.method().as_str(), route) {
        (_, "clock") => clock(house, request),
        ("GET" | "POST", "wait") => wait(house, request).await,
        (_, "wait") => Err(Refusal::method("GET and POST")),
        ("POST", "reset") => reset(house, request),
        ("GET", "health" | "sessions") => Ok(house.engine.respond(house.clocks.mock().now(), request)),
        _ => Ok(plain(house, route, request)),
    };
    Some(answer.unwrap_or_else(|refusal| refusal.script()))
}

/// A route of the engine, at the time of the session it is about.
fn plain(house: &House, route: &str, request: &Request<Bytes>) -> Script {
    let query = request.uri().query().unwrap_or_default();
    let named = query.split('&').find_map(|pair| pair.strip_prefix("session="));
    let session = named.or(Scope::Unsaid.session()).unwrap_or_default();
    let opens = request.method() == "POST" && matches!(route, "faults" | "settings") && is_session(session);
    let now = if opens { house.enter(session).now() } else { house.now(session) };
    let script = house.engine.respond(now, request);
    // Faults, tasks and settings may have changed what somebody waits for.
    house.rings.journal.send_replace(());
    script
}

fn reset(house: &House, request: &Request<Bytes>) -> Result<Script, Refusal> {
    let query = Query::read(request, &["session"])?;
    let parts = reset::read(request.body())?;
    let script = plain(house, "reset", request);
    if parts.contains(&Part::Session) {
        house.clocks.keep(&house.engine.sessions().names());
    }
    if parts.contains(&Part::Clock) {
        match query.scope() {
            Scope::All => house.clocks.reset_all(),
            Scope::One(session) => house.clocks.reset(Some(session)),
            Scope::Unsaid => house.clocks.reset(None),
        }
    }
    Ok(script)
}

fn clock(house: &House, request: &Request<Bytes>) -> Result<Script, Refusal> {
    let query = Query::read(request, &["session"])?;
    let session = match query.scope() {
        Scope::Unsaid => None,
        Scope::One(session) => Some(session),
        Scope::All => Some(query.one()?),
    };
    let clock = match (session, request.method().as_str()) {
        (None, _) => house.clocks.mock().clone(),
        // Looking opens no session.
        (Some(session), "GET") => house.clocks.of(session),
        (Some(session), _) => house.enter(session),
    };
    match request.method().as_str() {
        "GET" => {}
        "POST" => moved(&clock, request.body()).map_err(|message| Refusal::bad("mock_bad_clock", message))?,
        _ => return Err(Refusal::method("GET and POST")),
    }
    let mut shown = json!({ "now": clock.now().to_string(), "stopped": clock.is_stopped() });
    if let Some(session) = session {
        shown["session"] = Value::from(session);
    }
    Ok(Script::json(200, &shown))
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
            Some(span::read(text).ok_or_else(|| format!("advance: {text} is no length of time such as 25h or 500ms"))?)
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
async fn wait(house: &House, request: &Request<Bytes>) -> Result<Script, Refusal> {
    const BAD: &str = "mock_bad_wait";
    let query = Query::read(request, &narrowing(&["session", "count", "timeout", "clock"]))?;
    let example = r#"{"match":{"method":"POST"},"at_least":2,"timeout":"5s","clock":"mock"}"#;
    let mut members = object(BAD, request.body(), example)?;
    // What is short may stand in the query.
    for name in ["timeout", "clock"] {
        if let Some(text) = query.get(name) {
            members.insert(name.to_owned(), Value::from(text));
        }
    }
    if let Some(count) = query.get("count") {
        let count: u64 = count.parse().map_err(|_| Refusal::bad(BAD, format!("count: {count} is no whole number")))?;
        members.insert(String::from("at_least"), Value::from(count));
    }
    let bad = |message: String| Refusal::bad(BAD, message);
    let patience = match members.remove("timeout") {
        None => PATIENCE.0,
        Some(time) => {
            let read = time.as_str().and_then(span::read).filter(|time| *time <= PATIENCE.1);
            read.ok_or_else(|| bad(format!("timeout: {time} is no length of time up to 10m, such as 5s")))?
        }
    };
    let on_mock = match members.remove("clock") {
        None => false,
        Some(Value::String(word)) if word == "real" || word == "mock" => word == "mock",
        Some(other) => return Err(bad(format!("clock: {other} is neither real nor mock"))),
    };
    let wanted = Wanted::of(&mut members, Filter::of(&query)?).map_err(bad)?;
    if let Some(name) = members.keys().next() {
        return Err(bad(format!("{name}: wait takes match, count, at_least, at_most, timeout and clock")));
    }
    if !wanted.waits() {
        return Err(bad(String::from("at_least: there is nothing to wait for; say how many")));
    }
    // Whom somebody waits for is there from now on, so that his clock is the one that is moved.
    let clock = query.scope().session().map_or_else(|| house.clocks.mock().clone(), |session| house.enter(session));
    let time_is_up = async { if on_mock { clock.sleep(patience).await } else { tokio::time::sleep(patience).await } };
    let verdict = tokio::select! {
        verdict = house.until(query.scope(), &wanted) => Some(verdict),
        () = time_is_up => None,
    };
    let timed_out = verdict.is_none();
    let verdict = verdict.unwrap_or_else(|| house.engine.verdict(query.scope(), &wanted));
    // A verdict is texts, numbers and JSON, which always serialise.
    let mut shown = serde_json::to_value(verdict.decided()?).unwrap_or_default();
    shown["timed_out"] = Value::from(timed_out);
    Ok(Script::json(200, &shown))
}
