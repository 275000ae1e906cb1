//! A response that is not the provider's is the right kind of error, with its body kept: gateways' pages, nothing at all, half of it, other types than
//! documented, a success that is an error, an error without its envelope. Nothing of it panics.

use bytes::Bytes;
use seedream_core::{Error, ErrorKind, Response, charge_of};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};
use serde_json::{Value, json};

use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    fixture::decoded_response::DecodedResponse,
    fixture::documented_response::{DocumentedCharge, DocumentedResponse, made_up},
    fixture::json_leaves::{leaves, with},
    harness::difference::Differences,
};

/// Responses that do not come from the provider itself, and the error that each becomes.
const STRANGE: [(&str, u16, &str, &[u8], ErrorKind); 14] = [
    ("html-200", 200, "text/html", b"<html>sign in</html>", ErrorKind::MalformedResponse),
    ("empty-200", 200, "application/json", b"", ErrorKind::MalformedResponse),
    ("null-200", 200, "application/json", b"null", ErrorKind::MalformedResponse),
    ("array-200", 200, "application/json", b"[1]", ErrorKind::MalformedResponse),
    ("text-200", 200, "application/json", b"\"ok\"", ErrorKind::MalformedResponse),
    ("nothing-known-200", 200, "application/json", b"{\"unheard\":\"of\"}", ErrorKind::MalformedResponse),
    ("binary-200", 200, "application/json", b"\xff\xfe\x00{", ErrorKind::MalformedResponse),
    ("html-401", 401, "text/html", b"<html>401</html>", ErrorKind::Authentication),
    ("empty-429", 429, "text/plain", b"", ErrorKind::RateLimited),
    ("html-502", 502, "text/html", b"<html>502 Bad Gateway</html>", ErrorKind::Server),
    ("empty-502", 502, "text/plain", b"", ErrorKind::Server),
    ("html-503", 503, "text/html", b"<html>503</html>", ErrorKind::Server),
    ("html-504", 504, "text/html", b"<html>504</html>", ErrorKind::Timeout),
    ("cut-500", 500, "application/json", b"{\"error\":{\"code\":\"Int", ErrorKind::Server),
];

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let strange = STRANGE.iter().map(|&(name, status, content_type, body, kind)| {
        let judged = subject.clone();
        Case::new(Law::Weather, format!("{}/{name}", subject.id()), None, move || {
            means(&judged, &made_up(status, content_type, body), kind)
        })
    });
    let read = |case: &&'static RecordedExchange| {
        let json = case.response.as_ref().is_some_and(|response| matches!(response.body, RecordedBody::Json(_)));
        json && case.expect.is_some() && matches!(case.operation, OperationKind::Create | OperationKind::Poll)
    };
    let of = |case: &'static RecordedExchange| {
        let judged = subject.clone();
        Case::of(Law::Weather, subject, case, move || spoilt(&judged, case))
    };
    strange.chain(subject.exchanges().filter(read).map(of)).collect()
}

/// A response that no document shows, to every kind of request that the provider has.
fn means(subject: &Subject, response: &Response, kind: ErrorKind) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for operation in [OperationKind::Create, OperationKind::Poll, OperationKind::Models] {
        let of_json = |case: &RecordedExchange| {
            case.response.as_ref().is_some_and(|recorded| matches!(recorded.body, RecordedBody::Json(_)))
        };
        let case = subject.exchanges().find(|case| case.operation == operation && of_json(case));
        let Some(case) = case else { continue };
        let at = |what: &str| format!("{operation:?}: {what}");
        let seen = DecodedResponse::read(&**subject.dialect(), case, response)?;
        match seen.as_ref().map(|seen| (seen, seen.error())) {
            Some((_, Some(error))) => {
                keeps_body(&mut d, &at("body"), error, &response.body);
                if operation == OperationKind::Create {
                    d.same("error.kind", &kind, &error.kind());
                    cautious(&mut d, error, response);
                }
            }
            Some((seen, None)) => d.holds(false, || format!("{operation:?}: expected {kind}, saw {}", seen.name())),
            None => {}
        }
    }
    d.into_result()
}

/// A charge is never more optimistic than the status.
fn cautious(d: &mut Differences, error: &Error, response: &Response) {
    let least = charge_of(response.status, error.kind());
    let free = error.generation().is_some_and(|generation| generation.billed() == Some(0));
    d.holds(free || error.charge() >= least, || format!("charge: at least {least:?}, saw {:?}", error.charge()));
}

fn keeps_body(d: &mut Differences, name: &str, error: &Error, body: &Bytes) {
    d.holds(error.body() == Some(body), || format!("{name}: the response is not kept"));
}

/// A documented response, spoilt in every way.
fn spoilt(subject: &Subject, case: &'static RecordedExchange) -> Result<(), CaseFailure> {
    let Some(documented) = DocumentedResponse::of(case)? else { return Ok(()) };
    let body: Value = serde_json::from_slice(&documented.response.body).unwrap_or_default();
    let spoiler = ResponseVariants { subject, case, documented: &documented, body };
    let mut d = Differences::default();
    let is_error = case.expect.as_ref().is_some_and(|expect| expect.error.is_some());
    if is_error {
        if !documented.response.status.is_success() {
            d.within("as a success", spoiler.as_success());
            d.within("without its envelope", spoiler.unwrapped());
            d.within("with an unknown code", spoiler.unknown_code());
        }
    } else {
        d.within("cut off in silence", spoiler.truncated());
    }
    d.within("with other types", spoiler.other_types());
    d.into_result()
}

struct ResponseVariants<'a> {
    subject: &'a Subject,
    case: &'static RecordedExchange,
    documented: &'a DocumentedResponse,
    body: Value,
}

impl ResponseVariants<'_> {
    fn read(&self, status: u16, body: impl Into<Bytes>) -> Result<(Response, DecodedResponse), CaseFailure> {
        let Some(recorded) = &self.case.response else {
            return Err(CaseFailure::harness("the fixture has no response"));
        };
        let mut response = convert_exchange::response_with(recorded, body)?;
        response.status =
            http::StatusCode::from_u16(status).map_err(|error| CaseFailure::harness(error.to_string()))?;
        let seen = DecodedResponse::read(&**self.subject.dialect(), self.case, &response)?;
        seen.map(|seen| (response, seen)).ok_or_else(|| CaseFailure::harness("no adapter reads responses of this kind"))
    }

    fn status(&self) -> u16 {
        self.documented.response.status.as_u16()
    }

    fn is_create(&self) -> bool {
        self.case.operation == OperationKind::Create
    }

    /// The wrapped error as the adapter reads it.
    fn plain(&self) -> Result<(ErrorKind, Option<String>), CaseFailure> {
        let (_, seen) = self.read(self.status(), self.body.to_string())?;
        let error = seen.error().ok_or_else(|| CaseFailure::new(format!("expected an error, saw {}", seen.name())))?;
        Ok((error.kind(), error.code().map(str::to_owned)))
    }

    /// Status 200 with an error inside: an error with an unknown charge.
    fn as_success(&self) -> Result<(), CaseFailure> {
        let (response, seen) = self.read(200, self.body.to_string())?;
        let mut d = Differences::default();
        match seen.error() {
            Some(error) => {
                d.same("error.code", &self.plain()?.1.as_deref(), &error.code());
                keeps_body(&mut d, "body", error, &response.body);
                if self.is_create() {
                    cautious(&mut d, error, &response);
                }
            }
            None => d.holds(false, || format!("expected an error, saw {}", seen.name())),
        }
        d.into_result()
    }

    /// `{"code": …}` in place of `{"error": {"code": …}}` is the same error.
    fn unwrapped(&self) -> Result<(), CaseFailure> {
        let Some(inner @ Value::Object(_)) = self.body.get("error") else { return Ok(()) };
        let (response, seen) = self.read(self.status(), inner.to_string())?;
        let (kind, code) = self.plain()?;
        let mut d = Differences::default();
        match seen.error() {
            Some(error) => {
                d.same("error.kind", &kind, &error.kind());
                d.same("error.code", &code.as_deref(), &error.code());
                keeps_body(&mut d, "body", error, &response.body);
            }
            None => d.holds(false, || format!("expected an error, saw {}", seen.name())),
        }
        d.into_result()
    }

    fn unknown_code(&self) -> Result<(), CaseFailure> {
        if self.body.pointer("/error/code").is_none() {
            return Ok(());
        }
        let body = with(&self.body, "/error/code", |_| json!("CodeThatNobodyKnows"));
        let (response, seen) = self.read(self.status(), body.to_string())?;
        let mut d = Differences::default();
        match seen.error() {
            Some(error) => {
                d.same("error.code", &Some("CodeThatNobodyKnows"), &error.code());
                if self.is_create() {
                    cautious(&mut d, error, &response);
                }
            }
            None => d.holds(false, || format!("expected an error, saw {}", seen.name())),
        }
        d.into_result()
    }

    /// Half of a success that claims to be whole: an error, or no more than what had arrived.
    fn truncated(&self) -> Result<(), CaseFailure> {
        let whole = self.body.to_string();
        let steps = (whole.len() / 64).max(1);
        let mut d = Differences::default();
        for at in (0..whole.len()).filter(|at| whole.is_char_boundary(*at)).step_by(steps) {
            let (response, seen) = self.read(self.status(), whole[..at].to_owned())?;
            match seen.error() {
                Some(error) => {
                    keeps_body(&mut d, &format!("at byte {at}"), error, &response.body);
                    if self.is_create() {
                        cautious(&mut d, error, &response);
                    }
                }
                None => {
                    let images = match &seen {
                        DecodedResponse::Generation(generation) => generation.images().count(),
                        _ => 0,
                    };
                    let named = self.documented.names_every_image();
                    let most = if named { self.documented.named_in(&whole[..at]) } else { usize::MAX };
                    d.holds(images <= most, || format!("at byte {at}: {most} images arrived, {images} were read"));
                }
            }
        }
        d.into_result()
    }

    /// Every leaf with a value of every other type: no panic, and images do not depend on what stands beside them.
    fn other_types(&self) -> Result<(), CaseFailure> {
        let others =
            [Value::Null, json!(true), json!(-1.5), json!("x"), json!([1]), json!({"a": {"b": 1}}), json!(1e300)];
        let mut d = Differences::default();
        for leaf in leaves(&self.body) {
            for other in &others {
                let body = with(&self.body, &leaf, |_| other.clone());
                let (response, seen) = self.read(self.status(), body.to_string())?;
                let name = || format!("{leaf} = {other}");
                let error = seen.error();
                if let Some(error) = error.filter(|_| self.is_create()) {
                    cautious(&mut d, error, &response);
                    keeps_body(&mut d, &name(), error, &response.body);
                }
                if let DocumentedCharge::Images(count) = self.documented.charge
                    && self.is_create()
                    && self.documented.names_every_image()
                    && self.is_beside_images(&leaf)
                {
                    let images = match &seen {
                        DecodedResponse::Generation(generation) => generation.images().count(),
                        _ => 0,
                    };
                    d.holds(images == count, || format!("{}: {count} images came, {} was read", name(), seen.name()));
                }
            }
        }
        d.into_result()
    }

    /// Whether a leaf is no part of what names an image, or says that there is no image.
    fn is_beside_images(&self, leaf: &str) -> bool {
        let names_one = self.body.pointer(leaf).and_then(Value::as_str).is_some_and(|text| text.starts_with("http"));
        !names_one && !leaf.contains("error") && !leaf.ends_with("/url") && !leaf.ends_with("/b64_json")
    }
}
