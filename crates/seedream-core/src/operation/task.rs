//! The part of an operation behind acceptance: polling, which costs nothing and is repeated freely.

use std::time::Duration;

use super::{Exchange, Input, Operation, Purpose, State, Then, cancelled};
use crate::{Charge, Error, ErrorKind, Event, Reply, Task, TaskState};

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
}

impl Polling {
    pub(super) fn accepted(task: Task) -> Self {
        Self { task, polls: 0, due: None, fresh: true, last: None }
    }

    /// A task of an earlier run: it may be done, so the first poll is due at once.
    pub(super) fn resumed(task: Task) -> Self {
        Self { task, polls: 0, due: Some(Duration::ZERO), fresh: false, last: None }
    }

    /// How many polls of a task that was just accepted may find nothing.
    const GRACE: u32 = 3;

    /// Whether a failed poll would fail again: every refusal but "slow down", "took too long", and "not known" right at the start.
    fn is_final(&self, reply: &Reply) -> bool {
        let status = reply.status.as_u16();
        let not_yet = status == 404 && self.fresh && self.polls <= Self::GRACE;
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
        self.wait(polling, Duration::ZERO, now)
    }

    pub(super) fn polling(
        &mut self,
        mut polling: Polling,
        input: Input,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Then {
        if matches!(input, Input::Cancelled) {
            return self.abandon(cancelled(), polling);
        }
        let Some(due) = polling.due else { return self.polled(polling, input, now, events) };
        if now >= self.policy.deadline {
            return self.abandon(self.out_of_time(polling.last.as_deref()), polling);
        }
        if now < due {
            self.state = State::Task(polling);
            return Then::WaitUntil(due.min(self.policy.deadline));
        }
        let dialect = self.dialect.clone();
        let Some(tasks) = dialect.tasks() else {
            let error = Error::new(ErrorKind::Unsupported, "this provider has no tasks to ask for");
            return self.abandon(error, polling);
        };
        match tasks.poll(&polling.task) {
            Ok(request) => {
                polling.due = None;
                let until = self.policy.deadline.min(now.saturating_add(self.policy.poll_timeout));
                self.state = State::Task(polling);
                Then::Send(Box::new(Exchange { request, purpose: Purpose::Poll, place: self.places.at, until }))
            }
            Err(error) => self.abandon(error, polling),
        }
    }

    /// What came of a poll. Whatever fails on the way leaves the task as it was.
    fn polled(&mut self, mut polling: Polling, input: Input, now: Duration, events: &mut Vec<Event>) -> Then {
        let reply = match input {
            Input::Reply(reply) => reply,
            // A wrong setting does not pass.
            Input::NotSent(error) if error.kind() == ErrorKind::Config => return self.abandon(error, polling),
            Input::NotSent(error) | Input::Broken { error, .. } => {
                polling.last = Some(error.message().to_owned());
                self.places.next();
                return self.wait(polling, Duration::ZERO, now);
            }
            _ => {
                self.places.next();
                return self.wait(polling, Duration::ZERO, now);
            }
        };
        let dialect = self.dialect.clone();
        let Some(tasks) = dialect.tasks() else { return self.wait(polling, Duration::ZERO, now) };
        match tasks.decode_poll(&polling.task, &reply) {
            Ok(TaskState::Running { status, progress }) => {
                polling.last = Some(format!("it is {status}"));
                events.push(Event::Progress { status, percent: progress });
                self.wait(polling, reply.retry_after().unwrap_or_default(), now)
            }
            Ok(TaskState::Done(mut generation)) => {
                if generation.usage.is_empty() {
                    generation.usage = polling.task.usage;
                }
                self.done(generation, events)
            }
            // A task that ended in a way that may be billed may hold more than could be read.
            Ok(TaskState::Failed(error)) if error.charge() != Charge::No => self.abandon(error, polling),
            Ok(TaskState::Failed(error)) => self.fail(error, Charge::No),
            // Only the place that accepted it knows a task for certain.
            Err(_) if polling.is_final(&reply) && self.places.go_home() => self.wait(polling, Duration::ZERO, now),
            Err(error) if polling.is_final(&reply) => self.abandon(error, polling),
            Err(error) => {
                polling.last = Some(error.message().to_owned());
                // Who asks to be left alone is not asked at another door.
                if reply.status != http::StatusCode::TOO_MANY_REQUESTS {
                    self.places.next();
                }
                self.wait(polling, reply.retry_after().unwrap_or_default(), now)
            }
        }
    }

    fn wait(&mut self, mut polling: Polling, at_least: Duration, now: Duration) -> Then {
        if now >= self.policy.deadline {
            return self.abandon(self.out_of_time(polling.last.as_deref()), polling);
        }
        let pace = self.policy.pace.wait(polling.polls, polling.estimated(), self.jitter.next());
        let due = now.saturating_add(pace.max(at_least));
        polling.polls = polling.polls.saturating_add(1);
        polling.due = Some(due);
        self.state = State::Task(polling);
        Then::WaitUntil(due.min(self.policy.deadline))
    }

    /// Ends without the pictures, which can still be collected: the error keeps the task.
    fn abandon(&mut self, error: Error, polling: Polling) -> Then {
        self.fail(error.with_task(polling.task), Charge::Unknown)
    }
}
