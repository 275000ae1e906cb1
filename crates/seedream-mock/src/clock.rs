//! The mock's clock: the machine's, or one that a test stops and moves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// A source of time that every part of one mock shares. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Mutex<Hands>>);

#[derive(Debug, Clone, Copy)]
enum Hands {
    /// The machine's time and how far ahead of it this clock is.
    Running {
        ahead: Duration,
    },
    Stopped(Timestamp),
}

impl Clock {
    /// The machine's time.
    pub fn real() -> Self {
        Self(Arc::new(Mutex::new(Hands::Running { ahead: Duration::ZERO })))
    }

    /// A clock that shows `at` until it is moved.
    pub fn stopped(at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Hands::Stopped(at))))
    }

    /// The time it shows.
    pub fn now(&self) -> Timestamp {
        self.hands(|hands| hands.show())
    }

    /// Moves it forward; a running clock keeps running.
    pub fn advance(&self, by: Duration) {
        self.hands(|hands| match hands {
            Hands::Running { ahead } => *ahead = ahead.saturating_add(by),
            Hands::Stopped(at) => *at = later(*at, by),
        });
    }

    /// Stops it at a time.
    pub fn set(&self, at: Timestamp) {
        self.hands(|hands| *hands = Hands::Stopped(at));
    }

    fn hands<T>(&self, work: impl FnOnce(&mut Hands) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl Hands {
    fn show(&self) -> Timestamp {
        match *self {
            Self::Running { ahead } => later(Timestamp::now(), ahead),
            Self::Stopped(at) => at,
        }
    }
}

/// Beyond the end of time there is only the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_moved() {
        let clock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let twin = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(twin.now().as_second(), 5);
        twin.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now().as_second(), 0);
    }

    #[test]
    fn a_running_clock_can_be_ahead() {
        let clock = Clock::real();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() > Timestamp::now());
    }
}
