//! What the codes of Ark mean, and those of the relays that doc.aimanyi.top/api-349230272 is published by.

use seedream_core::ErrorKind;
use seedream_wire::codes;

pub(crate) fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    codes::ark(code).or_else(|| codes::new_api(code))
}
