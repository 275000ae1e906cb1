//! What may happen next.

use seedream_core::Charge;
use seedream_ledger::protocol::{Action, AttemptRow, Illegal, LineEffect, LineEvent, LineState, Verdict, step};

use super::{
    DEADLINE, Evidence, GONE, Label, Life, MOST_ATTEMPTS, PRICE, Phase, Post, SEND_WITHIN, TICK, Variant, Work, Worker,
    World,
};

type Steps = Vec<(Label, World)>;

impl World {
    /// Everything that may happen next.
    pub(crate) fn steps(&self) -> Steps {
        let mut steps = Steps::new();
        for worker in 0..2 {
            self.life(worker, &mut steps);
            if self.workers[worker].life == Life::Running {
                match self.workers[worker].work {
                    None => self.find_work(worker, &mut steps),
                    Some(work) => self.go_on(worker, work, &mut steps),
                }
            }
        }
        self.person(&mut steps);
        if self.ticks > 0 {
            let mut next = self.clone();
            (next.now, next.ticks) = (self.now + TICK, self.ticks - 1);
            for worker in &mut next.workers {
                if let Life::Stopped { is_silent } = &mut worker.life {
                    *is_silent = true;
                }
            }
            steps.push((Label::of("time passes", None, None), next));
        }
        for (label, next) in &mut steps {
            next.count_anew();
            label.swaps = next.sort();
        }
        steps
    }

    fn faulty(&self) -> Option<Self> {
        (self.faults > 0).then(|| Self { faults: self.faults - 1, ..self.clone() })
    }

    /// Crash and start, stop and return, a jump of the clock. Where a worker has nothing to do, these change nothing.
    fn life(&self, at: usize, steps: &mut Steps) {
        let mut push = |kind, next: Self| {
            steps.push((Label::of(kind, Some(at), None), next));
        };
        let worker = self.workers[at];
        let set = |world: Self, worker: Worker| {
            let mut next = world;
            next.workers[at] = worker;
            next
        };
        if let Life::Stopped { .. } = worker.life {
            push("returns", set(self.clone(), Worker { life: Life::Running, ..worker }));
        }
        let Some(faulty) = self.faulty() else { return };
        if self.variant == Variant::LeaseByWorkersClock && !worker.has_jumped {
            push("sees its clock jump", set(faulty.clone(), Worker { has_jumped: true, ..worker }));
        }
        let Some(work) = worker.work else { return };
        if worker.life == Life::Running {
            push("stops", set(faulty.clone(), Worker { life: Life::Stopped { is_silent: false }, ..worker }));
            if matches!(work.phase, Phase::MaySend(_)) {
                // It says that it is too late.
                let work = Some(Work { phase: Phase::Has(Evidence::NotSent), ..work });
                push("sees its clock jump", set(faulty.clone(), Worker { work, ..worker }));
            }
        }
        let mut next = set(faulty, Worker { life: Life::Running, work: None, ..worker });
        // The next process of this name is another worker.
        let held = next.line.purchases.iter_mut().filter(|purchase| purchase.holder == Some(worker.id));
        held.for_each(|purchase| purchase.holder = Some(GONE));
        push("crashes and starts again", next);
    }

    /// Whether the store knows that a worker is gone, when `by` asks.
    fn is_gone(&self, id: u64, by: usize) -> bool {
        let worker = self.workers.iter().find(|worker| worker.id == id);
        let by_clock = self.variant == Variant::LeaseByWorkersClock && self.workers[by].has_jumped;
        worker.is_none_or(|worker| {
            worker.life == Life::Stopped { is_silent: true } || (by_clock && worker.id != self.workers[by].id)
        })
    }

    /// Executes an event in a transaction.
    fn commit(&mut self, purchase: u32, action: Action) -> Result<(), Illegal> {
        let event = LineEvent { purchase, action };
        let at = purchase as usize - 1;
        let mut before = self.line.clone();
        if self.variant == Variant::NextBeforeLastIsOnRecord
            && matches!(action, Action::Reserve { .. } | Action::Send { .. })
        {
            let open = |row: &&mut AttemptRow| row.state == LineState::Sent;
            before.purchases[at].attempts.iter_mut().filter(open).for_each(|row| row.state = LineState::Cancelled);
        }
        let (mut next, effects) = step(&before, &event)?;
        for (new, old) in next.purchases[at].attempts.iter_mut().zip(&self.line.purchases[at].attempts) {
            if self.variant == Variant::NextBeforeLastIsOnRecord
                && new.state == LineState::Cancelled
                && old.state == LineState::Sent
            {
                new.state = old.state;
            }
        }
        for effect in effects {
            if let LineEffect::Budget { held, billed } = effect {
                let reserves = matches!(action, Action::Reserve { .. } | Action::Resolve { .. });
                self.held += held;
                self.billed += billed;
                if reserves && held > 0 && self.held + self.billed > self.limit {
                    self.broken = Some("a reservation exceeds the budget");
                }
            }
        }
        if self.variant == Variant::HoldReleasedWhileUnknown && matches!(action, Action::Lost { .. }) {
            let unknown = |row: &&mut AttemptRow| row.state == LineState::Unknown;
            for row in next.purchases[at].attempts.iter_mut().filter(unknown) {
                self.held -= row.hold;
                row.hold = 0;
            }
        }
        self.line = next;
        Ok(())
    }

    fn left(&self) -> Option<i64> {
        Some(self.limit - self.held - self.billed)
    }

    fn find_work(&self, at: usize, steps: &mut Steps) {
        for (number, purchase) in (1..).zip(&self.line.purchases) {
            let state = purchase.state();
            let is_work = state.is_collectable() || matches!(state, LineState::Planned | LineState::Reserved);
            if let Some(holder) = purchase.holder {
                if self.is_gone(holder, at) {
                    let mut next = self.clone();
                    // One that was not seen for too long may still wait for a response.
                    let is_over = self.variant == Variant::LeaseByWorkersClock
                        || self.workers.iter().all(|worker| worker.id != holder);
                    next.commit(number, Action::Lost { epoch: purchase.epoch, is_over }).unwrap();
                    steps.push((Label::of("takes over", Some(at), Some(number)), next));
                }
                continue;
            }
            if !is_work || purchase.is_over {
                continue;
            }
            // Nothing is taken that the budget does not allow.
            if state == LineState::Planned && self.left() < Some(PRICE) {
                continue;
            }
            let mut next = self.clone();
            let (attempt, phase) =
                purchase.collectable().map_or((0, Phase::Taken), |attempt| (attempt, Phase::Collecting));
            next.commit(number, Action::Take { worker: self.workers[at].id }).unwrap();
            let epoch = next.line.purchases[number as usize - 1].epoch;
            next.workers[at].work = Some(Work { purchase: number, epoch, attempt, phase, is_halted: false });
            steps.push((Label::of("takes", Some(at), Some(number)), next));
        }
        if let Some((purchase, attempt, epoch, evidence)) = self.spool.first().copied() {
            let mut next = self.clone();
            next.spool.remove(0);
            next.record(purchase, attempt, epoch, evidence);
            steps.push((Label::of("replays the spool", Some(at), Some(purchase)), next));
        }
    }

    /// Records evidence, which must always be possible.
    fn record(&mut self, purchase: u32, attempt: u32, epoch: u64, evidence: Evidence) {
        let action = match evidence {
            Evidence::NotSent => Action::NotSent { attempt, epoch },
            Evidence::Refused(charge) => Action::Refused { attempt, charge },
            Evidence::Accepted => Action::Accepted { attempt },
            Evidence::Answered(billed) => Action::Answered { attempt, charge: Charge::Yes, billed },
        };
        let now = &self.line.purchases[purchase as usize - 1];
        let is_fenced = now.epoch != epoch || now.holder.is_none();
        if (self.variant == Variant::EvidenceFenced && is_fenced) || self.commit(purchase, action).is_err() {
            self.broken = Some("evidence was refused");
        }
    }

    fn go_on(&self, at: usize, work: Work, steps: &mut Steps) {
        let Work { purchase, epoch, attempt, .. } = work;
        let mut push = |kind, next: Self| steps.push((Label::of(kind, Some(at), Some(purchase)), next));
        let then = |phase: Phase| {
            let mut next = self.clone();
            next.workers[at].work = Some(Work { phase, ..work });
            next
        };
        let ending = |has_images, is_left, charge| Phase::Ending { has_images, is_left, charge };
        let row = |world: &Self| {
            world.line.purchases[purchase as usize - 1].attempts.get(attempt.saturating_sub(1) as usize).cloned()
        };
        match work.phase {
            Phase::Taken => {
                let mut next = then(Phase::Reserved);
                let attempts = self.line.purchases[purchase as usize - 1].attempts.len();
                let reserve = Action::Reserve { epoch, hold: PRICE, left: self.left() };
                let is_new = self.line.purchases[purchase as usize - 1].state() != LineState::Reserved;
                if work.is_halted || (is_new && attempts >= MOST_ATTEMPTS) {
                    push(
                        "ends for now",
                        then(if attempt == 0 { Phase::Dropping } else { ending(false, false, Charge::No) }),
                    );
                } else if next.commit(purchase, reserve).is_ok() {
                    next.workers[at].work.as_mut().unwrap().attempt =
                        u32::try_from(next.line.purchases[purchase as usize - 1].attempts.len()).unwrap();
                    if let Some(mut lost) = next.faulty() {
                        lost.workers[at].work.as_mut().unwrap().phase = Phase::Dropping;
                        push("loses the reply to a COMMIT", lost);
                    }
                    push("reserves", next);
                    if let Some(mut lost) = self.faulty() {
                        lost.workers[at].work = Some(Work { phase: Phase::Dropping, ..work });
                        push("loses a COMMIT", lost);
                    }
                } else {
                    push("is refused the reservation", then(Phase::Dropping));
                }
            }
            Phase::Reserved => {
                let mut next = then(Phase::MaySend(self.now));
                if self.variant == Variant::NoSyncBeforeSending {
                    push("records that it sends", next);
                    return;
                }
                if next.commit(purchase, Action::Send { epoch, now: self.now, deadline: DEADLINE }).is_err() {
                    push("is refused the reservation", then(Phase::Dropping));
                    return;
                }
                // What was not confirmed is not sent, and that is recorded.
                if let Some(mut lost) = next.faulty() {
                    lost.workers[at].work =
                        Some(Work { phase: Phase::Has(Evidence::NotSent), is_halted: true, ..work });
                    push("loses the reply to a COMMIT", lost);
                }
                if let Some(mut lost) = self.faulty() {
                    lost.workers[at].work =
                        Some(Work { phase: Phase::Has(Evidence::NotSent), is_halted: true, ..work });
                    push("loses a COMMIT", lost);
                }
                push("records that it sends", next);
            }
            Phase::MaySend(since) => {
                if self.now - since < SEND_WITHIN {
                    let mut next = then(Phase::InFlight);
                    next.posts[purchase as usize - 1][attempt as usize - 1] = Post::Left;
                    if row(self).is_some_and(|row| matches!(row.verdict, Some(Verdict::Again | Verdict::NotPaid))) {
                        next.broken = Some("an attempt left after a person decided about it");
                    }
                    push("posts", next);
                }
                if self.now - since >= SEND_WITHIN {
                    push("is too late to post", then(Phase::Has(Evidence::NotSent)));
                }
            }
            Phase::InFlight => {
                for (kind, evidence) in [
                    ("is accepted", Evidence::Accepted),
                    ("is answered", Evidence::Answered(PRICE)),
                    ("is answered and billed more", Evidence::Answered(3 * PRICE)),
                    ("is refused at no cost", Evidence::Refused(Charge::No)),
                    ("is refused at an unknown cost", Evidence::Refused(Charge::Unknown)),
                    ("is refused and billed", Evidence::Refused(Charge::Yes)),
                ] {
                    let mut next = then(Phase::Has(evidence));
                    if evidence == Evidence::Refused(Charge::No) {
                        next.posts[purchase as usize - 1][attempt as usize - 1] = Post::Refused;
                    }
                    push(kind, next);
                }
                // It does not wait for the response.
                let mut next = then(Phase::Reserved);
                let reserve = Action::Reserve { epoch, hold: PRICE / 2, left: self.left() };
                if next.commit(purchase, reserve).is_ok() {
                    next.workers[at].work.as_mut().unwrap().attempt = attempt + 1;
                }
                push("tries another endpoint in vain", if next.line == self.line { self.clone() } else { next });
            }
            Phase::Has(evidence) => {
                let phase = match evidence {
                    Evidence::NotSent | Evidence::Refused(Charge::No) => Phase::Taken,
                    Evidence::Refused(charge) => ending(false, false, charge),
                    Evidence::Accepted | Evidence::Answered(_) => Phase::Collecting,
                };
                let mut next = then(phase);
                next.record(purchase, attempt, epoch, evidence);
                if let Some(mut lost) = next.faulty() {
                    lost.spool.push((purchase, attempt, epoch, evidence));
                    lost.workers[at].work.as_mut().unwrap().is_halted = true;
                    push("loses the reply to a COMMIT", lost);
                }
                push("records evidence", next);
                if let Some(mut lost) = self.faulty() {
                    lost.workers[at].work = Some(Work { phase, is_halted: true, ..work });
                    lost.spool.push((purchase, attempt, epoch, evidence));
                    push("spools evidence", lost);
                }
            }
            Phase::Collecting => {
                match row(self).map(|row| row.state) {
                    Some(LineState::Accepted) => {
                        push("polls images", then(Phase::Has(Evidence::Answered(PRICE))));
                        push("polls a failure", then(Phase::Has(Evidence::Refused(Charge::Yes))));
                        push("ends for now", then(ending(false, true, Charge::Unknown)));
                    }
                    Some(LineState::Answered) => {
                        let mut next = self.clone();
                        next.commit(purchase, Action::Saved { attempt }).unwrap();
                        push("saves", next);
                        push("finds the images expired", then(ending(false, false, Charge::Yes)));
                        push("ends for now", then(ending(false, true, Charge::Yes)));
                    }
                    Some(LineState::Saved) => push("ends", then(ending(true, false, Charge::Yes))),
                    // The evidence is in the spool, or another worker was faster.
                    _ => push("ends for now", then(ending(true, true, Charge::Unknown))),
                }
            }
            Phase::Ending { has_images, is_left, charge } => {
                let action = Action::Ended { attempt, epoch, charge, has_images, is_left };
                let mut next = self.clone();
                next.workers[at].work = None;
                let ended = next.commit(purchase, action);
                if ended.is_err() {
                    next = then(Phase::Dropping);
                }
                push("ends", next);
                if let Some(mut lost) = self.faulty() {
                    lost.workers[at].work = Some(Work { phase: Phase::Dropping, ..work });
                    push("loses a COMMIT", lost);
                }
            }
            Phase::Dropping => {
                let mut next = self.clone();
                next.workers[at].work = None;
                // It may have been taken over.
                let _ = next.commit(purchase, Action::Lost { epoch, is_over: true });
                push("drops it", next);
            }
        }
    }

    fn person(&self, steps: &mut Steps) {
        if self.decisions == 0 {
            return;
        }
        for (number, purchase) in (1..).zip(&self.line.purchases) {
            let mut push = |kind, action| {
                let mut next = Self { decisions: self.decisions - 1, ..self.clone() };
                if next.commit(number, action).is_ok() {
                    steps.push((Label::of(kind, None, Some(number)), next));
                }
            };
            for attempt in 1..=u32::try_from(purchase.attempts.len()).unwrap() {
                for (kind, verdict) in [
                    ("a person says paid", Verdict::Paid),
                    ("a person says not paid", Verdict::NotPaid),
                    ("a person says again", Verdict::Again),
                ] {
                    if verdict != Verdict::Again || purchase.attempts.len() < MOST_ATTEMPTS {
                        push(
                            kind,
                            Action::Resolve { attempt, verdict, now: self.now, is_forced: false, left: self.left() },
                        );
                    }
                }
            }
            push("a person cancels", Action::Cancel);
            push("a person retries", Action::Retry);
        }
    }
}
