//! The mock's clock and those of its sessions, which go with it until they are moved by themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::state::clock::Clock;

/// Every clock of one mock. Clones are the same clocks.
#[derive(Debug, Clone)]
pub(crate) struct SessionClocks {
    mock: Clock,
    of_sessions: Arc<Mutex<HashMap<String, Clock>>>,
}

/// Whether a session was there.
pub(crate) enum SessionEntry {
    Known,
    /// It is a new one; these are all that are there now.
    New {
        open: Vec<String>,
    },
}

impl SessionClocks {
    pub(crate) fn new(mock: Clock) -> Self {
        Self { mock, of_sessions: Arc::default() }
    }

    /// The mock's own.
    pub(crate) fn mock(&self) -> &Clock {
        &self.mock
    }

    /// The clock of a session, which `enter` uses or opens, both under one lock: a session that exists has its clock.
    pub(crate) fn enter(&self, session: &str, enter: impl FnOnce() -> SessionEntry) -> Clock {
        let mut clocks = self.lock();
        if let SessionEntry::New { open } = enter() {
            // Opening one session may evict others, and may replace one of this name.
            clocks.retain(|name, _| name != session && open.iter().any(|open| open == name));
        }
        if let Some(clock) = clocks.get(session) {
            return clock.clone();
        }
        clocks.entry(session.to_owned()).or_insert_with(|| self.mock.child()).clone()
    }

    /// The clock of a session, if the session exists; otherwise one that follows the mock's.
    pub(crate) fn of(&self, session: &str) -> Clock {
        self.lock().get(session).cloned().unwrap_or_else(|| self.mock.child())
    }

    /// Removes the clocks of sessions that no longer exist. A task that waits on such a clock keeps it.
    pub(crate) fn keep(&self, open: &[String]) {
        self.lock().retain(|name, _| open.iter().any(|open| open == name));
    }

    /// Lets a session's clock go with the mock's again; without a session the mock's with the machine's.
    pub(crate) fn reset(&self, session: Option<&str>) {
        match session {
            Some(session) => self.of(session).reset(),
            None => self.mock.reset(),
        }
    }

    /// Lets all go with the machine's.
    pub(crate) fn reset_all(&self) {
        self.mock.reset();
        self.lock().values().for_each(Clock::reset);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Clock>> {
        self.of_sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
