//! The meaning of the error codes of Ark and of the relays of doc.aimanyi.top/api-349230272.

use seedream_core::ErrorKind;
use seedream_wire::codes;

pub(crate) fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    codes::ark(code).or_else(|| codes::new_api(code))
}
