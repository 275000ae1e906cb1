//! The prompt and the optional fields.

use serde::{Deserialize, Serialize};

use crate::{Field, Source};

/// What a prompt may be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PromptRule {
    /// The most characters that are advised; documents state it in tokens, so it is no rule of ours.
    pub advised_chars: Option<usize>,
    /// What there is to know about that number, such as two statements of it that differ.
    pub note: Option<&'static str>,
    /// Whether the document advises at most 300 Chinese characters or 600 English words.
    pub advised_length: bool,
    /// Where this was read.
    pub source: Source,
}

impl PromptRule {
    /// Any length.
    pub fn any(source: Source) -> Self {
        Self { advised_chars: None, note: None, advised_length: false, source }
    }

    /// Ark's advice on the length, which no provider enforces.
    pub fn advised(source: Source) -> Self {
        Self { advised_length: true, ..Self::any(source) }
    }

    /// At most about this many characters.
    pub fn at_most(chars: usize, source: Source) -> Self {
        Self { advised_chars: Some(chars), ..Self::any(source) }
    }
}

/// Whether a field has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// It does what it says.
    Honoured,
    /// It may be sent and changes nothing: always warned about.
    Ignored,
    /// The provider answers with an error: refused here.
    Refused,
}

/// The rule of one optional field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FieldRule {
    /// The field.
    pub field: Field,
    /// Whether it has an effect.
    pub support: Support,
    /// The values it may have, in their stored form; empty where any is allowed.
    pub values: Vec<&'static str>,
    /// The range of a number.
    pub range: Option<(f64, f64)>,
    /// Where the range was read, if not where the rest was.
    pub range_source: Option<Source>,
    /// What the provider takes where nothing is sent.
    pub default: Option<serde_json::Value>,
    /// A value that is said by sending nothing.
    pub unsaid: Option<serde_json::Value>,
    /// Where this was read.
    pub source: Source,
}

impl FieldRule {
    /// A field with an effect.
    pub fn honoured(field: Field, source: Source) -> Self {
        Self {
            field,
            support: Support::Honoured,
            values: Vec::new(),
            range: None,
            range_source: None,
            default: None,
            unsaid: None,
            source,
        }
    }

    /// A field that may be sent and changes nothing.
    pub fn ignored(field: Field, source: Source) -> Self {
        Self { support: Support::Ignored, ..Self::honoured(field, source) }
    }

    /// A field that the provider answers with an error.
    pub fn refused(field: Field, source: Source) -> Self {
        Self { support: Support::Refused, ..Self::honoured(field, source) }
    }

    /// Limits the values.
    #[must_use]
    pub fn one_of(mut self, values: &[&'static str]) -> Self {
        self.values = values.to_vec();
        self
    }

    /// Limits the range.
    #[must_use]
    pub fn within(mut self, least: f64, most: f64) -> Self {
        self.range = Some((least, most));
        self
    }

    /// States where the range was read, which the provider's own page does not name.
    #[must_use]
    pub fn range_from(mut self, source: Source) -> Self {
        self.range_source = Some(source);
        self
    }

    /// States a value that is said by sending nothing.
    #[must_use]
    pub fn unsaid(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.unsaid = Some(value.into());
        self
    }

    /// States the provider's default.
    #[must_use]
    pub fn default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}
