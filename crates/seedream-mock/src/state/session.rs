//! Sessions: tests that run at the same time do not see each other's tasks, journal, ledger, faults, settings and clock.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::faults::fault_rules::FaultRules;
use crate::faults::grammar::Fault;
use crate::faults::rate_counters::{RateCounters, RateUsage};
use crate::settings_patch::SettingsPatch;
use crate::state::journal::Journal;
use crate::state::journal_entry::{EntryKind, StoredEntry};
use crate::state::ledger;
use crate::state::ledger::Ledger;
use crate::state::repeat_counts::RepeatCounts;
use crate::state::task::MockTask;

/// The most tasks that a session keeps; the oldest are dropped first.
const TASKS: usize = 10_000;

/// The state of one session.
#[derive(Debug)]
pub(crate) struct Session {
    /// When it was last used. A server counts this by the machine's time and not by a clock that is moved.
    pub(crate) used: Timestamp,
    tasks: HashMap<Arc<str>, MockTask>,
    /// The ids in the order of their making.
    order: VecDeque<Arc<str>>,
    /// The ids of the tasks that still have to call back.
    awaiting: BTreeSet<Arc<str>>,
    pub(crate) journal: Journal,
    pub(crate) rules: FaultRules,
    pub(crate) ledger: Ledger,
    pub(crate) rates: RateCounters,
    /// How often it was asked the same.
    pub(crate) repeats: RepeatCounts,
    /// How many exchanges of each recorded sequence were played.
    pub(crate) plays: HashMap<usize, u32>,
    /// How its settings differ from those of all sessions.
    pub(crate) patch: SettingsPatch,
}

/// What a session has folded, until it is torn down.
#[derive(Debug)]
pub(crate) struct DroppedState {
    _entries: VecDeque<StoredEntry>,
    _bills: VecDeque<ledger::StoredLedgerEntry>,
    _tasks: HashMap<Arc<str>, MockTask>,
}

/// How many images a task delivers, unless it never ends.
fn delivered(task: &MockTask) -> Option<u32> {
    (task.end.is_some() || task.ended.is_some()).then(|| u32::try_from(task.images.len()).unwrap_or(u32::MAX))
}

/// About how many bytes a task is.
const TASK: usize = 1024;

impl Session {
    pub(crate) fn new(now: Timestamp, journal_capacity: usize, faults: Vec<Fault>) -> Self {
        Self {
            used: now,
            tasks: HashMap::new(),
            order: VecDeque::new(),
            awaiting: BTreeSet::new(),
            journal: Journal::new(journal_capacity),
            rules: FaultRules::with(faults),
            ledger: Ledger::default(),
            rates: RateCounters::default(),
            repeats: RepeatCounts::default(),
            plays: HashMap::new(),
            patch: SettingsPatch::default(),
        }
    }

    /// About how many bytes it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.journal.bytes() + self.ledger.bytes() + self.repeats.bytes() + TASK * self.order.len()
    }

    pub(crate) fn keep_task(&mut self, task: MockTask) {
        if task.callback.is_some() {
            self.awaiting.insert(task.id.clone());
        }
        if self.order.len() == TASKS
            && let Some(oldest) = self.order.pop_front()
        {
            // It can no longer be polled, so its bill is settled by what it delivers.
            if let Some(images) = self.tasks.remove(&oldest).as_ref().and_then(delivered) {
                self.ledger.settle_one(&oldest, images);
            }
        }
        self.order.push_back(task.id.clone());
        self.tasks.insert(task.id.clone(), task);
    }

    /// Keeps a bill, and returns the one that has to go for it.
    pub(crate) fn bill(&mut self, bill: ledger::StoredLedgerEntry) -> Option<ledger::StoredLedgerEntry> {
        let Self { ledger, tasks, .. } = self;
        ledger.push(bill, |id| tasks.get(id).and_then(delivered))
    }

    /// Drops all that is large: entries of the journal, bills and tasks, which are still counted. Returns what is to be
    /// dropped.
    pub(crate) fn fold(&mut self) -> DroppedState {
        let Self { ledger, tasks, .. } = self;
        ledger.settle(|id| tasks.get(id).and_then(delivered));
        let folded =
            DroppedState { _entries: self.journal.fold(), _bills: self.ledger.fold(), _tasks: std::mem::take(tasks) };
        self.clear_tasks();
        folded
    }

    /// How much of it can be folded, in bytes.
    pub(crate) fn foldable(&self) -> usize {
        self.journal.foldable() + self.ledger.bytes() + TASK * self.order.len()
    }

    /// Whether any task still has to call back.
    pub(crate) fn awaits(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// The tasks that still have to call back.
    pub(crate) fn awaiting(&self) -> impl Iterator<Item = &MockTask> {
        self.awaiting.iter().filter_map(|id| self.tasks.get(id))
    }

    /// Takes those of them that have ended, with the times at which they did.
    pub(crate) fn take_ended(&mut self, now: Timestamp) -> Vec<(MockTask, Timestamp)> {
        let Self { awaiting, tasks, .. } = self;
        let mut ended = Vec::new();
        awaiting.retain(|id| {
            // A dropped task sends no callback.
            let Some(task) = tasks.get_mut(id) else { return false };
            let at = task.end_by(now);
            ended.extend(at.map(|at| (task.clone(), at)));
            at.is_none()
        });
        ended
    }

    /// The ledger, with the bills settled of all tasks that have ended.
    pub(crate) fn settled(&mut self, now: Timestamp) -> &Ledger {
        let Self { ledger, tasks, .. } = self;
        ledger.settle(|id| {
            let task = tasks.get_mut(id)?;
            task.end_by(now)?;
            u32::try_from(task.images.len()).ok()
        });
        ledger
    }

    /// The client of a request disconnected before the response was complete.
    pub(crate) fn disconnected(&mut self, ordinal: u64) {
        self.ledger.disconnected(ordinal);
        self.rates.disconnected(ordinal);
        self.journal.disconnected(ordinal);
    }

    /// The usage of a rate key. Tasks that have not ended count as in progress, for every key.
    pub(crate) fn usage(&mut self, caller: &str, now: Timestamp) -> RateUsage {
        let usage = self.rates.usage(caller, now);
        let tasks =
            self.tasks.values().filter(|task| task.ended.is_none() && task.ends_at().is_none_or(|end| end > now));
        RateUsage { underway: usage.underway + tasks.count(), ..usage }
    }

    pub(crate) fn task(&mut self, id: &str) -> Option<&mut MockTask> {
        self.tasks.get_mut(id)
    }

    /// Every task, in the order of their making.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &MockTask> {
        self.order.iter().filter_map(|id| self.tasks.get(id))
    }

    /// Removes its tasks; bills that are not settled stay as reserved.
    pub(crate) fn clear_tasks(&mut self) {
        self.tasks.clear();
        self.order.clear();
        self.awaiting.clear();
    }

    /// Removes its callbacks: those still to be sent, and those in the journal.
    pub(crate) fn clear_callbacks(&mut self) {
        self.awaiting.clear();
        self.tasks.values_mut().for_each(|task| task.callback = None);
        self.journal.remove(EntryKind::Callback);
    }
}
