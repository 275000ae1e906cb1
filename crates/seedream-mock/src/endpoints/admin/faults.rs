//! Lists, adds and removes the faults of a session.

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::endpoints::admin::error::AdminError;
use crate::endpoints::admin::query::AdminQuery;
use crate::engine::services::Services;
use crate::faults::fault_rules::{FaultRule, FaultRules};
use crate::faults::grammar::Fault;
use crate::faults::notation::{FaultError, parse};
use crate::response::endpoint_response::EndpointResponse;

/// Lists, adds or removes the faults of a session.
pub(crate) fn respond(
    services: &Services,
    now: Timestamp,
    request: &Request<Bytes>,
) -> Result<EndpointResponse, AdminError> {
    let removes = request.method() == Method::DELETE;
    let query = AdminQuery::read(request, if removes { &["session", "fault"] } else { &["session"] })?;
    let session = query.one()?;
    let with = |work: &dyn Fn(&mut FaultRules)| {
        services.sessions.with(session, now, |session| {
            work(&mut session.rules);
            session.rules.list().to_vec()
        })
    };
    let (status, rules) = match request.method().as_str() {
        "GET" => (200, with(&|_| ())),
        "DELETE" => match query.get("fault") {
            None => (200, with(&FaultRules::clear)),
            Some(text) => {
                let unwanted = read(text.as_bytes()).map_err(|error| unreadable(&error))?;
                let absent = unwanted.iter().find(|fault| with(&|_| ()).iter().all(|rule| rule.fault != **fault));
                if let Some(fault) = absent {
                    let message =
                        format!("fault: the session {session} has no fault {fault}; GET /__mock/v1/faults lists them");
                    return Err(AdminError::missing("mock_no_such_fault", message));
                }
                (200, with(&|rules| unwanted.iter().for_each(|fault| rules.remove(fault))))
            }
        },
        "POST" => {
            let faults = read(request.body()).map_err(|error| unreadable(&error))?;
            services.sessions.note_cuts(&faults);
            (201, with(&|rules| rules.add(faults.clone())))
        }
        _ => return Err(AdminError::method("GET, POST and DELETE")),
    };
    let rule = |rule: &FaultRule| json!({ "fault": rule.fault, "text": rule.fault.to_string(), "hits": rule.hits });
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    Ok(EndpointResponse::value(
        status,
        &json!({ "session": session, "faults": rules, "grammar": crate::faults::grammar::fault_words() }),
    ))
}

fn unreadable(error: &FaultError) -> AdminError {
    AdminError::bad("mock_bad_fault", format!("{error}; GET /__mock/v1/faults lists the words of a fault"))
}

/// Faults as they are sent: their text, one object, or a list of objects and texts.
fn read(body: &[u8]) -> Result<Vec<Fault>, FaultError> {
    match serde_json::from_slice(body) {
        Ok(Value::Array(items)) => items.iter().map(Fault::from_json).collect(),
        Ok(Value::String(text)) => parse(&text),
        Ok(value @ Value::Object(_)) => Ok(vec![Fault::from_json(&value)?]),
        _ => parse(&String::from_utf8_lossy(body)),
    }
}
