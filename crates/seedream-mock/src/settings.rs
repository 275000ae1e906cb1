//! What a user may set.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::faults::fault::Fault;
use crate::profile::RelayProfiles;
use crate::time;

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

impl Validate {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Warn, Self::Off];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }
}

impl FromStr for Validate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is none of strict, warn and off"))
    }
}

/// When a task ends. Written as `polls=3`, `time=5s` or `hand`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// With the poll of this number.
    Polls(u32),
    /// After this time.
    Time(Duration),
    /// When it is told to, over the admin API or by [`crate::MockServer::complete_task`].
    Hand,
}

impl fmt::Display for TaskEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Polls(polls) => write!(f, "polls={polls}"),
            Self::Time(time) => write!(f, "time={}", time::write(*time)),
            Self::Hand => f.write_str("hand"),
        }
    }
}

impl FromStr for TaskEnd {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` says not when a task ends: {why}");
        match text.split_once('=') {
            Some(("polls", polls)) => {
                let polls = polls.parse().ok().filter(|polls| *polls > 0);
                polls.map(Self::Polls).ok_or_else(|| wrong("polls is a number from 1"))
            }
            Some(("time", time)) => {
                let time = time::read(time).filter(|time| !time.is_zero());
                time.map(Self::Time).ok_or_else(|| wrong("time is a length of time such as 500ms, 5s or 1h30m"))
            }
            None if text == "hand" => Ok(Self::Hand),
            _ => Err(wrong("write polls=3, time=5s or hand")),
        }
    }
}

/// Everything that decides how an engine answers, apart from the request and the time.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What pictures, ids and signatures are made from.
    pub seed: u64,
    /// How strictly requests are checked.
    pub validate: Validate,
    /// Whether a request for images may have any content type, or none; otherwise only JSON's is taken.
    pub any_content_type: bool,
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
    pub profiles: RelayProfiles,
    /// The most entries of a session's journal.
    pub journal_capacity: usize,
    /// The most sessions beside `default`. Those that nobody used for longest give way, also where all of them together
    /// remember more than 256 MiB.
    pub session_capacity: usize,
    /// How long a session other than `default` is kept without use.
    pub session_idle: Duration,
    /// What must stand after `Bearer` for the admin routes; `None` means that they are open.
    pub admin_token: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            validate: Validate::Strict,
            any_content_type: false,
            task: TaskEnd::Polls(3),
            estimated_seconds: 1,
            keys: Vec::new(),
            strict_callbacks: false,
            slow: Duration::from_secs(5),
            faults: Vec::new(),
            profiles: RelayProfiles::default(),
            journal_capacity: 1000,
            session_capacity: 1024,
            session_idle: Duration::from_secs(3600),
            admin_token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m12_the_end_of_a_task_is_read_as_it_is_written() {
        for text in ["polls=3", "time=5s", "time=90m", "hand"] {
            assert_eq!(text.parse::<TaskEnd>().map(|end| end.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "polls", "polls=0", "time=x", "time=0s", "hand=1", "soon"] {
            assert!(text.parse::<TaskEnd>().is_err(), "{text}");
        }
    }
}
