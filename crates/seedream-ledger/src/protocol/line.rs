//! A line, as a store keeps it.

use seedream_core::Charge;

use super::{event::Verdict, state::LineState};

/// A line of a batch: one job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line {
    /// Its purchases; the first has the number 1.
    pub purchases: Vec<Purchase>,
}

/// One purchase of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Purchase {
    /// Who works on it.
    pub holder: Option<u64>,
    /// How often it was taken or decided about.
    pub epoch: u64,
    /// Whether nothing more is done about it.
    pub is_over: bool,
    /// Its attempts; the first has the number 1.
    pub attempts: Vec<AttemptRow>,
}

/// One attempt of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttemptRow {
    /// Its state, which is never [`LineState::Planned`].
    pub state: LineState,
    /// Whether it was billed.
    pub charge: Charge,
    /// The most that it can cost, in millionths of the budget's unit.
    pub hold: i64,
    /// What was billed.
    pub billed: i64,
    /// The epoch in which it was sent.
    pub epoch: u64,
    /// When it was sent.
    pub sent_at: Option<i64>,
    /// How long its request may take, in seconds.
    pub deadline: i64,
    /// Whether its worker is known to have gone while it was sent.
    pub is_lost: bool,
    /// What a person decided.
    pub verdict: Option<Verdict>,
    /// Whether evidence contradicts what was decided or recorded before.
    pub is_conflict: bool,
}

impl Line {
    /// A line of so many purchases.
    pub fn new(purchases: u32) -> Self {
        Self { purchases: (0..purchases).map(|_| Purchase::default()).collect() }
    }

    /// The state that asks for the most attention among its purchases.
    pub fn state(&self) -> LineState {
        use LineState::{Accepted, Answered, Cancelled, Failed, Planned, Reserved, Saved, Sent, Settled, Unknown};
        let order = [Unknown, Sent, Accepted, Answered, Saved, Reserved, Planned, Failed, Settled, Cancelled];
        let has = |state: &LineState| self.purchases.iter().any(|purchase| purchase.state() == *state);
        order.into_iter().find(has).unwrap_or(Planned)
    }
}

impl Purchase {
    /// Its state.
    pub fn state(&self) -> LineState {
        let has = |state| self.attempts.iter().any(|attempt| attempt.state == state);
        let first = [LineState::Answered, LineState::Saved, LineState::Accepted, LineState::Sent, LineState::Reserved];
        if let Some(state) = first.into_iter().find(|state| has(*state)) {
            return state;
        }
        if self.attempts.iter().any(|attempt| attempt.state == LineState::Unknown && attempt.verdict.is_none()) {
            return LineState::Unknown;
        }
        if has(LineState::Settled) {
            return LineState::Settled;
        }
        if self.attempts.iter().any(|attempt| attempt.state == LineState::Failed && !attempt.is_closed()) {
            return LineState::Failed;
        }
        match (self.is_over, has(LineState::Failed) || has(LineState::Unknown)) {
            (false, _) => LineState::Planned,
            (true, true) => LineState::Failed,
            (true, false) => LineState::Cancelled,
        }
    }

    /// Whether it was billed, as far as that is known.
    pub fn charge(&self) -> Charge {
        self.attempts.iter().map(|attempt| attempt.charge).max().unwrap_or(Charge::No)
    }

    /// The attempt that is to be collected, from 1: the one that is nearest to its end.
    pub fn collectable(&self) -> Option<u32> {
        let states = [LineState::Saved, LineState::Answered, LineState::Accepted];
        let position = |state| self.attempts.iter().position(|attempt| attempt.state == state);
        let found = states.into_iter().find_map(position)?;
        u32::try_from(found + 1).ok()
    }

    /// Whether every attempt ended and cost nothing, or a person allowed the next: another may be sent.
    pub fn may_try(&self) -> bool {
        let open = |attempt: &AttemptRow| !attempt.is_closed() && attempt.state != LineState::Reserved;
        !self.is_over && !self.attempts.iter().any(open)
    }
}

impl AttemptRow {
    /// An attempt that is reserved.
    pub fn reserved(hold: i64) -> Self {
        Self {
            state: LineState::Reserved,
            charge: Charge::No,
            hold,
            billed: 0,
            epoch: 0,
            sent_at: None,
            deadline: 0,
            is_lost: false,
            verdict: None,
            is_conflict: false,
        }
    }

    /// Whether the next attempt may follow it.
    pub fn is_closed(&self) -> bool {
        match self.state {
            LineState::Cancelled => true,
            LineState::Failed => self.charge == Charge::No || self.verdict == Some(Verdict::Again),
            LineState::Unknown => self.verdict == Some(Verdict::Again),
            _ => false,
        }
    }

    /// Whether it may have been billed.
    pub fn may_be_billed(&self) -> bool {
        match self.state {
            LineState::Reserved | LineState::Cancelled => false,
            LineState::Failed => self.charge != Charge::No,
            _ => true,
        }
    }

    /// What it holds of the budget, and what it was billed.
    pub fn account(&self) -> (i64, i64) {
        match self.state {
            LineState::Settled => (0, self.billed),
            LineState::Failed if self.charge != Charge::No => (0, self.billed),
            LineState::Failed | LineState::Cancelled | LineState::Planned => (0, 0),
            _ => (self.hold.max(self.billed), 0),
        }
    }
}
