//! The laws by their names, and how much a case counts.

use std::fmt;

use seedream_fixtures::{EvidenceKind, FactSource};
use serde::{Deserialize, Serialize};

/// A law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Law {
    /// A request encodes to the documented one, without an undocumented member.
    Encode,
    /// A documented response is read as it is meant.
    Decode,
    /// Setting a field changes what is sent, or is refused, or is warned about.
    NothingDropped,
    /// Changing any leaf of a documented response changes what is read from it.
    NothingUnread,
    /// A request is bought at most once in any weather, and an error is never more optimistic than the wire.
    Money,
    /// What the document forbids is refused before anything is sent; what it allows is sent.
    Preflight,
    /// A task is collected in whatever way it ends, gently, and by another process too.
    Tasks,
    /// A stream gives what arrived, wherever it is cut and however it ends.
    Stream,
    /// A response that is not the provider's becomes the right kind of error, with its body kept.
    Weather,
    /// The key is sent in the header to its own endpoint, and appears nowhere else.
    Secrecy,
    /// A request has the same result as at any other provider, but for losses that are declared.
    Parity,
    /// The capabilities of an adapter are what the document says.
    Claims,
    /// Images are delivered in whatever shape they come, and what was not read whole is never called free or complete.
    Crooked,
}

impl Law {
    /// All laws.
    pub const ALL: [Self; 13] = [
        Self::Encode,
        Self::Decode,
        Self::NothingDropped,
        Self::NothingUnread,
        Self::Money,
        Self::Preflight,
        Self::Tasks,
        Self::Stream,
        Self::Weather,
        Self::Secrecy,
        Self::Parity,
        Self::Claims,
        Self::Crooked,
    ];

    /// The name, as in the names of cases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Decode => "decode",
            Self::NothingDropped => "nothing_dropped",
            Self::NothingUnread => "nothing_unread",
            Self::Money => "money",
            Self::Preflight => "preflight",
            Self::Tasks => "tasks",
            Self::Stream => "stream",
            Self::Weather => "weather",
            Self::Secrecy => "secrecy",
            Self::Parity => "parity",
            Self::Claims => "claims",
            Self::Crooked => "crooked",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much a case counts. It follows from the evidence for the fact: a derived fact gates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequirementLevel {
    /// A law without a fact, or a fact that is documented, observed, or stated by the user.
    Must,
    /// A fact that another public page states.
    Should,
    /// A derived fact: its failure is reported, and gates nothing.
    May,
}

impl RequirementLevel {
    pub(crate) fn of(source: Option<&FactSource>) -> Self {
        match source.map(|source| source.kind) {
            None | Some(EvidenceKind::Documented | EvidenceKind::Observed | EvidenceKind::User) => Self::Must,
            Some(EvidenceKind::Published) => Self::Should,
            Some(EvidenceKind::Derived) => Self::May,
        }
    }

    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
        }
    }
}
