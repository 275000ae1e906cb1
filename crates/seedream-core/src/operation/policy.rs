//! Retries, waits and deadlines of an operation.

use std::time::Duration;

/// Retries, waits and deadlines of an operation. The defaults never bill twice.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// The most submits, including the first. Only temporary refusals and failed connections lead to another one.
    pub max_submits: u32,
    /// Retry requests whose outcome is unknown. Default `false`: retrying may be billed twice.
    pub resend_ambiguous: bool,
    /// The wait between two submits.
    pub backoff: Backoff,
    /// The wait between two polls of a task.
    pub pace: Pace,
    /// The time limit of one poll.
    pub poll_timeout: Duration,
    /// The time limit of the whole operation. Default: 10 minutes. Models differ: a reseller measured 110 to 130 s for one image of
    /// Seedream 5.0 pro, and 12 to 35 s for one of 5.5. If the deadline passes before the response, the charge is unknown.
    pub deadline: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_submits: 3,
            resend_ambiguous: false,
            backoff: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(8) },
            pace: Pace { shortest: Duration::from_millis(500), longest: Duration::from_secs(10) },
            poll_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(600),
        }
    }
}

/// Exponential backoff: each wait doubles, minus a jitter of up to a quarter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// The wait before submit number `attempt`, from 2; `random` is between 0 and 1.
    pub(super) fn wait(&self, attempt: u32, random: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempt.saturating_sub(2).min(16));
        doubled.min(self.longest).mul_f64(1.0 - random / 4.0)
    }
}

/// Waits between polls. With a provider's estimate the first wait is half of it, and the following ones grow from a tenth of it by a
/// quarter each time. Without one they grow from the shortest wait by a half each time. Either way a task of 45 s is polled at most 12
/// times with the default waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The shortest wait.
    pub shortest: Duration,
    /// The longest wait, except for the first.
    pub longest: Duration,
}

impl Pace {
    /// The wait before poll number `poll`, from 0; `random` is between 0 and 1.
    pub(super) fn wait(&self, poll: u32, estimated: Option<Duration>, random: f64) -> Duration {
        let jitter = 0.9 + random / 5.0;
        let (first, second, growth) = match estimated.map(|estimated| estimated.min(Duration::from_secs(600))) {
            Some(estimated) => (estimated / 2, estimated / 10, 1.25_f64),
            None => (self.shortest.saturating_mul(2), self.shortest, 1.5),
        };
        let wait = match poll {
            0 => first,
            _ => second.max(self.shortest).mul_f64(growth.powi(poll.min(64) as i32 - 1)).min(self.longest),
        };
        wait.max(self.shortest).mul_f64(jitter)
    }
}

/// A jitter generator (splitmix64), seeded so that a run is reproducible.
#[derive(Clone, Debug)]
pub(super) struct Jitter(pub(super) u64);

impl Jitter {
    /// A number from 0 (inclusive) to 1 (exclusive).
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_of_45_seconds_is_polled_at_most_12_times() {
        let pace = Policy::default().pace;
        // With the provider's estimate, without one, and with one that the third poll gives.
        for (first, later) in [(Some(45), Some(45)), (None, None), (None, Some(45))] {
            for seed in 0..100 {
                let mut jitter = Jitter(seed);
                let (mut at, mut polls) = (Duration::ZERO, 0);
                while at < Duration::from_secs(45) {
                    let estimated = if polls < 3 { first } else { later };
                    at += pace.wait(polls, estimated.map(Duration::from_secs), jitter.next());
                    polls += 1;
                }
                assert!((3..=12).contains(&polls), "{first:?} {later:?}: {polls} polls");
                assert!(at < Duration::from_secs(60), "{first:?} {later:?}: collected after {at:?}");
            }
        }
    }

    #[test]
    fn polls_begin_in_the_middle_of_the_estimate_and_grow_apart() {
        let pace = Policy::default().pace;
        let waits = |estimated: Option<u64>, random: f64| {
            let wait = |poll| pace.wait(poll, estimated.map(Duration::from_secs), random).as_millis();
            [0, 1, 2, 3, 64, 1000].map(wait)
        };
        assert_eq!(waits(Some(40), 0.5), [20_000, 4_000, 5_000, 6_250, 10_000, 10_000]);
        // Without an estimate they grow faster, and no wait is shorter than the shortest.
        assert_eq!(waits(None, 0.5), [1_000, 500, 750, 1_125, 10_000, 10_000]);
        assert_eq!(waits(Some(0), 0.5)[..2], [500, 500]);
        assert_eq!(waits(Some(40), 0.0)[0], 18_000, "a tenth less");
        assert_eq!(waits(Some(40), 1.0)[0], 22_000, "a tenth more");
    }

    #[test]
    fn jitter_is_splitmix64_and_the_same_for_the_same_seed() {
        let mut jitter = Jitter(7);
        // All 53 bits of each.
        let drawn: Vec<_> = (0..3).map(|_| (jitter.next() * (1_u64 << 53) as f64) as u64).collect();
        assert_eq!(drawn, [3_511_274_219_185_729, 151_215_513_962_380, 8_113_330_931_062_309]);
    }

    #[test]
    fn backoff_doubles_up_to_its_longest() {
        let backoff = Policy::default().backoff;
        let waits: Vec<_> = (2..9).map(|attempt| backoff.wait(attempt, 0.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(backoff.wait(2, 1.0).as_millis(), 375);
    }
}
