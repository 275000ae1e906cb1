//! The settings: shown, and changed for one session or for all.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::endpoints::admin::error::{AdminError, object};
use crate::endpoints::admin::query::{AdminQuery, SessionScope};
use crate::engine::services::Services;
use crate::response::endpoint_response::EndpointResponse;
use crate::settings_patch::SettingsPatch;

/// Shows the settings, or changes those that may change.
pub(crate) fn respond(
    services: &Services,
    now: Timestamp,
    request: &Request<Bytes>,
) -> Result<EndpointResponse, AdminError> {
    let query = AdminQuery::read(request, &["session"])?;
    query.one()?;
    match request.method().as_str() {
        "GET" => {}
        "POST" => {
            let members = object("mock_bad_setting", request.body(), r#"{"validate":"warn","task":"time=5s"}"#)?;
            let changed = change(services, now, query.scope(), &members);
            changed.map_err(|message| AdminError::bad("mock_bad_setting", message))?;
        }
        _ => return Err(AdminError::method("GET and POST")),
    }
    let SessionScope::One(session) = query.scope() else {
        return Ok(EndpointResponse::value(200, &shown(services, None)));
    };
    Ok(EndpointResponse::value(200, &shown(services, Some(session))))
}

fn shown(services: &Services, session: Option<&str>) -> Value {
    let current = session
        .map_or_else(|| services.settings.with(&SettingsPatch::default()), |session| services.settings_of(session));
    let settings = services.settings.initial();
    let faults: Vec<String> = settings.faults.iter().map(ToString::to_string).collect();
    json!({
        "session": session,
        "settings": SettingsPatch::of(&current),
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

/// Changes the settings of one session, or of all.
fn change(
    services: &Services,
    now: Timestamp,
    scope: SessionScope<'_>,
    members: &Map<String, Value>,
) -> Result<(), String> {
    let SessionScope::One(session) = scope else { return services.settings.change(members) };
    services.sessions.with(session, now, |session| {
        session.patch = session.patch.read(members)?;
        Ok(())
    })
}
