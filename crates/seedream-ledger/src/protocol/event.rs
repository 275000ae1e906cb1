//! What happens to a line, and what follows from it.

use std::fmt;

use seedream_core::Charge;

/// Something that happens to a purchase of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineEvent {
    /// The purchase, from 1.
    pub purchase: u32,
    /// What happens.
    pub action: Action,
}

/// What happens. Attempts are counted from 1; times are seconds of one clock that all workers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A worker becomes the holder, and the epoch increases.
    Take {
        /// The worker.
        worker: u64,
    },
    /// The holder is gone: its process ended, it dropped the purchase, or it was not seen for too long.
    Lost {
        /// Its epoch.
        epoch: u64,
        /// Whether it is known that it waits for no response any more.
        is_over: bool,
    },
    /// The holder is about to buy.
    Reserve {
        /// Its epoch.
        epoch: u64,
        /// The most that the attempt can cost, in millionths of the budget's unit.
        hold: i64,
        /// What is left of the budget; `None` without one.
        left: Option<i64>,
    },
    /// The holder sends what it reserved.
    Send {
        /// Its epoch.
        epoch: u64,
        /// The time.
        now: i64,
        /// How long the request may take, in seconds.
        deadline: i64,
    },
    /// The holder goes without sending what it reserved.
    Release {
        /// Its epoch.
        epoch: u64,
    },
    /// Evidence: no byte of the request left. Only who sends an attempt can say that: a worker whose COMMIT was lost does not know
    /// whether the attempt of this number became its own.
    NotSent {
        /// The attempt.
        attempt: u32,
        /// The epoch in which it was to be sent.
        epoch: u64,
    },
    /// Evidence: the attempt ended without an image and without a task.
    Refused {
        /// The attempt.
        attempt: u32,
        /// Whether it may have been billed.
        charge: Charge,
    },
    /// Evidence: the attempt is a task.
    Accepted {
        /// The attempt.
        attempt: u32,
    },
    /// Evidence: images came.
    Answered {
        /// The attempt.
        attempt: u32,
        /// Whether they were billed.
        charge: Charge,
        /// What was billed, in millionths of the budget's unit.
        billed: i64,
    },
    /// Every image that came is saved.
    Saved {
        /// The attempt.
        attempt: u32,
    },
    /// The job of the purchase ended.
    Ended {
        /// The attempt that it was about.
        attempt: u32,
        /// The epoch of who ended it.
        epoch: u64,
        /// Whether it was billed.
        charge: Charge,
        /// Whether an image was saved.
        has_images: bool,
        /// Whether something is left to be collected.
        is_left: bool,
    },
    /// A person decides about an attempt of unknown outcome.
    Resolve {
        /// The attempt.
        attempt: u32,
        /// The decision.
        verdict: Verdict,
        /// The time.
        now: i64,
        /// Whether the person insists, although the request may still be under way.
        is_forced: bool,
        /// What is left of the budget; `None` without one.
        left: Option<i64>,
    },
    /// A person does not want the purchase any more.
    Cancel,
    /// A person wants to try again what ended and cost nothing.
    Retry,
}

/// What a person says about an attempt of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It was billed.
    Paid,
    /// It was not billed.
    NotPaid,
    /// It is not known, and it is bought again, maybe twice.
    Again,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 3] = [Self::Paid, Self::NotPaid, Self::Again];

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::NotPaid => "not_paid",
            Self::Again => "again",
        }
    }

    /// The verdict of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == name)
    }
}

/// What a store does beside writing the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineEffect {
    /// The budget changes by these amounts, in the same transaction.
    Budget {
        /// Change of what is held.
        held: i64,
        /// Change of what was billed.
        billed: i64,
    },
    /// The first byte of this attempt may leave once the transaction is on disk.
    MaySend {
        /// The attempt.
        attempt: u32,
    },
}

/// Why an event is not legal. Nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Illegal {
    /// The line has no such purchase or attempt.
    NoSuch,
    /// Another worker holds the purchase.
    Held,
    /// Another worker has taken the purchase over.
    Fenced,
    /// An earlier attempt bought the purchase, or may have.
    Bought,
    /// The budget has no room.
    Budget {
        /// What was to be held.
        hold: i64,
        /// What is left.
        left: i64,
    },
    /// The request may still be under way.
    TooEarly {
        /// From when on a person may decide.
        at: i64,
    },
    /// The state does not allow it.
    State,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuch => "there is no such purchase or attempt",
            Self::Held => "another worker holds it",
            Self::Fenced => "another worker has taken it over",
            Self::Bought => "it was bought already, or may have been",
            Self::Budget { .. } => "the budget has no room for it",
            Self::TooEarly { .. } => "its request may still be under way",
            Self::State => "its state does not allow that",
        })
    }
}

impl std::error::Error for Illegal {}
