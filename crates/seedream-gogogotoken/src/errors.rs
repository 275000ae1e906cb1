//! What the error codes of document 000 mean. Its table is by status, which is understood without a code; the codes are those of
//! Ark and of the gateway before it.

use seedream_core::ErrorKind;
use seedream_wire::codes;

pub(crate) fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    match code {
        // "Parameter invalid, such as a size that is too small": leave `size` out, or take 1920x1920 or more.
        "InvalidParameter" => Some(ErrorKind::InvalidRequest),
        _ => codes::ark(code).or_else(|| codes::new_api(code)),
    }
}
