//! Warnings: what a user did not ask for and should know.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Field, stored::known};

/// Something that happens differently from what the request says, or may.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Warning {
    /// What kind of thing.
    pub kind: WarningKind,
    /// The field of the request that it is about.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    /// One sentence for a person.
    pub message: String,
}

/// The kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// Nobody here knows this model: its rules were not checked.
    UnknownModel,
    /// The provider ignores this field.
    Ignored,
    /// The request was put into other words for this provider.
    Rewritten,
    /// A refused field was left out (lenient checking).
    LeftOut,
    /// A rule is broken, and the request was sent all the same (lenient checking, or none).
    Violated,
    /// A document advises against it.
    Advice,
    /// It may cost more images than the request counts, or did.
    Cost,
    /// The provider will make fewer images than asked for.
    Truncated,
    /// The response was cut off: what had arrived was kept.
    Incomplete,
    /// The response holds something that could not be read.
    Unreadable,
    /// An image is not as large as the response says, or as was asked for.
    OtherSize,
    /// Another provider was asked first and did not take the request.
    FellBack,
    /// The response is not quite JSON and was repaired.
    Repaired,
    /// Something stood in a place, or was said in a word, that the provider's document does not have.
    Undocumented,
    /// The same image came more than once and is delivered once.
    Repeated,
    /// The provider bills more images than it delivered.
    BilledMore,
    /// The provider bills fewer images than it delivered.
    BilledFewer,
    /// Something beside the images could not be written on this machine.
    NotKept,
    /// A stored warning of a kind that this version does not know.
    #[serde(other)]
    Other,
}

impl Warning {
    /// A warning about a field.
    pub fn new(kind: WarningKind, field: impl Into<Option<Field>>, message: impl Into<String>) -> Self {
        Self { kind, field: field.into(), message: message.into() }
    }
}

impl WarningKind {
    /// The stored form, such as `left_out`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownModel => "unknown_model",
            Self::Ignored => "ignored",
            Self::Rewritten => "rewritten",
            Self::LeftOut => "left_out",
            Self::Violated => "violated",
            Self::Advice => "advice",
            Self::Cost => "cost",
            Self::Truncated => "truncated",
            Self::Incomplete => "incomplete",
            Self::Unreadable => "unreadable",
            Self::OtherSize => "other_size",
            Self::FellBack => "fell_back",
            Self::Repaired => "repaired",
            Self::Undocumented => "undocumented",
            Self::Repeated => "repeated",
            Self::BilledMore => "billed_more",
            Self::BilledFewer => "billed_fewer",
            Self::NotKept => "not_kept",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
