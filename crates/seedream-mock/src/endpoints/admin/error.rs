//! Errors of the admin API.

use serde_json::{Map, Value};

use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::mock_error;
use crate::response::script::Script;

/// Why a request to the admin API fails: a status, a code, and what to write instead.
#[derive(Debug)]
pub(crate) struct AdminError {
    status: u16,
    code: &'static str,
    message: String,
}

impl AdminError {
    /// The request is not valid.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// The route does not take this method.
    pub(crate) fn method(takes: &str) -> Self {
        Self { status: 405, code: "mock_bad_method", message: format!("this route takes {takes}") }
    }

    /// The named thing does not exist.
    pub(crate) fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 404, code, message: message.into() }
    }

    /// The result is no longer known.
    pub(crate) fn gone(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 409, code, message: message.into() }
    }

    /// The same as a script.
    pub(crate) fn script(&self) -> Script {
        Script::json(self.status, &mock_error(self.code, &self.message))
    }
}

impl From<AdminError> for EndpointResponse {
    fn from(refusal: AdminError) -> Self {
        Self::value(refusal.status, &mock_error(refusal.code, &refusal.message))
    }
}

/// A body that is a JSON object; an empty one has no members.
pub(crate) fn object(code: &'static str, body: &[u8], example: &str) -> Result<Map<String, Value>, AdminError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    serde_json::from_slice(body)
        .map_err(|error| AdminError::bad(code, format!("the body is not a JSON object ({error}); write {example}")))
}
