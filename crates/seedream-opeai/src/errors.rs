//! What error codes mean here. The document names none: they are read as Ark's and as those of the usual gateways, which is our
//! guess.

use seedream_core::ErrorKind;
use seedream_wire::codes;

pub(crate) fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    codes::ark(code).or_else(|| codes::new_api(code))
}
