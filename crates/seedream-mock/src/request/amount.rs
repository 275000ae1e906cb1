//! A number in a response, which a lossy relay writes as a text.

use serde::{Serialize, Serializer};

/// A number of `usage`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) value: u64,
    /// Whether it is written as a text.
    pub(crate) as_text: bool,
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.as_text { serializer.collect_str(&self.value) } else { serializer.serialize_u64(self.value) }
    }
}
