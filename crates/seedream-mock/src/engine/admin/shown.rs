//! What the mock remembers, shown: sessions, journal, ledger, callbacks.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Refusal;
use super::query::{Filter, Query, narrowing};
use crate::engine::Engine;
use crate::engine::answer::Answer;
use crate::engine::journal::Entry;
use crate::engine::route::Address;

/// Who is there.
pub(super) fn sessions(engine: &Engine) -> Answer {
    let session = |name: &str, session: &mut crate::engine::session::Session| {
        let ledger = session.ledger.sum();
        Some(json!({
            "session": name,
            "used": session.used.to_string(),
            "requests": session.journal.requests(),
            "tasks": session.tasks().count(),
            "faults": session.rules.list().len(),
            "images": ledger.images,
            "credits": ledger.credits,
        }))
    };
    let sessions: Vec<Value> = engine.sessions().each(session).collect();
    let settings = engine.settings();
    Answer::value(
        200,
        &json!({
            "sessions": sessions,
            "most": settings.session_capacity,
            "idle_seconds": settings.session_idle.as_secs(),
        }),
    )
}

/// What was asked and answered.
pub(super) fn journal(engine: &Engine, request: &Request<Bytes>) -> Result<Answer, Refusal> {
    let query = Query::read(request, &narrowing(&["session", "explain"]))?;
    let filter = Filter::of(&query)?;
    let mut entries = engine.sessions().journal(query.scope().session());
    entries.retain(|entry| filter.takes(entry));
    let explain = matches!(query.get("explain"), Some("" | "1" | "true"));
    let shown: Vec<Value> = entries.iter().map(|entry| entry_of(engine, entry, explain)).collect();
    let session = query.scope().session().unwrap_or("*");
    Ok(Answer::value(200, &json!({ "session": session, "count": shown.len(), "entries": shown })))
}

/// An entry, with the exchanges that it nearly was where that is asked for.
fn entry_of(engine: &Engine, entry: &Entry, explain: bool) -> Value {
    // An entry is texts, numbers and JSON, which always serialise.
    let mut shown = serde_json::to_value(entry).unwrap_or_default();
    if explain && entry.kind == "request" && entry.fixture.is_none() {
        let address = Address::read(&entry.path);
        let nearest = engine.index.nearest(address.house, &entry.method, address.below, &entry.body);
        shown["nearest"] = serde_json::to_value(nearest).unwrap_or_default();
    }
    shown
}

/// What was paid.
pub(super) fn ledger(engine: &Engine, now: Timestamp, name: &str) -> Result<Answer, Refusal> {
    let shown = engine.sessions().look(name, |session| {
        let ledger = session.settled(now);
        let (entries, sum) = (ledger.bills().collect::<Vec<_>>(), ledger.sum());
        json!({
            "session": name, "entries": entries, "images": sum.images, "credits": sum.credits, "keys": ledger.keys(),
        })
    });
    let nothing = || json!({ "session": name, "entries": [], "images": 0, "credits": 0.0, "keys": [] });
    Ok(Answer::value(200, &shown.unwrap_or_else(nothing)))
}

/// The attempts to call somebody back, which are in the journal as well, and who is still to be called.
pub(super) fn callbacks(engine: &Engine, name: &str) -> Result<Answer, Refusal> {
    let mut entries = engine.sessions().journal(Some(name));
    entries.retain(|entry| entry.kind == "callback");
    let awaiting = engine.sessions().look(name, |session| {
        let awaiting = |task: &crate::engine::task::Task| {
            let url = task.callback.as_ref().map(|(url, _)| url.as_str());
            json!({ "task": &*task.id, "url": url, "at": task.ends_at().map(|at| at.to_string()) })
        };
        session.awaiting().map(awaiting).collect::<Vec<Value>>()
    });
    let awaiting = awaiting.unwrap_or_default();
    Ok(Answer::value(200, &json!({ "session": name, "entries": entries, "awaiting": awaiting })))
}
