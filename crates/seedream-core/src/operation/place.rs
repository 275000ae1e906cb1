//! Where an operation sends to: the place it was given, and the provider's other places, where it may go when that cannot be
//! reached.

use std::time::Duration;

use super::{Operation, Then};
use crate::{Attempt, Charge, Error, ErrorKind, Event};

/// The base URLs of one provider, and the one that is taken at the moment.
#[derive(Debug)]
pub(super) struct Places {
    urls: Box<[String]>,
    /// The one that is taken.
    pub(super) at: usize,
    /// Where a task was accepted.
    home: usize,
    /// How many could not be reached in a row.
    missed: usize,
}

impl Places {
    pub(super) fn one(url: String) -> Self {
        Self { urls: Box::new([url]), at: 0, home: 0, missed: 0 }
    }

    /// The base URL that is taken.
    pub(super) fn url(&self) -> &str {
        self.urls.get(self.at).map_or("", String::as_str)
    }

    /// Goes to the next one; whether there is one that was not missed in this round.
    pub(super) fn next(&mut self) -> bool {
        self.at = (self.at + 1) % self.urls.len();
        self.missed = (self.missed + 1) % self.urls.len();
        self.missed != 0
    }

    /// This one answered.
    pub(super) fn reached(&mut self) {
        self.missed = 0;
    }

    /// A task was accepted here.
    pub(super) fn settle(&mut self) {
        self.home = self.at;
    }

    /// Goes back to where the task was accepted; whether it was asked for elsewhere.
    pub(super) fn go_home(&mut self) -> bool {
        std::mem::replace(&mut self.at, self.home) != self.home
    }
}

impl Operation {
    /// Adds the provider's other base URLs. A submit goes to the next one only when it provably was not sent, and at once: that
    /// is another attempt of [`Policy::max_submits`](crate::Policy::max_submits). A poll that fails goes there too. A refusal of
    /// another place than the one that accepted a task says nothing of the task.
    #[must_use]
    pub fn with_mirrors(mut self, urls: impl IntoIterator<Item = String>) -> Self {
        self.places.urls = std::mem::take(&mut self.places.urls).into_iter().chain(urls).collect();
        self
    }

    /// When the job is given up, measured from its start.
    pub fn deadline(&self) -> Duration {
        self.policy.deadline
    }

    /// A submit that provably was not sent: a mirror is tried at once, and after all of them the first again, with patience.
    pub(super) fn not_sent(&mut self, error: Error, now: Duration, events: &mut Vec<Event>) -> Then {
        self.note(now, format!("not sent: {}", error.message()));
        let (another, attempt) = (self.places.next(), self.next_attempt());
        let hopeless = error.kind() == ErrorKind::Config || attempt > self.policy.max_submits;
        if another && !hopeless && now < self.policy.deadline {
            events.push(Event::Retrying { attempt, wait: Duration::ZERO, kind: error.kind() });
            return self.send(now);
        }
        self.retry_or_fail(error, Charge::No, None, now, events)
    }

    /// The number of the attempt that comes next, from 1.
    pub(super) fn next_attempt(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(super) fn note(&mut self, now: Duration, outcome: String) {
        self.attempts.push(Attempt::new(self.next_attempt(), now, self.places.url(), outcome));
    }
}
