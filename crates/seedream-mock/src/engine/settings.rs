//! What a user may set.

use std::time::Duration;

use crate::fault::Fault;
use crate::profile::Profiles;

/// How strictly requests are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Validate {
    /// As the provider does: a violation is answered with the provider's own error.
    #[default]
    Strict,
    /// Violations are named in a header and the journal, and answered as well as possible.
    Warn,
    /// Nothing is checked.
    Off,
}

/// When a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// With the poll of this number.
    Polls(u32),
    /// After this time.
    Time(Duration),
}

/// Everything that decides how an engine answers, apart from the request and the time.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What pictures, ids and signatures are made from.
    pub seed: u64,
    /// How strictly requests are checked.
    pub validate: Validate,
    /// When a task ends.
    pub task: TaskEnd,
    /// The `estimated_time` of a task, in seconds.
    pub estimated_seconds: u64,
    /// The known keys; empty means that every key is known.
    pub keys: Vec<String>,
    /// Whether a callback must be `https` and public even where it stays on this machine.
    pub strict_callbacks: bool,
    /// How long the key `sk-mock-slow` waits.
    pub slow: Duration,
    /// What goes wrong in every session from its start.
    pub faults: Vec<Fault>,
    /// How the relay before each provider behaves.
    pub profiles: Profiles,
    /// The most entries of a session's journal.
    pub journal_capacity: usize,
    /// The most sessions.
    pub session_capacity: usize,
    /// How long a session is kept without use.
    pub session_idle: Duration,
    /// What must stand after `Bearer` for the admin routes; `None` means that they are open.
    pub admin_token: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            validate: Validate::Strict,
            task: TaskEnd::Polls(3),
            estimated_seconds: 1,
            keys: Vec::new(),
            strict_callbacks: false,
            slow: Duration::from_secs(5),
            faults: Vec::new(),
            profiles: Profiles::default(),
            journal_capacity: 1000,
            session_capacity: 1024,
            session_idle: Duration::from_secs(3600),
            admin_token: None,
        }
    }
}
