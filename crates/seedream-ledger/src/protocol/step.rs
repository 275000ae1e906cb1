//! The function that says what may happen.

use seedream_core::Charge;

use super::{
    event::{Action, Illegal, LineEffect, LineEvent, Verdict},
    line::{AttemptRow, Line, Purchase},
    state::LineState,
};

/// How long after its deadline an attempt may be decided about while its worker may be alive, in seconds.
pub const WAIT_BEYOND_DEADLINE: i64 = 60;

/// Applies an event.
///
/// # Errors
/// [`Illegal`]; evidence of an attempt that was sent is never illegal.
pub fn step(line: &Line, event: &LineEvent) -> Result<(Line, Vec<LineEffect>), Illegal> {
    let mut next = line.clone();
    let purchase = at(&mut next.purchases, event.purchase)?;
    let (held, billed) = account(purchase);
    let mut effects = Vec::new();
    match event.action {
        Action::Take { worker } => {
            if purchase.holder.is_some() {
                return Err(Illegal::Held);
            }
            purchase.holder = Some(worker);
            purchase.epoch += 1;
        }
        Action::Lost { epoch, is_over } => {
            purchase.fence(epoch)?;
            purchase.holder = None;
            for attempt in purchase.attempts.iter_mut().filter(|attempt| attempt.state == LineState::Sent) {
                (attempt.state, attempt.charge, attempt.is_lost) = (LineState::Unknown, Charge::Unknown, is_over);
            }
            let is_bought = !purchase.attempts.iter().all(AttemptRow::is_closed);
            purchase.is_over |= is_bought && purchase.attempts.iter().all(AttemptRow::is_at_end);
        }
        Action::Reserve { epoch, hold, left } => {
            purchase.fence(epoch)?;
            purchase.reserve(hold, left)?;
        }
        Action::Send { epoch, now, deadline } => {
            purchase.fence(epoch)?;
            if !purchase.may_try() {
                return Err(Illegal::Bought);
            }
            let number = count(purchase);
            let Some(attempt) = purchase.attempts.last_mut().filter(|last| last.state == LineState::Reserved) else {
                return Err(Illegal::State);
            };
            (attempt.state, attempt.charge) = (LineState::Sent, Charge::Unknown);
            (attempt.epoch, attempt.sent_at, attempt.deadline) = (epoch, Some(now), deadline);
            effects.push(LineEffect::MaySend { attempt: number });
        }
        Action::Release { epoch } => {
            purchase.fence(epoch)?;
            if purchase.attempts.iter().any(|attempt| attempt.state == LineState::Sent) {
                return Err(Illegal::State);
            }
            purchase.holder = None;
            purchase.cancel_reserved();
        }
        Action::NotSent { attempt, epoch } => {
            let row = at(&mut purchase.attempts, attempt)?;
            if row.epoch == epoch {
                row.not_sent();
            }
        }
        Action::Refused { attempt, charge } => at(&mut purchase.attempts, attempt)?.refused(charge),
        Action::Accepted { attempt } => {
            if at(&mut purchase.attempts, attempt)?.arrived(LineState::Accepted)? {
                purchase.reopen();
            }
        }
        Action::Answered { attempt, charge, billed } => {
            let row = at(&mut purchase.attempts, attempt)?;
            let is_first = row.arrived(LineState::Answered)?;
            row.charge = if is_first { charge } else { row.charge.max(charge) };
            row.billed = row.billed.max(billed);
            if is_first {
                purchase.reopen();
            }
        }
        Action::Saved { attempt } => {
            let row = at(&mut purchase.attempts, attempt)?;
            if row.state == LineState::Answered {
                row.state = LineState::Saved;
            }
        }
        Action::Ended { attempt, epoch, charge, has_images, is_left } => {
            let holds = purchase.fence(epoch).is_ok();
            let row = at(&mut purchase.attempts, attempt)?;
            // A fenced worker ends nothing: what it knows of a response is recorded already.
            if holds {
                row.ended(charge, has_images, is_left);
                purchase.holder = None;
                purchase.cancel_reserved();
                purchase.is_over = purchase.attempts.iter().all(AttemptRow::is_at_end);
            }
        }
        Action::Resolve { attempt, verdict, now, is_forced, left } => {
            purchase.resolve(attempt, verdict, now, is_forced, left)?;
        }
        Action::Cancel => {
            let may = matches!(purchase.state(), LineState::Planned | LineState::Reserved);
            if purchase.holder.is_some() {
                return Err(Illegal::Held);
            }
            if !may {
                return Err(Illegal::State);
            }
            purchase.cancel_reserved();
            purchase.is_over = true;
        }
        Action::Retry => {
            let ended = matches!(purchase.state(), LineState::Failed | LineState::Cancelled);
            if !ended || !purchase.attempts.iter().all(AttemptRow::is_closed) {
                return Err(Illegal::State);
            }
            purchase.is_over = false;
        }
    }
    let after = account(purchase);
    if after != (held, billed) {
        effects.push(LineEffect::Budget { held: after.0 - held, billed: after.1 - billed });
    }
    Ok((next, effects))
}

fn at<T>(all: &mut [T], number: u32) -> Result<&mut T, Illegal> {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| all.get_mut(index)).ok_or(Illegal::NoSuch)
}

fn count(purchase: &Purchase) -> u32 {
    u32::try_from(purchase.attempts.len()).unwrap_or(u32::MAX)
}

fn account(purchase: &Purchase) -> (i64, i64) {
    let accounts = purchase.attempts.iter().map(AttemptRow::account);
    accounts.fold((0, 0), |sum, one| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1)))
}

impl Purchase {
    fn fence(&self, epoch: u64) -> Result<(), Illegal> {
        if self.holder.is_some() && self.epoch == epoch { Ok(()) } else { Err(Illegal::Fenced) }
    }

    fn reserve(&mut self, hold: i64, left: Option<i64>) -> Result<(), Illegal> {
        if !self.may_try() {
            return Err(Illegal::Bought);
        }
        let reserved = self.attempts.last_mut().filter(|last| last.state == LineState::Reserved);
        let more = hold.saturating_sub(reserved.as_ref().map_or(0, |reserved| reserved.hold));
        // A reservation that stands as it is needs no more room, even where others were billed above what they held.
        if let Some(left) = left.filter(|left| more > *left && (more > 0 || reserved.is_none())) {
            return Err(Illegal::Budget { hold, left });
        }
        match reserved {
            Some(reserved) => reserved.hold = hold,
            None => self.attempts.push(AttemptRow::reserved(hold)),
        }
        Ok(())
    }

    /// Something is to be collected, whatever was decided before, and nothing else is bought.
    fn reopen(&mut self) {
        self.is_over = false;
        self.cancel_reserved();
    }

    fn cancel_reserved(&mut self) {
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.state == LineState::Reserved) {
            attempt.state = LineState::Cancelled;
        }
    }

    fn resolve(
        &mut self,
        number: u32,
        verdict: Verdict,
        now: i64,
        is_forced: bool,
        left: Option<i64>,
    ) -> Result<(), Illegal> {
        let attempt = at(&mut self.attempts, number)?;
        let is_open =
            attempt.state == LineState::Sent || (attempt.state == LineState::Unknown && attempt.verdict.is_none());
        if !is_open {
            return Err(Illegal::State);
        }
        let sent_at = attempt.sent_at.unwrap_or(i64::MAX);
        let ready = sent_at.saturating_add(attempt.deadline).saturating_add(WAIT_BEYOND_DEADLINE);
        if !(attempt.is_lost || is_forced || now >= ready || verdict == Verdict::Paid) {
            return Err(Illegal::TooEarly { at: ready });
        }
        let hold = attempt.hold;
        attempt.verdict = Some(verdict);
        match verdict {
            Verdict::Paid => attempt.fail(Charge::Yes),
            Verdict::NotPaid => attempt.fail(Charge::No),
            Verdict::Again => {
                if let Some(left) = left.filter(|left| hold > *left) {
                    return Err(Illegal::Budget { hold, left });
                }
                (attempt.state, attempt.charge) = (LineState::Unknown, Charge::Unknown);
                self.attempts.push(AttemptRow::reserved(hold));
            }
        }
        // The worker that held it may still record what comes, and sends nothing more.
        self.holder = None;
        self.epoch += 1;
        self.is_over = self.attempts.iter().all(AttemptRow::is_at_end);
        Ok(())
    }
}

impl AttemptRow {
    fn is_at_end(&self) -> bool {
        matches!(self.state, LineState::Settled | LineState::Failed | LineState::Cancelled)
            || (self.state == LineState::Unknown && self.verdict.is_some())
    }

    fn fail(&mut self, charge: Charge) {
        (self.state, self.charge) = (LineState::Failed, charge);
        self.billed = if charge == Charge::No { 0 } else { self.billed.max(self.hold) };
    }

    fn not_sent(&mut self) {
        match self.state {
            LineState::Sent | LineState::Unknown => {
                self.is_conflict |= self.verdict == Some(Verdict::Again);
                self.fail(Charge::No);
            }
            LineState::Failed if self.charge != Charge::No && self.verdict.is_some() => {
                self.is_conflict = true;
                self.fail(Charge::No);
            }
            // It says nothing new, or less than what is on record.
            _ => {}
        }
    }

    fn refused(&mut self, charge: Charge) {
        match (self.state, charge) {
            (LineState::Sent | LineState::Accepted, Charge::Unknown) => {
                (self.state, self.charge) = (LineState::Unknown, Charge::Unknown);
            }
            (LineState::Sent | LineState::Accepted | LineState::Unknown, Charge::No | Charge::Yes) => {
                self.is_conflict |= self.verdict == Some(Verdict::Again);
                self.fail(charge);
            }
            (LineState::Failed, Charge::Yes) if self.charge != Charge::Yes => {
                self.is_conflict = true;
                self.fail(Charge::Yes);
            }
            (LineState::Failed, Charge::No) if self.charge != Charge::No && self.verdict.is_some() => {
                self.is_conflict = true;
                self.fail(Charge::No);
            }
            _ => {}
        }
    }

    /// A task or images. Says whether the state changed.
    fn arrived(&mut self, state: LineState) -> Result<bool, Illegal> {
        match self.state {
            LineState::Planned | LineState::Reserved | LineState::Cancelled => return Err(Illegal::State),
            LineState::Answered | LineState::Saved | LineState::Settled => return Ok(false),
            LineState::Accepted if state == LineState::Accepted => return Ok(false),
            LineState::Failed => (self.is_conflict, self.billed) = (true, 0),
            _ => self.is_conflict |= self.verdict.is_some(),
        }
        (self.state, self.charge) = (state, Charge::Unknown);
        Ok(true)
    }

    fn ended(&mut self, charge: Charge, has_images: bool, is_left: bool) {
        match self.state {
            // Without a word of what became of it, it may have been billed.
            LineState::Sent if charge != Charge::Yes => {
                (self.state, self.charge) = (LineState::Unknown, Charge::Unknown);
            }
            LineState::Sent => self.fail(Charge::Yes),
            LineState::Accepted if !is_left => self.refused(charge),
            LineState::Answered | LineState::Saved if !is_left => {
                let charge = self.charge.max(charge);
                if has_images || self.state == LineState::Saved {
                    (self.state, self.charge) = (LineState::Settled, charge);
                } else if charge == Charge::No {
                    // A response without an image that the provider does not bill.
                    self.fail(Charge::No);
                } else {
                    (self.state, self.charge) = (LineState::Failed, Charge::Yes);
                }
            }
            _ => {}
        }
    }
}
