//! The mock's own routes, below `/__mock/v1`.

use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Engine;
use super::answer::Answer;
use super::auth::bearer;
use super::faults::{Rule, Rules};
use super::route::{DEFAULT_SESSION, is_session};
use crate::fault::{Fault, FaultError, parse};

/// Answers a request to the mock itself.
pub(crate) fn answer(engine: &Engine, now: Timestamp, request: &Request<Bytes>, below: &str) -> Answer {
    if let Some(refusal) = refusal(engine, request.headers()) {
        return refusal;
    }
    let query = request.uri().query().unwrap_or_default();
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("session="));
    let session = asked.unwrap_or(DEFAULT_SESSION);
    if !is_session(session) {
        return explain(400, "mock_bad_session", "a session's name has up to 64 letters, digits, '-', '_' and '.'");
    }
    match (request.method().as_str(), below) {
        ("GET", "/v1/health") => health(engine, now),
        ("GET", "/v1/journal") => journal(engine, session),
        ("GET", "/v1/ledger") => ledger(engine, now, session),
        ("GET", "/v1/callbacks") => callbacks(engine, session),
        (_, "/v1/faults") => faults(engine, now, session, request),
        _ => explain(404, "mock_no_such_route", ROUTES),
    }
}

/// What is here.
const ROUTES: &str = "below /__mock/v1 are GET health, journal, ledger, callbacks and clock, POST clock, GET, POST and DELETE \
                      faults; all but health and clock take ?session=";

/// Lists, sets or forgets the faults of a session.
fn faults(engine: &Engine, now: Timestamp, session: &str, request: &Request<Bytes>) -> Answer {
    let with = |work: &dyn Fn(&mut Rules)| {
        engine.sessions().with(session, now, |session| {
            work(&mut session.rules);
            session.rules.list().to_vec()
        })
    };
    let (status, rules) = match request.method().as_str() {
        "GET" => (200, with(&|_| ())),
        "DELETE" => (200, with(&Rules::clear)),
        "POST" => match read_faults(request.body()) {
            Ok(faults) => (201, with(&|rules| rules.add(faults.clone()))),
            Err(error) => return explain(400, "mock_bad_fault", &error.to_string()),
        },
        _ => return explain(405, "mock_bad_method", "the faults take GET, POST and DELETE"),
    };
    let rule = |rule: &Rule| json!({ "fault": rule.fault, "text": rule.fault.to_string(), "hits": rule.hits });
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    Answer::value(status, &json!({ "session": session, "faults": rules, "grammar": crate::fault::faults() }))
}

/// Faults as they are sent: their text, one object, or a list of objects and texts.
fn read_faults(body: &[u8]) -> Result<Vec<Fault>, FaultError> {
    match serde_json::from_slice(body) {
        Ok(Value::Array(items)) => items.iter().map(Fault::from_json).collect(),
        Ok(Value::String(text)) => parse(&text),
        Ok(value @ Value::Object(_)) => Ok(vec![Fault::from_json(&value)?]),
        _ => parse(&String::from_utf8_lossy(body)),
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

fn journal(engine: &Engine, session: &str) -> Answer {
    Answer::value(200, &json!({ "session": session, "entries": engine.sessions().journal(Some(session)) }))
}

/// What was paid.
fn ledger(engine: &Engine, now: Timestamp, name: &str) -> Answer {
    engine.sessions().with(name, now, |session| {
        let ledger = session.settled(now);
        let (entries, sum) = (ledger.bills().collect::<Vec<_>>(), ledger.sum());
        Answer::value(
            200,
            &json!({ "session": name, "entries": entries, "images": sum.images, "credits": sum.credits }),
        )
    })
}

/// The attempts to call somebody back, which are in the journal as well.
fn callbacks(engine: &Engine, session: &str) -> Answer {
    let mut entries = engine.sessions().journal(Some(session));
    entries.retain(|entry| entry.kind == "callback");
    Answer::value(200, &json!({ "session": session, "entries": entries }))
}

/// An error of the mock itself, which no provider would send.
pub(crate) fn explain(status: u16, code: &str, message: &str) -> Answer {
    Answer::value(status, &explanation(code, message))
}

pub(crate) fn explanation(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "type": "mock_error" } })
}
