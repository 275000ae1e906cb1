//! Two workers, a person, a provider, a disk and a clock.

#[path = "steps.rs"]
mod steps;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use seedream_core::Charge;
use seedream_ledger::protocol::{AttemptRow, Line, LineState, Purchase, Verdict};

const PRICE: i64 = 10;
/// The id of every worker that has ended.
const GONE: u64 = 9;
/// An attempt may leave so long after it was recorded, in seconds.
const SEND_WITHIN: i64 = 10;
const DEADLINE: i64 = 20;
/// The clock goes on by so much at a time.
const TICK: i64 = 100;
const MOST_ATTEMPTS: usize = 2;

/// The protocol, and five mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Variant {
    Right,
    NoSyncBeforeSending,
    NextBeforeLastIsOnRecord,
    EvidenceFenced,
    HoldReleasedWhileUnknown,
    LeaseByWorkersClock,
}

/// What happens in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) kind: &'static str,
    worker: Option<usize>,
    purchase: Option<u32>,
    /// Whether workers, and purchases, change their places after it.
    swaps: (bool, bool),
}

/// Each has to happen.
pub(crate) const KINDS: &[&str] = &[
    "takes",
    "takes over",
    "reserves",
    "is refused the reservation",
    "records that it sends",
    "posts",
    "is too late to post",
    "is accepted",
    "is answered",
    "is answered and billed more",
    "is refused at no cost",
    "is refused at an unknown cost",
    "is refused and billed",
    "records evidence",
    "polls images",
    "polls a failure",
    "saves",
    "finds the images expired",
    "ends",
    "ends for now",
    "drops it",
    "crashes and starts again",
    "stops",
    "returns",
    "loses the reply to a COMMIT",
    "loses a COMMIT",
    "spools evidence",
    "replays the spool",
    "tries another endpoint in vain",
    "sees its clock jump",
    "time passes",
    "a person says paid",
    "a person says not paid",
    "a person says again",
    "a person cancels",
    "a person retries",
];

impl Label {
    fn of(kind: &'static str, worker: Option<usize>, purchase: Option<u32>) -> Self {
        Self { kind, worker, purchase, swaps: (false, false) }
    }

    pub(crate) fn start() -> Self {
        Self::of("start", None, None)
    }
}

impl Label {
    /// The step in words, where workers and purchases have changed their places so far.
    pub(crate) fn told(&self, swapped: &mut (bool, bool)) -> String {
        let mut told = self
            .worker
            .map_or(String::new(), |worker| format!("worker {} ", if (worker == 1) == swapped.0 { "A" } else { "B" }));
        told.push_str(self.kind);
        if let Some(purchase) = self.purchase {
            told.push_str(&format!(" (purchase {})", if swapped.1 { 3 - purchase } else { purchase }));
        }
        *swapped = (swapped.0 ^ self.swaps.0, swapped.1 ^ self.swaps.1);
        told
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Running,
    Stopped {
        /// Whether it is silent for so long that others know it to be gone.
        is_silent: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Evidence {
    NotSent,
    Refused(Charge),
    Accepted,
    Answered(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Taken,
    Reserved,
    /// The attempt is on record as sent, since this time.
    MaySend(i64),
    InFlight,
    Has(Evidence),
    Collecting,
    Ending {
        has_images: bool,
        is_left: bool,
        charge: Charge,
    },
    Dropping,
}

/// What a worker is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Work {
    purchase: u32,
    epoch: u64,
    attempt: u32,
    phase: Phase,
    /// Something could not be recorded: it sends no more.
    is_halted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Worker {
    id: u64,
    life: Life,
    has_jumped: bool,
    work: Option<Work>,
}

/// What the provider knows of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Post {
    None,
    /// It left, and may be billed.
    Left,
    /// It left, and the provider refused it.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    variant: Variant,
    limit: i64,
    line: Line,
    held: i64,
    billed: i64,
    spool: Vec<(u32, u32, u64, Evidence)>,
    workers: [Worker; 2],
    posts: [[Post; MOST_ATTEMPTS]; 2],
    now: i64,
    ticks: u8,
    faults: u8,
    decisions: u8,
    broken: Option<&'static str>,
}

impl World {
    pub(crate) fn new(variant: Variant, purchases: u32, limit: i64, faults: u8, decisions: u8) -> Self {
        let worker = |id| Worker { id, life: Life::Running, has_jumped: false, work: None };
        Self {
            variant,
            limit,
            line: Line::new(purchases),
            held: 0,
            billed: 0,
            spool: Vec::new(),
            workers: [worker(0), worker(1)],
            posts: [[Post::None; MOST_ATTEMPTS]; 2],
            now: 0,
            ticks: 1,
            faults,
            decisions,
            broken: None,
        }
    }

    /// Nobody works, nothing waits to be recorded, and whatever is not over waits for a person or for a larger budget.
    pub(crate) fn is_end(&self) -> bool {
        let rests = |purchase: &Purchase| match purchase.state() {
            LineState::Settled | LineState::Failed | LineState::Cancelled | LineState::Unknown => true,
            LineState::Planned => {
                self.limit - self.held - self.billed < PRICE || purchase.attempts.len() >= MOST_ATTEMPTS
            }
            _ => false,
        };
        self.spool.is_empty() && self.line.purchases.iter().all(|purchase| purchase.holder.is_none() && rests(purchase))
    }

    /// The law that this state breaks.
    pub(crate) fn broken_law(&self) -> Option<String> {
        if let Some(broken) = self.broken {
            return Some(broken.to_owned());
        }
        let (mut all, mut granted_of_all) = (0, 0);
        for (number, (purchase, posts)) in (1..).zip(self.line.purchases.iter().zip(&self.posts)) {
            let may_cost = posts.iter().filter(|post| **post == Post::Left).count();
            let granted = |attempt: &&AttemptRow| matches!(attempt.verdict, Some(Verdict::Again | Verdict::NotPaid));
            let granted = purchase.attempts.iter().filter(granted).count();
            if may_cost > 1 + granted {
                return Some(format!("{may_cost} attempts of purchase {number} may have been billed"));
            }
            for (index, post) in posts.iter().enumerate().filter(|(_, post)| **post != Post::None) {
                let row = purchase.attempts.get(index);
                let is_recorded = |row: &AttemptRow| !matches!(row.state, LineState::Reserved | LineState::Cancelled);
                if !row.is_some_and(is_recorded) {
                    return Some(format!(
                        "attempt {} of purchase {number} left and is not on record as sent: {post:?}",
                        index + 1
                    ));
                }
            }
            (all, granted_of_all) = (all + may_cost, granted_of_all + granted);
        }
        let accounts = self.line.purchases.iter().flat_map(|purchase| &purchase.attempts).map(AttemptRow::account);
        let (held, billed) = accounts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if (held, billed) != (self.held, self.billed) {
            return Some("the budget is not the sum of the attempts".to_owned());
        }
        let allowed = self.limit + PRICE * i64::try_from(granted_of_all).unwrap();
        if i64::try_from(all).unwrap() * PRICE > allowed {
            return Some(format!("{all} attempts may have been billed, above the budget"));
        }
        None
    }

    /// Purchases are alike, and so are workers: states that differ in their order are one. Says which were swapped.
    fn sort(&mut self) -> (bool, bool) {
        let key = |value: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            value(&mut hasher);
            hasher.finish()
        };
        let purchase = |at: usize| {
            let Purchase { epoch, is_over, attempts, holder } = &self.line.purchases[at];
            key(&|hasher| (epoch, is_over, attempts, holder.is_some(), self.posts[at]).hash(hasher))
        };
        let swap_purchases = self.line.purchases.len() == 2 && purchase(1) < purchase(0);
        if swap_purchases {
            self.line.purchases.swap(0, 1);
            self.posts.swap(0, 1);
            let work = self.workers.iter_mut().filter_map(|worker| worker.work.as_mut());
            let numbers = work.map(|work| &mut work.purchase).chain(self.spool.iter_mut().map(|entry| &mut entry.0));
            numbers.for_each(|number| *number = 3 - *number);
        }
        let worker = |at: usize| {
            let Worker { life, has_jumped, work, .. } = self.workers[at];
            key(&|hasher| (life, has_jumped, work).hash(hasher))
        };
        let swap_workers = worker(1) < worker(0);
        if swap_workers {
            self.workers.swap(0, 1);
            self.workers.iter_mut().for_each(|worker| worker.id = 1 - worker.id);
            for holder in self.line.purchases.iter_mut().filter_map(|purchase| purchase.holder.as_mut()) {
                *holder = if *holder == GONE { GONE } else { 1 - *holder };
            }
        }
        (swap_workers, swap_purchases)
    }

    /// Only whether two epochs are the same matters, so that states with other numbers are one.
    fn count_anew(&mut self) {
        let Self { line, workers, spool, .. } = self;
        for (number, purchase) in (1..).zip(&mut line.purchases) {
            let rows = purchase.attempts.iter_mut().map(|row| &mut row.epoch);
            let work = workers.iter_mut().filter_map(|worker| worker.work.as_mut());
            let work = work.filter(|work| work.purchase == number).map(|work| &mut work.epoch);
            let spooled = spool.iter_mut().filter(|entry| entry.0 == number).map(|entry| &mut entry.2);
            let mut epochs: Vec<&mut u64> =
                rows.chain(work).chain(spooled).chain([&mut purchase.epoch]).filter(|epoch| **epoch > 0).collect();
            epochs.sort();
            let (mut before, mut count) = (0, 0);
            for epoch in epochs {
                count += u64::from(*epoch != before);
                before = std::mem::replace(epoch, count);
            }
        }
    }
}
