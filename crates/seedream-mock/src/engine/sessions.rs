//! All sessions of one engine: they appear on first use, are capped, and expire.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::conduct::Change;
use super::forgotten::Counted;
use super::journal::{Entry, Kept};
use super::route::DEFAULT_SESSION;
use super::session::Session;
use super::settings::Settings;
use crate::clock::later;
use crate::fault::Fault;

/// About how many bytes all sessions may remember together. One alone is bounded by its own limits, which are far below.
const BUDGET: usize = 256 * 1024 * 1024;

/// What of a session decides how a request to it is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Glance {
    /// What differs for it from the settings.
    pub(crate) change: Change,
    /// Whether anything was set to go wrong in it.
    pub(crate) has_rules: bool,
}

/// The sessions of one engine. The one of those who name none stays; of the others those that nobody used for longest give
/// way where there are too many, or where all remember too much.
#[derive(Debug)]
pub(crate) struct Sessions {
    capacity: usize,
    budget: usize,
    idle: Duration,
    journal_capacity: usize,
    /// What goes wrong in every session from its start.
    faults: Vec<Fault>,
    open: Mutex<Open>,
}

/// Those that are there.
#[derive(Debug, Default)]
struct Open {
    sessions: BTreeMap<String, Session>,
    /// About how much they remember, in bytes: never too little, and exact where it is too much.
    bytes: usize,
}

impl Open {
    /// Forgets sessions until all remember no more than that: those that nobody used for longest, and not this one.
    fn shed(&mut self, budget: usize, but: &str) {
        let count = |sessions: &BTreeMap<String, Session>| sessions.values().map(Session::bytes).sum();
        self.bytes = count(&self.sessions);
        while self.bytes > budget && forget_oldest(&mut self.sessions, but) {
            self.bytes = count(&self.sessions);
        }
    }
}

/// Forgets the session that nobody used for longest, if there is one that may go.
fn forget_oldest(sessions: &mut BTreeMap<String, Session>, but: &str) -> bool {
    let named = sessions.iter().filter(|(name, _)| *name != DEFAULT_SESSION && *name != but);
    let oldest = named.min_by_key(|(_, session)| session.used).map(|(name, _)| name.clone());
    oldest.is_some_and(|name| sessions.remove(&name).is_some())
}

/// Works with a session, and keeps count of what all remember.
fn counted<T>(session: &mut Session, bytes: &mut usize, work: impl FnOnce(&mut Session) -> T) -> T {
    let before = session.bytes();
    let done = work(session);
    *bytes = (*bytes + session.bytes()).saturating_sub(before);
    done
}

impl Sessions {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            capacity: settings.session_capacity.max(1),
            budget: BUDGET,
            idle: settings.session_idle,
            journal_capacity: settings.journal_capacity,
            faults: settings.faults.clone(),
            open: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses a session; says whether it is a new one. One that nobody used for too long is forgotten, and a new one stands in
    /// its place.
    pub(crate) fn enter(&self, name: &str, now: Timestamp) -> bool {
        let mut open = self.lock();
        if let Some(session) = open.sessions.get_mut(name).filter(|session| !self.is_over(name, session, now)) {
            session.used = now;
            return false;
        }
        open.sessions.remove(name);
        self.open(&mut open.sessions, name, now);
        true
    }

    /// Works with a session, which is opened if need be.
    pub(crate) fn with<T>(&self, name: &str, now: Timestamp, work: impl FnOnce(&mut Session) -> T) -> T {
        let mut open = self.lock();
        let Open { sessions, bytes } = &mut *open;
        let done = match sessions.get_mut(name) {
            Some(session) => counted(session, bytes, work),
            None => counted(self.open(sessions, name, now), bytes, work),
        };
        if open.bytes > self.budget {
            open.shed(self.budget, name);
        }
        done
    }

    /// Works with a session, if it is there.
    pub(crate) fn look<T>(&self, name: &str, work: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let mut open = self.lock();
        let Open { sessions, bytes } = &mut *open;
        sessions.get_mut(name).map(|session| counted(session, bytes, work))
    }

    /// Looks at a session, whether or not it is there yet.
    pub(crate) fn glance(&self, name: &str) -> Glance {
        let of = |session: &mut Session| Glance { change: session.change, has_rules: !session.rules.list().is_empty() };
        self.look(name, of).unwrap_or(Glance { has_rules: !self.faults.is_empty(), ..Glance::default() })
    }

    /// Forgets a session.
    pub(crate) fn forget(&self, name: &str) {
        self.lock().sessions.remove(name);
    }

    fn open<'o>(&self, sessions: &'o mut BTreeMap<String, Session>, name: &str, now: Timestamp) -> &'o mut Session {
        if name != DEFAULT_SESSION {
            self.make_room(sessions, now);
        }
        let new = || Session::new(now, self.journal_capacity, self.faults.clone());
        sessions.entry(name.to_owned()).or_insert_with(new)
    }

    /// Whether nobody used it for too long. The session of those who name none is never over.
    fn is_over(&self, name: &str, session: &Session, now: Timestamp) -> bool {
        name != DEFAULT_SESSION && later(session.used, self.idle) < now
    }

    /// Makes room for one more that is named.
    fn make_room(&self, sessions: &mut BTreeMap<String, Session>, now: Timestamp) {
        sessions.retain(|name, session| !self.is_over(name, session, now));
        if sessions.keys().filter(|name| *name != DEFAULT_SESSION).count() >= self.capacity {
            forget_oldest(sessions, DEFAULT_SESSION);
        }
    }

    /// Works with every open session.
    pub(crate) fn each<T>(&self, work: impl Fn(&str, &mut Session) -> Option<T>) -> std::vec::IntoIter<T> {
        let mut open = self.lock();
        let results: Vec<T> = open.sessions.iter_mut().filter_map(|(name, session)| work(name, session)).collect();
        results.into_iter()
    }

    /// The names of the open sessions.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().sessions.keys().cloned().collect()
    }

    /// The journal of a session, and what it has forgotten, at one time.
    pub(crate) fn journal_and_forgotten(&self, name: &str) -> (Vec<Entry>, Vec<Counted>) {
        let both = |session: &mut Session| {
            let kept: Vec<Kept> = session.journal.kept().cloned().collect();
            (kept, session.journal.forgotten().counted(name).collect())
        };
        let (kept, counted) = self.look(name, both).unwrap_or_default();
        // What takes time is done when others may go on.
        (kept.iter().map(|entry| entry.entry(name)).collect(), counted)
    }

    /// The journal of one session, or of all in the order of the requests.
    pub(crate) fn journal(&self, name: Option<&str>) -> Vec<Entry> {
        let open = self.lock();
        let wanted = open.sessions.iter().filter(|(known, _)| name.is_none_or(|name| name == known.as_str()));
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

    #[test]
    fn sessions_that_remember_too_much_together_forget_whom_nobody_used_for_longest() {
        let sessions = Sessions { budget: 3 * 4096, ..Sessions::new(&Settings::default()) };
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, name) in [DEFAULT_SESSION, "a", "b", "c", "a", "d"].into_iter().enumerate() {
            let second = i64::try_from(second).unwrap();
            sessions.enter(name, at(second));
            sessions.with(name, at(second), |session| session.journal.push(crate::engine::journal::entry_of(4000)));
        }
        assert_eq!(sessions.names(), ["d", DEFAULT_SESSION]);
    }
}
