//! How long is waited between two tries, and when it is enough.

use std::time::Duration;

/// The longest wait that no server asks for.
const LONGEST: Duration = Duration::from_secs(8);

/// The shortest, so that tries have an end.
const SHORTEST: Duration = Duration::from_millis(1);

/// The waits of one image.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryWaits {
    all: Duration,
    first: Duration,
    left: Duration,
    next: Duration,
}

impl RetryWaits {
    pub(super) fn new(all: Duration, first: Duration) -> Self {
        let first = first.max(SHORTEST);
        Self { all, first, left: all, next: first }
    }

    /// The wait after a try that brought nothing new, at least as long as a server asks for; `None` where none is left. The last is
    /// whatever is left.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        if self.left.is_zero() {
            return None;
        }
        let wait = self.next.max(asked.unwrap_or_default()).min(self.left);
        self.left -= wait;
        self.next = self.next.saturating_mul(2).min(LONGEST.max(self.first));
        Some(wait)
    }

    /// The wait after a try that got further than the one before, which counts for nothing.
    pub(super) fn again(&mut self, asked: Option<Duration>) -> Option<Duration> {
        *self = Self::new(self.all, self.first);
        (!self.all.is_zero()).then(|| self.first.max(asked.unwrap_or_default()).min(self.all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(waits: &mut RetryWaits) -> Vec<u64> {
        std::iter::from_fn(|| waits.next(None)).map(|wait| wait.as_millis() as u64).collect()
    }

    #[test]
    fn waits_double_up_to_8_seconds_and_are_30_in_all() {
        let mut waits = RetryWaits::new(Duration::from_secs(30), Duration::from_millis(500));
        assert_eq!(all(&mut waits), [500, 1000, 2000, 4000, 8000, 8000, 6500]);
        assert_eq!(waits.again(None), Some(Duration::from_millis(500)));
        assert_eq!(all(&mut waits).iter().sum::<u64>(), 30_000, "what got further begins anew");
        assert!(all(&mut RetryWaits::new(Duration::ZERO, Duration::from_secs(1))).is_empty());
    }

    #[test]
    fn a_server_that_asks_for_more_gets_it_up_to_what_is_left() {
        let mut waits = RetryWaits::new(Duration::from_secs(30), Duration::from_millis(500));
        let mut next = |seconds| waits.next(Some(Duration::from_secs(seconds))).map(|wait| wait.as_secs_f64());
        assert_eq!([next(10), next(0), next(3600), next(1)], [Some(10.0), Some(1.0), Some(19.0), None]);
    }
}
