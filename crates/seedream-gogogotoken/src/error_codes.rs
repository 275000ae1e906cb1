//! The meaning of error codes, and the advice of docs.gogogotoken.ai/overseas/seedream-images for each status. Codes are those of Ark and
//! of the gateway in front of it.

use seedream_core::{Charge, Error, ErrorKind};
use seedream_wire::codes;

pub(crate) fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    codes::ark(code).or_else(|| codes::new_api(code))
}

/// Adds the page's advice (its table of error codes).
pub(crate) fn advise(error: Error) -> Error {
    let advice = match (error.status().map(|status| status.as_u16()), error.charge()) {
        (Some(400), _) if error.kind() == ErrorKind::InvalidRequest => {
            "leave the size out, or ask for 1920x1920 pixels or more"
        }
        (Some(401), _) => "check the API key, and that it is still active",
        (Some(403), _) => "check whether the key's group may use this model",
        (Some(429), _) => "send requests less often, or choose a larger plan",
        (Some(500..), Charge::No) => "try again later",
        (Some(500..), _) => "look at the log in the console, which shows what was billed, before trying again later",
        _ => return error,
    };
    error.with_advice(advice)
}
