//! The mock's own routes, below `/__mock/v1`.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Engine;
use super::answer::Answer;
use super::auth::bearer;
use super::route::{DEFAULT_SESSION, is_session};

/// Answers a request to the mock itself.
pub(crate) fn answer(
    engine: &Engine,
    now: Timestamp,
    method: &http::Method,
    below: &str,
    query: &str,
    headers: &HeaderMap,
) -> Answer {
    if let Some(refusal) = refusal(engine, headers) {
        return refusal;
    }
    match (method.as_str(), below) {
        ("GET", "/v1/health") => health(engine, now),
        ("GET", "/v1/journal") => journal(engine, query),
        _ => explain(404, "mock_no_such_route", "GET /__mock/v1/health and GET /__mock/v1/journal?session= are here"),
    }
}

/// Why a caller may not use the admin routes.
pub(crate) fn refusal(engine: &Engine, headers: &HeaderMap) -> Option<Answer> {
    let token = engine.settings().admin_token.as_deref()?;
    let message = "the admin routes of this mock need its admin token as a bearer";
    (bearer(headers) != Some(token)).then(|| explain(401, "mock_admin_token", message))
}

fn health(engine: &Engine, now: Timestamp) -> Answer {
    let providers: Vec<&str> = engine.library().providers().iter().map(|provider| provider.id.as_str()).collect();
    let body = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "time": now.to_string(),
        "providers": providers,
        "exchanges": engine.library().exchanges().len(),
        "sessions": engine.sessions().names(),
    });
    Answer::value(200, &body)
}

fn journal(engine: &Engine, query: &str) -> Answer {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("session="));
    let session = asked.unwrap_or(DEFAULT_SESSION);
    if !is_session(session) {
        return explain(400, "mock_bad_session", "a session's name has up to 64 letters, digits, '-', '_' and '.'");
    }
    Answer::value(200, &json!({ "session": session, "entries": engine.sessions().journal(Some(session)) }))
}

/// An error of the mock itself, which no provider would send.
pub(crate) fn explain(status: u16, code: &str, message: &str) -> Answer {
    Answer::value(status, &explanation(code, message))
}

pub(crate) fn explanation(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "type": "mock_error" } })
}
