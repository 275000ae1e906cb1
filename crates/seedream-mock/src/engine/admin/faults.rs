//! Listing, setting and forgetting the faults of a session.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Refusal;
use super::query::Query;
use crate::engine::Engine;
use crate::engine::answer::Answer;
use crate::engine::faults::{Rule, Rules};
use crate::fault::{Fault, FaultError, parse};

/// Lists, sets or forgets the faults of a session.
pub(super) fn answer(engine: &Engine, now: Timestamp, request: &Request<Bytes>) -> Result<Answer, Refusal> {
    let query = Query::read(request, &["session"])?;
    let session = query.one()?;
    let with = |work: &dyn Fn(&mut Rules)| {
        engine.sessions().with(session, now, |session| {
            work(&mut session.rules);
            session.rules.list().to_vec()
        })
    };
    let (status, rules) = match request.method().as_str() {
        "GET" => (200, with(&|_| ())),
        "DELETE" => (200, with(&Rules::clear)),
        "POST" => {
            let faults = read(request.body()).map_err(|error| {
                Refusal::bad("mock_bad_fault", format!("{error}; GET /__mock/v1/faults lists the words of a fault"))
            })?;
            engine.expect_uploads(&faults);
            (201, with(&|rules| rules.add(faults.clone())))
        }
        _ => return Err(Refusal::method("GET, POST and DELETE")),
    };
    let rule = |rule: &Rule| json!({ "fault": rule.fault, "text": rule.fault.to_string(), "hits": rule.hits });
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    Ok(Answer::value(status, &json!({ "session": session, "faults": rules, "grammar": crate::fault::faults() })))
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
