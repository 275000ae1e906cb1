//! The part of an operation behind acceptance: a task is asked for until it ends, which costs nothing and is repeated freely.

use std::time::Duration;

use super::{
    Exchange, Input, Purpose, Then,
    end::cancelled,
    poll::no_tasks,
    state::{Next, State, Turn},
};
use crate::{Charge, Error, ErrorKind, Event, Generation, Response, Task, Warning, WarningKind};

/// A task that is being collected.
#[derive(Debug)]
pub(super) struct Collecting {
    pub(super) task: Task,
    /// What the check found, before the request was sent.
    pub(super) warnings: Vec<Warning>,
    /// How many polls were made.
    polls: u32,
    /// Whether it was accepted in this run: a provider may need a moment until it knows it everywhere.
    fresh: bool,
    /// Why the last poll said nothing.
    pub(super) last: Option<String>,
    /// The images that a poll found before the task ended, or in a response that was cut off.
    pub(super) found: Option<Box<Generation>>,
    /// How often none of its ids was known.
    missed: u8,
    /// How many responses in a row were cut off although they say that the task has ended.
    pub(super) cut: u8,
}

impl Collecting {
    pub(super) fn accepted(task: Task, warnings: Vec<Warning>) -> Self {
        Self { task, warnings, polls: 0, fresh: true, last: None, found: None, missed: 0, cut: 0 }
    }

    /// A task of an earlier run.
    pub(super) fn resumed(task: Task) -> Self {
        Self { fresh: false, ..Self::accepted(task, Vec::new()) }
    }

    /// How many polls of a task that was just accepted may find nothing.
    const GRACE: u32 = 3;

    /// How many cut responses of a task that has ended are worth asking again for.
    pub(super) const CUTS: u8 = 3;

    /// Keeps images that are there, unless more are known already.
    pub(super) fn keep(&mut self, found: Box<Generation>) {
        let known = self.found.as_ref().map_or(0, |known| known.images().count());
        if found.images().count() > known {
            self.found = Some(found);
        }
    }

    /// Takes another of the task's ids; whether there is one that was not taken in this round.
    pub(super) fn next_id(&mut self) -> bool {
        let ids = self.task.other_ids.len();
        if ids == 0 {
            return false;
        }
        let next = self.task.other_ids.remove(0);
        self.task.other_ids.push(std::mem::replace(&mut self.task.id, next));
        self.missed = self.missed.wrapping_add(1);
        usize::from(self.missed) % (ids + 1) != 0
    }

    /// Whether a failed poll would fail again: every refusal but "slow down", "took too long", and "not known" right at the start.
    pub(super) fn is_final(&self, response: &Response) -> bool {
        let status = response.status.as_u16();
        let ids = u32::try_from(self.task.other_ids.len()).unwrap_or(u32::MAX).saturating_add(1);
        let not_yet = status == 404 && self.fresh && self.polls <= Self::GRACE.saturating_mul(ids);
        (300..500).contains(&status) && !matches!(status, 408 | 425 | 429 | 499) && !not_yet
    }

    fn estimated(&self) -> Option<Duration> {
        self.task.estimated_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl Turn<'_> {
    /// A task was accepted: the caller is told before anything else happens.
    pub(super) fn collect(&mut self, collecting: Collecting, is_cancelled: bool) -> Next {
        self.events.push(Event::Submitted(collecting.task.clone()));
        self.operation.places.settle();
        if is_cancelled {
            return self.abandon(cancelled(), collecting);
        }
        self.operation.attempts.shrink_to_fit();
        self.wait(collecting, Duration::ZERO)
    }

    /// A task of an earlier run may be done: it is asked for at once.
    pub(super) fn resumed(&mut self, collecting: Collecting, input: Input) -> Next {
        match input {
            Input::Begin => self.poll(collecting),
            Input::Cancelled => self.abandon(cancelled(), collecting),
            other => self.abandon(other.unexpected("Resumed"), collecting),
        }
    }

    pub(super) fn waiting(&mut self, collecting: Collecting, due: Duration, input: Input) -> Next {
        match input {
            Input::Woke if self.now < due => (State::Waiting { collecting, due }, Then::WaitUntil(due)),
            Input::Woke => self.poll(collecting),
            Input::Cancelled => self.abandon(cancelled(), collecting),
            other => self.abandon(other.unexpected("Waiting"), collecting),
        }
    }

    /// Asks for the task, which costs nothing.
    fn poll(&mut self, collecting: Collecting) -> Next {
        let operation = &*self.operation;
        let deadline = operation.policy.deadline;
        if self.now >= deadline {
            let error = self.out_of_time(collecting.last.as_deref());
            return self.abandon(error, collecting);
        }
        let request = match operation.dialect.tasks() {
            Some(tasks) => tasks.poll(&collecting.task),
            None => Err(no_tasks()),
        };
        match request {
            Ok(request) => {
                let until = deadline.min(self.now.saturating_add(operation.policy.poll_timeout));
                let exchange = Exchange { request, purpose: Purpose::Poll, place: operation.places.at, until };
                (State::Polling(collecting), Then::Send(Box::new(exchange)))
            }
            Err(error) => self.abandon(error, collecting),
        }
    }

    /// Waits for the next poll.
    pub(super) fn wait(&mut self, mut collecting: Collecting, at_least: Duration) -> Next {
        let operation = &mut *self.operation;
        if self.now >= operation.policy.deadline {
            let error = self.out_of_time(collecting.last.as_deref());
            return self.abandon(error, collecting);
        }
        let pace = operation.policy.pace.wait(collecting.polls, collecting.estimated(), operation.jitter.next());
        let due = self.now.saturating_add(pace.max(at_least)).min(operation.policy.deadline);
        collecting.polls = collecting.polls.saturating_add(1);
        (State::Waiting { collecting, due }, Then::WaitUntil(due))
    }

    /// Ends before the task has: images that are there are delivered, and the error keeps the task for the rest.
    pub(super) fn abandon(&mut self, error: Error, collecting: Collecting) -> Next {
        let Collecting { task, found, .. } = collecting;
        let others = task.other_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let error = if others.is_empty() || error.kind() != ErrorKind::TaskNotFound {
            error
        } else {
            error.adding(&format!("; the response that accepted it also named {others}"))
        };
        let error = match found {
            Some(mut found) => {
                self.events.extend(found.outcomes.iter().cloned().map(Event::of));
                let there = found.images().count();
                let message = format!("the task has not ended, or not well, and {there} of its images are there");
                found.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
                error.with_generation(*found)
            }
            None => error,
        };
        self.fail(error.with_task(task), Charge::Unknown)
    }
}
