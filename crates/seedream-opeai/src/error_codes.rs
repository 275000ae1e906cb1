//! The meaning of error codes. The page documents none: they are classified as Ark's and as those of common gateways, which is an
//! assumption.

use seedream_core::ErrorKind;
use seedream_wire::codes;

pub(crate) fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    codes::ark(code).or_else(|| codes::new_api(code))
}
