//! The decoder of one provider's responses, and the meaning of statuses and codes.

use std::time::Duration;

use http::StatusCode;
use seedream_core::{Error, ErrorKind, Generation, ModelId, Response, Timestamp};
use serde_json::{Map, Value};

use crate::{
    Failure,
    usage::{usage, whole},
};

/// Decodes the responses to one request, in any shape of the family.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The requested model.
    pub model: ModelId,
    /// The meaning of a status and a code at this provider (the code is empty if absent or equal to the status); `None` if unknown.
    pub kind_of: fn(u16, &str) -> Option<ErrorKind>,
    /// The lifetime of a result URL without an expiry parameter, from the creation of its image.
    pub lifetime: Option<Duration>,
}

impl Reader {
    /// The metadata of a response.
    pub(crate) fn facts(&self, layers: &[&Map<String, Value>], response: &Response) -> Generation {
        let mut generation = Generation::new(self.model.clone());
        for layer in layers {
            generation.reported_model =
                generation.reported_model.or_else(|| layer.get("model").and_then(Value::as_str).map(str::to_owned));
            generation.created = generation.created.or_else(|| created(layer));
            if generation.usage.is_empty() {
                generation.usage = usage(layer.get("usage"));
            }
        }
        generation.request_id = response.request_id();
        generation.raw = response.body.clone();
        generation
    }

    /// The meaning of a status and a code; a code that is a status means that status.
    pub(crate) fn kind(&self, status: u16, code: Option<&str>) -> Option<ErrorKind> {
        let code = code?;
        let stated = code.parse().ok().filter(|stated| (400..600).contains(stated));
        match stated {
            Some(stated) => (self.kind_of)(stated, "").or_else(|| StatusCode::from_u16(stated).ok().map(by_status)),
            None => (self.kind_of)(status, code),
        }
    }

    /// The error of a response, classified by its code, or by its status if the code is unknown.
    pub fn error(&self, response: &Response) -> Error {
        let failure = Failure::of(response);
        let status = response.status;
        let known = if status.is_success() {
            self.kind(status.as_u16(), failure.code.as_deref())
        } else {
            let code = failure.code.as_deref().filter(|code| *code != status.as_str()).unwrap_or_default();
            (self.kind_of)(status.as_u16(), code)
        };
        let kind = known.unwrap_or_else(|| by_status(status));
        let message = if status.is_redirection() {
            let place = response.header("location").unwrap_or("an unknown address");
            format!(
                "the response redirects to {place}: billable requests do not follow redirects, so set the base URL to the new address"
            )
        } else {
            failure.message
        };
        Error::from_response(kind, message, response)
            .with_code_and_param(failure.code, failure.param)
            .with_request_id(response.request_id().or(failure.request_id))
    }
}

/// Adds the head of the response to an error of its body.
pub(crate) fn with_head(error: Error, response: &Response) -> Error {
    let id = error.request_id().map(str::to_owned).or_else(|| response.request_id());
    error.with_request_id(id).with_body(response.body.clone())
}

/// `created` (Ark and its relays) or `created_at` (OpenAI), in seconds.
pub(crate) fn created(body: &Map<String, Value>) -> Option<Timestamp> {
    let seconds = ["created", "created_at"].into_iter().find_map(|name| body.get(name).and_then(whole))?;
    Timestamp::from_unix_seconds(i64::try_from(seconds).ok()?)
}

/// The meaning of a status without a known code.
pub(crate) fn by_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        300..=399 => ErrorKind::Config,
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Balance,
        403 => ErrorKind::PermissionDenied,
        404 | 405 | 501 => ErrorKind::Unsupported,
        408 | 499 | 504 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    }
}
