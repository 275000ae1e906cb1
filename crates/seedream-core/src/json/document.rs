//! A JSON value, and how well it was written.

use serde_json::Value;

/// One JSON value, and how well it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The value. What was cut in the middle is left out; every member and element before it is kept.
    pub value: Value,
    /// Whether the text ended before the value did.
    pub cut: bool,
    /// Whether the text is not quite JSON and had to be repaired.
    pub repaired: bool,
    /// Whether the text has so many values that some were read and not kept.
    pub omitted: bool,
    /// How many bytes of the text the value takes, blanks before it included.
    pub length: usize,
}

impl Document {
    /// Whether the value is exactly what the text says.
    pub fn is_exact(&self) -> bool {
        !self.cut && !self.repaired && !self.omitted
    }
}
