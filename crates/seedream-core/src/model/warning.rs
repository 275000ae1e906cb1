//! Warnings about deviations from a request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Field, stored::known};

/// An actual or possible deviation from the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Warning {
    /// The kind of warning.
    pub kind: WarningKind,
    /// The field of the request that it concerns.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    /// The message: one sentence.
    pub message: String,
}

/// The kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// The model is unknown: its rules were not checked.
    UnknownModel,
    /// The provider ignores this field.
    Ignored,
    /// A value was rewritten for this provider.
    Rewritten,
    /// A refused field was omitted (lenient checking).
    LeftOut,
    /// A rule is violated, and the request was sent nevertheless (checking is lenient or off).
    Violated,
    /// The provider's documentation advises against the value.
    Advice,
    /// More images than requested may be billed, or were.
    Cost,
    /// The provider will make fewer images than requested.
    Truncated,
    /// The response is truncated: the part that arrived was kept.
    Incomplete,
    /// A part of the response could not be decoded.
    Unreadable,
    /// An image has a different size than the response states, or than requested.
    OtherSize,
    /// Another provider refused the request first.
    FellBack,
    /// The response is not valid JSON and was repaired.
    Repaired,
    /// The response uses a member or a word that the provider does not document.
    Undocumented,
    /// The same image arrived more than once and is delivered once.
    Repeated,
    /// The provider bills more images than it delivered.
    BilledMore,
    /// The provider bills fewer images than it delivered.
    BilledFewer,
    /// A file other than an image could not be written.
    NotKept,
    /// A stored warning of an unknown kind.
    #[serde(other)]
    Other,
}

impl Warning {
    /// Creates a warning.
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
