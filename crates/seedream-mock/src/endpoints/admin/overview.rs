//! What the mock remembers, shown: sessions, journal, ledger, callbacks.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::endpoints::admin::AdminError;
use crate::engine::Engine;
use crate::response::endpoint_response::EndpointResponse;
use crate::state::ledger::sum_of;

/// Who is there.
pub(crate) fn sessions(engine: &Engine) -> EndpointResponse {
    let session = |name: &str, session: &mut crate::state::session::Session| {
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
    EndpointResponse::value(
        200,
        &json!({
            "sessions": sessions,
            "most": settings.session_capacity,
            "idle_seconds": settings.session_idle.as_secs(),
        }),
    )
}

/// What was paid.
pub(crate) fn ledger(engine: &Engine, now: Timestamp, name: &str) -> Result<EndpointResponse, AdminError> {
    let shown = engine.sessions().look(name, |session| {
        let ledger = session.settled(now);
        let (entries, sum) = (ledger.bills().collect::<Vec<_>>(), ledger.sum());
        json!({
            "session": name, "entries": entries, "forgotten": ledger.folded(), "images": sum.images,
            "credits": sum.credits, "keys": ledger.keys(),
        })
    });
    let gone = || {
        let remains = engine.sessions().remains(name).unwrap_or_default();
        let sum = sum_of(&remains.keys);
        json!({
            "session": name, "entries": [], "forgotten": remains.bills, "images": sum.images, "credits": sum.credits,
            "keys": remains.keys,
        })
    };
    Ok(EndpointResponse::value(200, &shown.unwrap_or_else(gone)))
}

/// The attempts to call somebody back, which are in the journal as well, and who is still to be called.
pub(crate) fn callbacks(engine: &Engine, name: &str) -> Result<EndpointResponse, AdminError> {
    let mut entries = engine.sessions().journal(Some(name));
    entries.retain(|entry| entry.kind == "callback");
    let awaiting = engine.sessions().look(name, |session| {
        let awaiting = |task: &crate::state::task::MockTask| {
            let url = task.callback.as_ref().map(|(url, _)| url.as_str());
            json!({ "task": &*task.id, "url": url, "at": task.ends_at().map(|at| at.to_string()) })
        };
        session.awaiting().map(awaiting).collect::<Vec<Value>>()
    });
    let awaiting = awaiting.unwrap_or_default();
    Ok(EndpointResponse::value(200, &json!({ "session": name, "entries": entries, "awaiting": awaiting })))
}
