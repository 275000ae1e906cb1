//! How requests are answered: shown, and changed for one session or for all.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::endpoints::admin::query::{AdminQuery, SessionScope};
use crate::endpoints::admin::{AdminError, object};
use crate::engine::Engine;
use crate::response::endpoint_response::EndpointResponse;

/// Shows the settings, or changes those that may change.
pub(crate) fn respond(
    engine: &Engine,
    now: Timestamp,
    request: &Request<Bytes>,
) -> Result<EndpointResponse, AdminError> {
    let query = AdminQuery::read(request, &["session"])?;
    query.one()?;
    match request.method().as_str() {
        "GET" => {}
        "POST" => {
            let members = object("mock_bad_setting", request.body(), r#"{"validate":"warn","task":"time=5s"}"#)?;
            let changed = engine.change(now, query.scope(), &members);
            changed.map_err(|message| AdminError::bad("mock_bad_setting", message))?;
        }
        _ => return Err(AdminError::method("GET and POST")),
    }
    let SessionScope::One(session) = query.scope() else {
        return Ok(EndpointResponse::value(200, &shown(engine, None)));
    };
    Ok(EndpointResponse::value(200, &shown(engine, Some(session))))
}

fn shown(engine: &Engine, session: Option<&str>) -> Value {
    let conduct = session.map_or_else(|| engine.conduct_of_all(), |session| engine.conduct(session));
    let settings = engine.settings();
    let faults: Vec<String> = settings.faults.iter().map(ToString::to_string).collect();
    json!({
        "session": session,
        "settings": conduct,
        "fixed": {
            "seed": settings.seed,
            "known_keys": settings.keys.len(),
            "faults": faults,
            "journal_capacity": settings.journal_capacity,
            "session_capacity": settings.session_capacity,
            "session_idle_seconds": settings.session_idle.as_secs(),
            "admin_token": settings.admin_token.is_some(),
        },
    })
}
