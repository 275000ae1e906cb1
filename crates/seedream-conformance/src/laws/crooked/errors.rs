//! Errors in other forms than documented: other members, lists, and errors inside the messages of others.

use seedream_core::{Error, Response, charge_of};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};
use serde_json::{Value, json};

use super::shape_fixture::ShapeFixture;
use crate::{
    CaseFailure, fixture::convert_exchange, fixture::decoded_response::DecodedResponse,
    harness::difference::Differences,
};

/// A documented error, and how the adapter reads it.
struct ErrorFixture {
    case: &'static RecordedExchange,
    status: u16,
    code: String,
    message: String,
    read: Error,
}

/// The errors of the provider that have a code, those of this round.
fn shown(fixture: &ShapeFixture) -> Result<Vec<ErrorFixture>, CaseFailure> {
    let created = fixture.subject.exchanges().filter(|case| case.operation == OperationKind::Create);
    let coded = fixture.share(created.filter_map(coded)).map(|(case, status, body, code, message)| {
        let read = read(fixture, case, status, &body)?;
        Ok(ErrorFixture { case, status, code, message, read })
    });
    coded.collect()
}

/// The status, the body, the code and the message of an error with a code.
fn coded(case: &'static RecordedExchange) -> Option<(&'static RecordedExchange, u16, Value, String, String)> {
    let response = case.response.as_ref().filter(|response| response.status >= 400)?;
    let RecordedBody::Json(raw) = &response.body else { return None };
    let body: Value = serde_json::from_str(raw.get()).ok()?;
    let member = |name: &str| {
        let value = body.pointer(&format!("/error/{name}")).or_else(|| body.get(name))?;
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (code, message) = (member("code")?, member("message")?);
    (!message.contains('{')).then_some((case, response.status, body, code, message))
}

fn response(case: &RecordedExchange, status: u16, body: impl Into<bytes::Bytes>) -> Result<Response, CaseFailure> {
    let Some(recorded) = &case.response else { return Err(CaseFailure::harness("the fixture has no response")) };
    let mut response = convert_exchange::response_with(recorded, body)?;
    response.status = http::StatusCode::from_u16(status).map_err(|error| CaseFailure::harness(error.to_string()))?;
    Ok(response)
}

fn read(fixture: &ShapeFixture, case: &RecordedExchange, status: u16, body: &Value) -> Result<Error, CaseFailure> {
    let response = response(case, status, fixture.text(body))?.mended();
    match DecodedResponse::read(&**fixture.subject.dialect(), case, &response)? {
        Some(DecodedResponse::Error(error)) => Ok(error),
        Some(seen) => Err(CaseFailure::new(format!("expected an error, saw {}", seen.name()))),
        None => Err(CaseFailure::harness("no adapter reads responses of this kind")),
    }
}

/// The same error in other members.
pub(super) fn forms(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for shown in shown(fixture)? {
        let (code, message) = (&shown.code, &shown.message);
        let coded = [
            json!({ "code": code, "msg": message }),
            json!({ "errors": [{ "code": code, "message": message }] }),
            json!({ "error": [{ "code": code, "message": message }] }),
            json!({ "detail": { "code": code, "message": message } }),
            json!({ "detail": message, "code": code }),
            json!({ "error_code": code, "error_description": message }),
            json!({ "type": "about:blank", "title": message, "status": shown.status, "code": code }),
            json!({ "code": code, "detail": [{ "loc": ["body", "size"], "msg": message, "type": "value_error" }] }),
            json!([{ "error": { "code": code, "message": message } }]),
        ];
        for body in coded {
            same(&mut d, &shown, &body, &read(fixture, shown.case, shown.status, &body)?);
        }
        for body in [
            json!({ "detail": message }),
            json!({ "title": message }),
            json!({ "msg": message }),
            json!({ "errors": [message] }),
            json!({ "error_description": message }),
            json!({ "detail": [{ "loc": ["body", "size"], "msg": message, "type": "value_error" }] }),
        ] {
            says(&mut d, &shown, &body, &read(fixture, shown.case, shown.status, &body)?);
        }
    }
    d.into_result()
}

/// The same error inside the messages of others.
pub(super) fn nested(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for shown in shown(fixture)? {
        let inner = json!({ "error": { "code": shown.code, "message": shown.message, "param": null } });
        let python = python(&inner);
        let words = ["Error code: 400 - ", "upstream error: ", "bad response status code 451, body: "][fixture.draw(3)];
        let outer = |message: String| json!({ "error": { "message": message, "type": "upstream_error", "code": "" } });
        let once = outer(inner.to_string());
        for body in [
            once.clone(),
            outer(once.to_string()),
            outer(format!("{words}{inner}")),
            outer(format!("{words}{inner} (request id: 20260101abc)")),
            outer(outer(format!("{words}{inner}")).to_string()),
            outer(format!("{words}{python}")),
            json!({ "message": inner.to_string() }),
            json!({ "detail": format!("{words}{python}") }),
            json!({ "error": inner.to_string() }),
            json!({ "msg": inner.to_string(), "data": null }),
        ] {
            same(&mut d, &shown, &body, &read(fixture, shown.case, shown.status, &body)?);
        }
    }
    d.into_result()
}

/// A documented error under another status: the status still bounds the charge.
pub(super) fn another_status(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for shown in shown(fixture)? {
        let inner = json!({ "error": { "code": shown.code, "message": shown.message } });
        let outer = json!({ "error": { "message": format!("upstream: {inner}"), "code": null } });
        for (status, body) in [(200, &inner), (200, &outer), (400, &outer), (500, &outer), (502, &inner), (408, &outer)]
        {
            let error = read(fixture, shown.case, status, body)?;
            let least = charge_of(http::StatusCode::from_u16(status).unwrap_or_default(), error.kind());
            let name = format!("{} under {status}", shown.case.id());
            d.same(&format!("{name}: code"), &Some(shown.code.as_str()), &error.code());
            d.holds(error.charge() >= least, || format!("{name}: charge {:?}, at least {least:?}", error.charge()));
        }
    }
    d.into_result()
}

/// What follows a long quotation of the request is shown.
pub(super) fn quoted_request(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for shown in shown(fixture)? {
        let quoted = "iVBORw0KGgoA/+".repeat(4_000 + fixture.draw(500));
        let head = ["data:image/png;base64,", "\"image\": \"", ""][fixture.draw(3)];
        let message = format!("Invalid image {head}{quoted}\": the reference is too large");
        let body = json!({ "error": { "code": shown.code, "message": message } });
        let error = read(fixture, shown.case, shown.status, &body)?;
        let said = error.message();
        let name = shown.case.id();
        d.holds(said.contains("the reference is too large"), || format!("{name}: the reason is not shown"));
        d.holds(said.len() < 4_000, || format!("{name}: the message has {} bytes", said.len()));
    }
    d.into_result()
}

/// The error that the document shows.
fn same(d: &mut Differences, shown: &ErrorFixture, body: &Value, seen: &Error) {
    let name = format!("{}, as {body:.90}", shown.case.id(), body = body.to_string());
    d.same(&format!("{name}: code"), &Some(shown.code.as_str()), &seen.code());
    d.same(&format!("{name}: kind"), &shown.read.kind(), &seen.kind());
    d.same(&format!("{name}: charge"), &shown.read.charge(), &seen.charge());
    says(d, shown, body, seen);
}

/// Its words are shown.
fn says(d: &mut Differences, shown: &ErrorFixture, body: &Value, seen: &Error) {
    // A message may have been shortened or redacted.
    let words: String = shown.read.message().chars().take(40).collect();
    d.holds(seen.message().contains(&words), || {
        format!("{}, as {body:.90}: `{words}` is not shown: {seen}", shown.case.id(), body = body.to_string())
    });
    d.holds(!shown.message.is_empty(), || "no message".to_owned());
}

/// A value as Python prints it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::String(text) if text.contains('\'') => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\")),
        Value::Object(members) => {
            let members: Vec<_> = members.iter().map(|(name, value)| format!("'{name}': {}", python(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}
