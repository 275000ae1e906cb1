//! The states, and the steps between them.

use std::fmt;

/// The state of an attempt, of a purchase or of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineState {
    /// Nothing was sent, and it is to be bought.
    Planned,
    /// What it may cost is held. Nothing was sent.
    Reserved,
    /// A POST may have left.
    Sent,
    /// The provider accepted it as a task, which is to be collected.
    Accepted,
    /// Images came, which are to be saved.
    Answered,
    /// The images are saved.
    Saved,
    /// The images are saved, and the bill is on record.
    Settled,
    /// It may have been billed, and nothing says more. A person decides.
    Unknown,
    /// It ended without an image; the charge says whether it was billed.
    Failed,
    /// It ended before anything was sent.
    Cancelled,
}

impl LineState {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::Reserved,
        Self::Sent,
        Self::Accepted,
        Self::Answered,
        Self::Saved,
        Self::Settled,
        Self::Unknown,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Reserved => "reserved",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Answered => "answered",
            Self::Saved => "saved",
            Self::Settled => "settled",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether an attempt in this state may enter another. Guards beyond the states are those of [`step`](super::step).
    pub const fn may_become(self, next: Self) -> bool {
        use LineState::{Accepted, Answered, Cancelled, Failed, Reserved, Saved, Sent, Settled, Unknown};
        matches!(
            (self, next),
            (Reserved, Sent | Cancelled)
                | (Sent, Accepted | Answered | Unknown | Failed)
                | (Unknown, Accepted | Answered | Failed)
                | (Accepted, Answered | Unknown | Failed)
                | (Answered, Saved | Settled | Failed)
                | (Saved, Settled)
                | (Failed, Accepted | Answered)
        )
    }

    /// Whether something is to be fetched that was paid for, or may have been.
    pub const fn is_collectable(self) -> bool {
        matches!(self, Self::Accepted | Self::Answered | Self::Saved)
    }
}

impl fmt::Display for LineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
