//! Moments by which something has to happen.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Until when the first byte of an attempt may leave, by the clock that says the later time: one that a process slept through counts.
#[derive(Clone, Copy, Debug)]
pub struct SendBefore {
    instant: Instant,
    wall: Option<SystemTime>,
}

impl SendBefore {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self { instant: now.checked_add(time).unwrap_or(now), wall: SystemTime::now().checked_add(time) }
    }

    /// The moment by the monotonic clock.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// Whether it is too late.
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.instant || self.wall.is_some_and(|wall| SystemTime::now() >= wall)
    }
}

/// A moment after another; centuries, which no clock can hold, are a year.
pub(crate) fn later(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait).unwrap_or_else(|| start + Duration::from_secs(86_400 * 365))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_no_clock_can_hold_is_a_year_away() {
        let now = Instant::now();
        assert_eq!(later(now, Duration::from_secs(3)) - now, Duration::from_secs(3));
        assert_eq!(later(now, Duration::MAX) - now, Duration::from_secs(31_536_000));
    }

    /// A process that is suspended sees its monotonic clock stand still.
    #[test]
    fn the_clock_that_says_the_later_time_decides() {
        let hour = Duration::from_secs(3600);
        let (now, wall) = (Instant::now(), SystemTime::now());
        let early = SendBefore { instant: now + hour, wall: Some(wall + hour) };
        let slept = SendBefore { instant: now + hour, wall: Some(wall) };
        let late = SendBefore { instant: now, wall: Some(wall + hour) };
        let no_wall = SendBefore { instant: now + hour, wall: None };
        for (before, has_passed) in [(early, false), (slept, true), (late, true), (no_wall, false)] {
            assert_eq!(before.has_passed(), has_passed, "{before:?}");
        }
    }
}
