//! The part of an operation behind acceptance: polling, which costs nothing and is repeated freely.

use std::time::Duration;

use super::{CUT, Exchange, Input, Operation, Purpose, State, Then, cancelled, incomplete};
use crate::{Charge, Error, ErrorKind, Event, Generation, Reply, Task, TaskState, Warning, WarningKind};

/// A task that is being collected.
#[derive(Debug)]
pub(super) struct Polling {
    task: Task,
    /// How many polls were made.
    polls: u32,
    /// When the next one is due; `None` while one is under way.
    due: Option<Duration>,
    /// Whether it was accepted in this run: a provider may need a moment until it knows it everywhere.
    fresh: bool,
    /// Why the last poll said nothing.
    last: Option<String>,
    /// The images that a poll found before the task ended, or in a response that was cut off.
    found: Option<Box<Generation>>,
    /// How often none of its ids was known.
    missed: u8,
    /// How many responses in a row were cut off although they say that the task has ended.
    cut: u8,
}

impl Polling {
    pub(super) fn accepted(task: Task) -> Self {
        Self { task, polls: 0, due: None, fresh: true, last: None, found: None, missed: 0, cut: 0 }
    }

    /// A task of an earlier run: it may be done, so the first poll is due at once.
    pub(super) fn resumed(task: Task) -> Self {
        Self { task, polls: 0, due: Some(Duration::ZERO), fresh: false, last: None, found: None, missed: 0, cut: 0 }
    }

    /// How many polls of a task that was just accepted may find nothing.
    const GRACE: u32 = 3;

    /// How many cut responses of a task that has ended are worth asking again for.
    const CUTS: u8 = 3;

    /// Keeps images that are there, unless more are known already.
    fn keep(&mut self, found: Box<Generation>) {
        let known = self.found.as_ref().map_or(0, |known| known.images().count());
        if found.images().count() > known {
            self.found = Some(found);
        }
    }

    /// Takes another of the task's ids; whether there is one that was not taken in this round.
    fn next_id(&mut self) -> bool {
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
    fn is_final(&self, reply: &Reply) -> bool {
        let status = reply.status.as_u16();
        let ids = u32::try_from(self.task.other_ids.len()).unwrap_or(u32::MAX).saturating_add(1);
        let not_yet = status == 404 && self.fresh && self.polls <= Self::GRACE.saturating_mul(ids);
        (300..500).contains(&status) && !matches!(status, 408 | 425 | 429 | 499) && !not_yet
    }

    fn estimated(&self) -> Option<Duration> {
        self.task.estimated_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl Operation {
    /// The task that is being collected.
    pub fn task(&self) -> Option<&Task> {
        match &self.state {
            State::Task(polling) => Some(&polling.task),
            _ => None,
        }
    }

    /// A task was accepted: the caller is told before anything else happens.
    pub(super) fn accepted(&mut self, polling: Polling, now: Duration, events: &mut Vec<Event>) -> Then {
        events.push(Event::Submitted(polling.task.clone()));
        self.places.settle();
        // The request has done its work; thousands of tasks may wait at a time.
        self.warnings = self.checked.take().map(|checked| checked.into_warnings()).unwrap_or_default();
        self.attempts.shrink_to_fit();
        self.wait(polling, Duration::ZERO, now, events)
    }

    pub(super) fn polling(
        &mut self,
        mut polling: Polling,
        input: Input,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Then {
        if matches!(input, Input::Cancelled) {
            return self.abandon(cancelled(), polling, events);
        }
        let Some(due) = polling.due else { return self.polled(polling, input, now, events) };
        if now >= self.policy.deadline {
            return self.abandon(self.out_of_time(polling.last.as_deref()), polling, events);
        }
        if now < due {
            self.state = State::Task(polling);
            return Then::WaitUntil(due.min(self.policy.deadline));
        }
        let dialect = self.dialect.clone();
        let Some(tasks) = dialect.tasks() else {
            let error = Error::new(ErrorKind::Unsupported, "this provider has no tasks to ask for");
            return self.abandon(error, polling, events);
        };
        match tasks.poll(&polling.task) {
            Ok(request) => {
                polling.due = None;
                let until = self.policy.deadline.min(now.saturating_add(self.policy.poll_timeout));
                self.state = State::Task(polling);
                Then::Send(Box::new(Exchange { request, purpose: Purpose::Poll, place: self.places.at, until }))
            }
            Err(error) => self.abandon(error, polling, events),
        }
    }

    /// What came of a poll. Whatever fails on the way leaves the task as it was.
    fn polled(&mut self, mut polling: Polling, input: Input, now: Duration, events: &mut Vec<Event>) -> Then {
        let reply = match input {
            Input::Reply(reply) => reply.mended(),
            Input::Broken { partial: Some(mut partial), error } if partial.status.is_success() => {
                partial.truncated = true;
                return self.polled_in_part(polling, &partial.mended(), &error, now, events);
            }
            // A wrong setting does not pass.
            Input::NotSent(error) if error.kind() == ErrorKind::Config => return self.abandon(error, polling, events),
            Input::NotSent(error) | Input::Broken { error, .. } => {
                polling.last = Some(error.message().to_owned());
                self.places.next();
                return self.wait(polling, Duration::ZERO, now, events);
            }
            _ => {
                self.places.next();
                return self.wait(polling, Duration::ZERO, now, events);
            }
        };
        if reply.truncated && reply.status.is_success() {
            return self.polled_in_part(polling, &reply, &Error::new(ErrorKind::Transport, CUT), now, events);
        }
        polling.cut = 0;
        let dialect = self.dialect.clone();
        let Some(tasks) = dialect.tasks() else { return self.wait(polling, Duration::ZERO, now, events) };
        match tasks.decode_poll(&polling.task, &reply) {
            Ok(TaskState::Running { status, progress, found }) => {
                polling.last = Some(format!("it is {status}"));
                if let Some(found) = found {
                    polling.keep(found);
                }
                events.push(Event::Progress { status, percent: progress });
                self.wait(polling, reply.retry_after().unwrap_or_default(), now, events)
            }
            Ok(TaskState::Done(mut generation)) => {
                if generation.usage.is_empty() {
                    generation.usage = polling.task.usage;
                }
                self.done(generation, events)
            }
            // A task that ended in a way that may be billed may hold more than could be read.
            Ok(TaskState::Failed(error))
                if error.charge() != Charge::No || polling.found.is_some() || !reply.is_whole() =>
            {
                self.abandon(error, polling, events)
            }
            Ok(TaskState::Failed(error)) => self.fail(error, Charge::No),
            // Which of several ids is the task's shows when one is asked for.
            Err(error) if reply.status == http::StatusCode::NOT_FOUND && polling.next_id() => {
                polling.last = Some(error.message().to_owned());
                self.wait(polling, Duration::ZERO, now, events)
            }
            // Only the place that accepted it knows a task for certain.
            Err(_) if polling.is_final(&reply) && self.places.go_home() => {
                self.wait(polling, Duration::ZERO, now, events)
            }
            Err(error) if polling.is_final(&reply) => self.abandon(error, polling, events),
            Err(error) => {
                polling.last = Some(error.message().to_owned());
                // Who asks to be left alone is not asked at another door.
                if reply.status != http::StatusCode::TOO_MANY_REQUESTS {
                    self.places.next();
                }
                self.wait(polling, reply.retry_after().unwrap_or_default(), now, events)
            }
        }
    }

    /// A poll whose response was cut off. Asking again costs nothing; if it is cut again and again, what it holds is all there is.
    fn polled_in_part(
        &mut self,
        mut polling: Polling,
        partial: &Reply,
        error: &Error,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Then {
        let dialect = self.dialect.clone();
        let state = dialect.tasks().map(|tasks| tasks.decode_poll(&polling.task, partial));
        polling.last = Some(error.message().to_owned());
        match state {
            Some(Ok(TaskState::Done(generation))) => {
                polling.keep(Box::new(generation));
                polling.cut += 1;
            }
            Some(Ok(TaskState::Running { found: Some(found), .. })) => polling.keep(found),
            _ => {}
        }
        match polling.found.take() {
            Some(mut found) if polling.cut >= Polling::CUTS => {
                found.warnings.push(incomplete(error));
                if found.usage.is_empty() {
                    found.usage = polling.task.usage;
                }
                self.done(*found, events)
            }
            found => {
                polling.found = found;
                self.places.next();
                self.wait(polling, Duration::ZERO, now, events)
            }
        }
    }

    fn wait(&mut self, mut polling: Polling, at_least: Duration, now: Duration, events: &mut Vec<Event>) -> Then {
        if now >= self.policy.deadline {
            return self.abandon(self.out_of_time(polling.last.as_deref()), polling, events);
        }
        let pace = self.policy.pace.wait(polling.polls, polling.estimated(), self.jitter.next());
        let due = now.saturating_add(pace.max(at_least));
        polling.polls = polling.polls.saturating_add(1);
        polling.due = Some(due);
        self.state = State::Task(polling);
        Then::WaitUntil(due.min(self.policy.deadline))
    }

    /// Ends before the task has: images that are there are delivered, and the error keeps the task for the rest.
    fn abandon(&mut self, error: Error, polling: Polling, events: &mut Vec<Event>) -> Then {
        let Polling { task, found, .. } = polling;
        let others = task.other_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let error = if others.is_empty() || error.kind() != ErrorKind::TaskNotFound {
            error
        } else {
            error.adding(&format!("; the response that accepted it also named {others}"))
        };
        let error = match found {
            Some(mut found) => {
                events.extend(found.outcomes.iter().cloned().map(Event::of));
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
