//! The meaning of errors, and the page's advice (docs.aioagi.tech/api-reference/endpoint/seedream, section "troubleshooting").

use seedream_core::{Error, ErrorKind};
use seedream_wire::codes;

pub(crate) fn kind_of(status: u16, code: &str) -> Option<ErrorKind> {
    match (status, code) {
        // "404 or model_not_found: look the model up in GET /models."
        (404, _) | (_, "model_not_found") => Some(ErrorKind::ModelNotFound),
        _ => codes::ark(code).or_else(|| codes::new_api(code)),
    }
}

/// Adds the page's advice.
pub(crate) fn advise(error: Error) -> Error {
    let status = error.status().map(|status| status.as_u16());
    let advice = match (status, error.kind()) {
        (Some(401), _) => "check the API key and the header `Authorization: Bearer sk-…`",
        (Some(403), _) => "check the balance, the quota of the token's group and its right to the model",
        (Some(404), _) | (_, ErrorKind::ModelNotFound) => {
            "look the model up with `seedream models --provider aiearth --live`"
        }
        (Some(400), ErrorKind::InvalidRequest) => {
            "check first whether the model takes this size, image, response_format and output_format"
        }
        _ => return error,
    };
    error.with_advice(advice)
}
