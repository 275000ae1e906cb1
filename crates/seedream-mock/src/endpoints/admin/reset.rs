//! Clearing parts of a session.

use serde_json::{Value, json};

use crate::endpoints::admin::error::{AdminError, object};
use crate::endpoints::admin::query::SessionScope;
use crate::engine::services::Services;
use crate::response::endpoint_response::EndpointResponse;
use crate::settings_patch::SettingsPatch;
use crate::state::journal_entry::EntryKind;
use crate::state::ledger::Ledger;
use crate::state::reset_part::ResetPart;
use crate::state::session::Session;

/// Reads `{"clear":["journal","ledger"]}`.
///
/// # Errors
/// There is no list, or a word of it names nothing.
pub(crate) fn read(body: &[u8]) -> Result<Vec<ResetPart>, AdminError> {
    const BAD: &str = "mock_bad_reset";
    let known: Vec<&str> = ResetPart::ALL.iter().map(|part| part.as_str()).collect();
    let known = known.join(", ");
    let members = object(BAD, body, r#"{"clear":["journal","ledger"]}"#)?;
    if let Some(name) = members.keys().find(|name| *name != "clear") {
        return Err(AdminError::bad(BAD, format!("{name}: reset takes clear, a list of parts to clear: {known}")));
    }
    let Some(Value::Array(words)) = members.get("clear") else {
        return Err(AdminError::bad(BAD, format!("clear: name the parts to clear, as a list of {known}")));
    };
    let part = |word: &Value| {
        let found = ResetPart::ALL.iter().copied().find(|part| word.as_str() == Some(part.as_str()));
        found.ok_or_else(|| AdminError::bad(BAD, format!("clear: {word} is not one of {known}")))
    };
    words.iter().map(part).collect()
}

pub(crate) fn respond(services: &Services, scope: SessionScope<'_>, parts: &[ResetPart]) -> EndpointResponse {
    reset(services, scope, parts);
    let cleared: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
    EndpointResponse::value(200, &json!({ "session": scope.session().unwrap_or("*"), "cleared": cleared }))
}

/// Clears parts of a session, or of all; without a session the settings are those of all. The server clears clocks.
pub(crate) fn reset(services: &Services, scope: SessionScope<'_>, parts: &[ResetPart]) {
    let names = match scope.session() {
        Some(name) => vec![name.to_owned()],
        None => services.sessions.names(),
    };
    for name in &names {
        if parts.contains(&ResetPart::Session) {
            services.sessions.forget(name);
        } else {
            services.sessions.look(name, |session| parts.iter().for_each(|part| clear(session, *part)));
        }
    }
    services.sessions.clear_totals(scope.session(), parts);
    if parts.contains(&ResetPart::Settings) && !matches!(scope, SessionScope::One(_)) {
        services.settings.reset();
    }
}

fn clear(session: &mut Session, part: ResetPart) {
    match part {
        ResetPart::Journal => {
            [EntryKind::Request, EntryKind::Callback].into_iter().for_each(|kind| session.journal.remove(kind));
        }
        ResetPart::Ledger => session.ledger = Ledger::default(),
        ResetPart::Faults => session.rules.clear(),
        ResetPart::Tasks => session.clear_tasks(),
        ResetPart::Callbacks => session.clear_callbacks(),
        ResetPart::Settings => session.patch = SettingsPatch::default(),
        ResetPart::Clock | ResetPart::Session => {}
    }
}
