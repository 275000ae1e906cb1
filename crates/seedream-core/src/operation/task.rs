//! The part of an operation behind acceptance: polling, which costs nothing and is repeated freely.

use std::time::Duration;

use super::{Exchange, Input, Operation, Purpose, State, Then, cancelled};
use crate::{Charge, Error, Event, Reply, Task, TaskState};

/// A task that is being collected.
#[derive(Debug)]
pub(super) struct Polling {
    task: Task,
    /// How many polls were made.
    polls: u32,
    /// When the next one is due; `None` while one is under way.
    due: Option<Duration>,
}

impl Polling {
    pub(super) fn accepted(task: Task) -> Self {
        Self { task, polls: 0, due: None }
    }

    /// A task of an earlier run: it may be done, so the first poll is due at once.
    pub(super) fn resumed(task: Task) -> Self {
        Self { task, polls: 0, due: Some(Duration::ZERO) }
    }

    fn estimated(&self) -> Option<Duration> {
        self.task.estimated_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl Operation {
    /// A task was accepted: the caller is told before anything else happens.
    pub(super) fn accepted(&mut self, polling: Polling, now: Duration, events: &mut Vec<Event>) -> Then {
        events.push(Event::Submitted(polling.task.clone()));
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
            return self.abandon(self.out_of_time(), polling);
        }
        if now < due {
            self.state = State::Task(polling);
            return Then::WaitUntil(due.min(self.policy.deadline));
        }
        let dialect = self.dialect.clone();
        let Some(tasks) = dialect.tasks() else {
            let error = Error::new(crate::ErrorKind::Unsupported, "this provider has no tasks to ask for");
            return self.abandon(error, polling);
        };
        match tasks.poll(&polling.task) {
            Ok(request) => {
                polling.due = None;
                let until = self.policy.deadline.min(now.saturating_add(self.policy.poll_timeout));
                self.state = State::Task(polling);
                Then::Send(Exchange { request, purpose: Purpose::Poll, until })
            }
            Err(error) => self.abandon(error, polling),
        }
    }

    /// What came of a poll. Whatever fails on the way leaves the task as it was.
    fn polled(&mut self, polling: Polling, input: Input, now: Duration, events: &mut Vec<Event>) -> Then {
        let Input::Reply(reply) = input else { return self.wait(polling, Duration::ZERO, now) };
        let dialect = self.dialect.clone();
        let Some(tasks) = dialect.tasks() else { return self.wait(polling, Duration::ZERO, now) };
        match tasks.decode_poll(&polling.task, &reply) {
            Ok(TaskState::Running { status, progress }) => {
                events.push(Event::Progress { status, percent: progress });
                self.wait(polling, reply.retry_after().unwrap_or_default(), now)
            }
            Ok(TaskState::Done(mut generation)) => {
                if generation.usage.is_empty() {
                    generation.usage = polling.task.usage;
                }
                self.done(generation, events)
            }
            Ok(TaskState::Failed(error)) => {
                let charge = error.charge();
                self.fail(error, charge)
            }
            Err(error) if is_final(&reply) => self.abandon(error, polling),
            Err(_) => self.wait(polling, reply.retry_after().unwrap_or_default(), now),
        }
    }

    fn wait(&mut self, mut polling: Polling, at_least: Duration, now: Duration) -> Then {
        if now >= self.policy.deadline {
            return self.abandon(self.out_of_time(), polling);
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

/// Whether a failed poll would fail again: every refusal but "slow down" and "took too long".
fn is_final(reply: &Reply) -> bool {
    reply.status.is_client_error() && !matches!(reply.status.as_u16(), 408 | 425 | 429 | 499)
}
