//! What is kept of every response, whatever it says.

use http::{HeaderName, HeaderValue};
use seedream_core::{Dialect, Error};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};
use serde_json::Value;

use crate::{
    CaseFailure, Subject,
    fixture::convert_exchange,
    fixture::decoded_response::DecodedResponse,
    fixture::json_leaves::{leaves, with},
    harness::difference::Differences,
};

/// The names of members with the words of an error.
const WORDS: [&str; 9] =
    ["message", "msg", "error_message", "errorMessage", "fail_reason", "failReason", "reason", "detail", "error"];

/// A response with images is kept as it came, as an error is.
pub(super) fn body(d: &mut Differences, case: &RecordedExchange, seen: &DecodedResponse) -> Result<(), CaseFailure> {
    let Some(recorded) = case.response.as_ref().filter(|recorded| matches!(recorded.body, RecordedBody::Json(_)))
    else {
        return Ok(());
    };
    let response = convert_exchange::response(recorded)?;
    match seen {
        DecodedResponse::Generation(generation) => {
            d.holds(generation.raw == response.body, || "raw: the body of the response is not kept".to_owned());
        }
        DecodedResponse::Error(error) => {
            let kept = error.body().is_some_and(|body| *body == response.body);
            d.holds(kept, || "error.body: the body of the response is not kept".to_owned());
        }
        _ => {}
    }
    Ok(())
}

/// An error says what the provider says: other words in the response are other words in the error.
pub(super) fn message(d: &mut Differences, dialect: &dyn Dialect, case: &RecordedExchange) -> Result<(), CaseFailure> {
    const OTHER: &str = "the lighthouse keeper is on holiday";
    let expects_error = case.expect.as_ref().is_some_and(|expect| expect.error.is_some());
    let Some(recorded) = case.response.as_ref().filter(|_| expects_error) else { return Ok(()) };
    let RecordedBody::Json(raw) = &recorded.body else { return Ok(()) };
    let body: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let has_words = |at: &String| {
        let named = at.rsplit('/').next().is_some_and(|name| WORDS.contains(&name));
        named && body.pointer(at).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    let words: Vec<String> = leaves(&body).into_iter().filter(has_words).collect();
    let mut said = words.is_empty();
    for at in words {
        let changed = with(&body, &at, |_| OTHER.into());
        let response = convert_exchange::response_with(recorded, changed.to_string())?;
        let seen = DecodedResponse::read(dialect, case, &response)?;
        said |= seen.as_ref().and_then(DecodedResponse::error).is_some_and(|error| error.message().contains(OTHER));
    }
    d.holds(said, || "error.message: the words of the response are not in the error".to_owned());
    Ok(())
}

/// The id of the request that a header carries is in the images and in the error.
pub(super) fn request_ids(subject: &Subject) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let names = subject.provider().map_or(&[][..], |provider| &provider.request_id_headers);
    for case in subject.exchanges().filter(|case| matches!(case.operation, OperationKind::Create)) {
        let (Some(recorded), Some(_)) = (&case.response, &case.expect) else { continue };
        for name in names {
            let mut response = convert_exchange::response(recorded)?;
            let header: HeaderName =
                name.parse().map_err(|_| CaseFailure::harness(format!("{name} is not the name of a header")))?;
            // Another header that names the request would come first or last; the facts do not say.
            names.iter().for_each(|name| drop(response.headers.remove(name.as_str())));
            response.headers.insert(header, HeaderValue::from_static("law-0001"));
            let seen = match DecodedResponse::read(&**subject.dialect(), case, &response)? {
                Some(DecodedResponse::Generation(generation)) => generation.request_id,
                Some(DecodedResponse::Error(error)) => Error::request_id(&error).map(str::to_owned),
                _ => continue,
            };
            let at = format!("{}: request_id of the header {name}", case.id());
            d.same(&at, &Some("law-0001"), &seen.as_deref());
        }
    }
    d.into_result()
}
