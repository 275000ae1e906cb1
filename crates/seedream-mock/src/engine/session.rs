//! Sessions: tests that run at the same time do not see each other's tasks, journal, ledger, faults, settings and clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::conduct::Change;
use super::faults::Rules;
use super::journal::{Entry, Journal, Kind};
use super::ledger::Ledger;
use super::route::DEFAULT_SESSION;
use super::settings::Settings;
use super::task::Task;
use super::traffic::{Traffic, Usage};
use crate::clock::later;
use crate::fault::Fault;

/// The most tasks a session keeps; the oldest are forgotten first.
const TASKS: usize = 10_000;

/// Everything one session remembers.
#[derive(Debug)]
pub(crate) struct Session {
    /// When it was last used. A server counts this by the machine's time and not by a clock that is moved.
    pub(crate) used: Timestamp,
    tasks: HashMap<String, Task>,
    /// The ids in the order of their making.
    order: std::collections::VecDeque<String>,
    /// The ids of the tasks that still have to call back.
    awaiting: BTreeSet<String>,
    pub(crate) journal: Journal,
    pub(crate) rules: Rules,
    pub(crate) ledger: Ledger,
    pub(crate) traffic: Traffic,
    /// How its requests are answered otherwise than all are.
    pub(crate) change: Change,
}

impl Session {
    pub(crate) fn keep_task(&mut self, task: Task) {
        if task.callback.is_some() {
            self.awaiting.insert(task.id.clone());
        }
        if self.order.len() == TASKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.tasks.remove(&oldest);
        }
        self.order.push_back(task.id.clone());
        self.tasks.insert(task.id.clone(), task);
    }

    /// Whether any task still has to call back.
    pub(crate) fn awaits(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// The tasks that still have to call back.
    pub(crate) fn awaiting(&self) -> impl Iterator<Item = &Task> {
        self.awaiting.iter().filter_map(|id| self.tasks.get(id))
    }

    /// Those of them that have ended, and when they did. Nobody waits for them any more.
    pub(crate) fn take_ended(&mut self, now: Timestamp) -> Vec<(Task, Timestamp)> {
        let Self { awaiting, tasks, .. } = self;
        let mut ended = Vec::new();
        awaiting.retain(|id| {
            // A task that is forgotten calls nobody back.
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
            u32::try_from(task.pictures.len()).ok()
        });
        ledger
    }

    /// The caller of a request has gone before he had his answer.
    pub(crate) fn left(&mut self, ordinal: u64) {
        self.ledger.left(ordinal);
        self.traffic.left(ordinal);
        self.journal.left(ordinal);
    }

    /// How much there is of a caller. Tasks that have not ended are underway, whoever asked for them.
    pub(crate) fn usage(&mut self, caller: &str, now: Timestamp) -> Usage {
        let usage = self.traffic.usage(caller, now);
        let tasks =
            self.tasks.values().filter(|task| task.ended.is_none() && task.ends_at().is_none_or(|end| end > now));
        Usage { underway: usage.underway + tasks.count(), ..usage }
    }

    pub(crate) fn task(&mut self, id: &str) -> Option<&mut Task> {
        self.tasks.get_mut(id)
    }

    /// Every task, in the order of their making.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.order.iter().filter_map(|id| self.tasks.get(id))
    }

    /// Forgets its tasks; bills that were not settled stay as they were reserved.
    pub(crate) fn clear_tasks(&mut self) {
        self.tasks.clear();
        self.order.clear();
        self.awaiting.clear();
    }

    /// Forgets who is still to be called back, and that anybody was.
    pub(crate) fn clear_callbacks(&mut self) {
        self.awaiting.clear();
        self.tasks.values_mut().for_each(|task| task.callback = None);
        self.journal.retain(|entry| entry.kind != Kind::Callback);
    }
}

/// What of a session decides how a request to it is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Glance {
    /// What differs for it from the settings.
    pub(crate) change: Change,
    /// Whether anything was set to go wrong in it.
    pub(crate) has_rules: bool,
}

/// The sessions of one engine. They appear on first use, are capped, and expire; the one of those who name none stays.
#[derive(Debug)]
pub(crate) struct Sessions {
    capacity: usize,
    idle: Duration,
    journal_capacity: usize,
    /// What goes wrong in every session from its start.
    faults: Vec<Fault>,
    open: Mutex<BTreeMap<String, Session>>,
}

impl Sessions {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            capacity: settings.session_capacity.max(1),
            idle: settings.session_idle,
            journal_capacity: settings.journal_capacity,
            faults: settings.faults.clone(),
            open: Mutex::default(),
        }
    }

    /// Uses a session; says whether it is a new one. One that nobody used for too long is
    /// forgotten, and a new one stands in its place.
    pub(crate) fn enter(&self, name: &str, now: Timestamp) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = open.get_mut(name).filter(|session| !self.is_over(name, session, now)) {
            session.used = now;
            return false;
        }
        open.remove(name);
        self.open(&mut open, name, now);
        true
    }

    /// Works with a session, which is opened if need be.
    pub(crate) fn with<T>(&self, name: &str, now: Timestamp, work: impl FnOnce(&mut Session) -> T) -> T {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = open.get_mut(name) {
            return work(session);
        }
        work(self.open(&mut open, name, now))
    }

    /// Works with a session, if it is there.
    pub(crate) fn look<T>(&self, name: &str, work: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name).map(work)
    }

    /// Looks at a session, whether or not it is there yet.
    pub(crate) fn glance(&self, name: &str) -> Glance {
        let of = |session: &mut Session| Glance { change: session.change, has_rules: !session.rules.list().is_empty() };
        self.look(name, of).unwrap_or(Glance { has_rules: !self.faults.is_empty(), ..Glance::default() })
    }

    /// Forgets a session.
    pub(crate) fn forget(&self, name: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn open<'o>(&self, open: &'o mut BTreeMap<String, Session>, name: &str, now: Timestamp) -> &'o mut Session {
        if name != DEFAULT_SESSION {
            self.make_room(open, now);
        }
        open.entry(name.to_owned()).or_insert_with(|| Session {
            used: now,
            tasks: HashMap::new(),
            order: std::collections::VecDeque::new(),
            awaiting: BTreeSet::new(),
            journal: Journal::new(self.journal_capacity),
            rules: Rules::with(self.faults.clone()),
            ledger: Ledger::default(),
            traffic: Traffic::default(),
            change: Change::default(),
        })
    }

    /// Whether nobody used it for too long. The session of those who name none is never over.
    fn is_over(&self, name: &str, session: &Session, now: Timestamp) -> bool {
        name != DEFAULT_SESSION && later(session.used, self.idle) < now
    }

    /// Makes room for one more that is named.
    fn make_room(&self, open: &mut BTreeMap<String, Session>, now: Timestamp) {
        open.retain(|name, session| !self.is_over(name, session, now));
        let named = || open.iter().filter(|(name, _)| *name != DEFAULT_SESSION);
        if named().count() >= self.capacity {
            let oldest = named().min_by_key(|(_, session)| session.used).map(|(name, _)| name.clone());
            oldest.map(|name| open.remove(&name));
        }
    }

    /// Works with every open session.
    pub(crate) fn each<T>(&self, work: impl Fn(&str, &mut Session) -> Option<T>) -> std::vec::IntoIter<T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let results: Vec<T> = open.iter_mut().filter_map(|(name, session)| work(name, session)).collect();
        results.into_iter()
    }

    /// The names of the open sessions.
    pub(crate) fn names(&self) -> Vec<String> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The journal of one session, or of all in the order of the requests.
    pub(crate) fn journal(&self, name: Option<&str>) -> Vec<Entry> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = open.iter().filter(|(known, _)| name.is_none_or(|name| name == known.as_str()));
        let mut entries: Vec<Entry> = wanted.flat_map(|(name, session)| session.journal.entries(name)).collect();
        entries.sort_by_key(|entry| entry.ordinal);
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_capped_and_expire() {
        let settings = Settings { session_capacity: 2, session_idle: Duration::from_secs(60), ..Settings::default() };
        let sessions = Sessions::new(&settings);
        let at = |second| Timestamp::from_second(second).unwrap();
        for (name, second, new) in [("a", 0, true), ("b", 1, true), ("a", 2, false), ("c", 3, true)] {
            assert_eq!(sessions.enter(name, at(second)), new, "{name}");
        }
        assert_eq!(sessions.names(), ["a", "c"], "the one that was not used for longest gave way");
        sessions.enter("d", at(1000));
        assert_eq!(sessions.names(), ["d"]);
        assert!(!sessions.enter("d", at(1060)) && sessions.enter("d", at(1121)), "it is over without others as well");
    }

    #[test]
    fn the_session_of_those_who_name_none_stays() {
        let settings = Settings { session_capacity: 1, session_idle: Duration::from_secs(60), ..Settings::default() };
        let sessions = Sessions::new(&settings);
        let at = |second| Timestamp::from_second(second).unwrap();
        sessions.enter(DEFAULT_SESSION, at(0));
        sessions.enter("a", at(5000));
        sessions.enter("b", at(5001));
        assert_eq!(sessions.names(), ["b", DEFAULT_SESSION]);
        assert!(!sessions.enter(DEFAULT_SESSION, at(9000)));
    }
}
