//! Listings of sessions, ledger and callbacks.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::endpoints::admin::error::AdminError;
use crate::endpoints::admin::query::{AdminQuery, BAD};
use crate::engine::services::Services;
use crate::response::endpoint_response::EndpointResponse;
use crate::state::ledger::sum_of;

/// Lists the sessions.
pub(crate) fn sessions(services: &Services) -> EndpointResponse {
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
    let sessions: Vec<Value> = services.sessions.each(session).collect();
    let settings = services.settings.initial();
    EndpointResponse::value(
        200,
        &json!({
            "sessions": sessions,
            "most": settings.session_capacity,
            "idle_seconds": settings.session_idle.as_secs(),
        }),
    )
}

/// What was paid; with `entries=false` only the sums.
pub(crate) fn ledger(services: &Services, now: Timestamp, query: &AdminQuery) -> Result<EndpointResponse, AdminError> {
    let name = query.one()?;
    let listed = match query.get("entries") {
        None | Some("true") => usize::MAX,
        Some("false") => 0,
        Some(other) => return Err(AdminError::bad(BAD, format!("entries: {other} is neither true nor false"))),
    };
    let shown = services.sessions.look(name, |session| {
        let ledger = session.settled(now);
        let (entries, sum) = (ledger.entries().take(listed).collect::<Vec<_>>(), ledger.sum());
        json!({
            "session": name, "entries": entries, "forgotten": ledger.folded(), "images": sum.images,
            "credits": sum.credits, "keys": ledger.keys(),
        })
    });
    let gone = || {
        let totals = services.sessions.totals(name).unwrap_or_default();
        let sum = sum_of(&totals.keys);
        json!({
            "session": name, "entries": [], "forgotten": totals.bills, "images": sum.images, "credits": sum.credits,
            "keys": totals.keys,
        })
    };
    Ok(EndpointResponse::value(200, &shown.unwrap_or_else(gone)))
}

/// Lists the attempts of callbacks, which the journal has too, and the callbacks that are still to be sent.
pub(crate) fn callbacks(services: &Services, name: &str) -> Result<EndpointResponse, AdminError> {
    let mut entries = services.sessions.journal(Some(name));
    entries.retain(|entry| entry.kind == "callback");
    let awaiting = services.sessions.look(name, |session| {
        let awaiting = |task: &crate::state::task::MockTask| {
            let url = task.callback.as_ref().map(|(url, _)| url.as_str());
            json!({ "task": &*task.id, "url": url, "at": task.ends_at().map(|at| at.to_string()) })
        };
        session.awaiting().map(awaiting).collect::<Vec<Value>>()
    });
    let awaiting = awaiting.unwrap_or_default();
    Ok(EndpointResponse::value(200, &json!({ "session": name, "entries": entries, "awaiting": awaiting })))
}
