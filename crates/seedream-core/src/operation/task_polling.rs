//! Tasks after acceptance: polled until they end. Polls are free and can be repeated.

use std::time::Duration;

use super::{
    Exchange, Input, Purpose, Then,
    end::cancelled,
    machine::{Collecting, Next, State, Turn},
    poll_response::no_tasks,
};
use crate::{Charge, Error, ErrorKind, Event, Warning, WarningKind};

impl Turn<'_> {
    /// A task was accepted: the caller gets the event before anything else.
    pub(super) fn collect(&mut self, collecting: Collecting, is_cancelled: bool) -> Next {
        self.events.push(Event::Submitted(collecting.task.clone()));
        self.operation.endpoints.settle();
        if is_cancelled {
            return self.abandon(cancelled(), collecting);
        }
        self.operation.attempts.shrink_to_fit();
        self.wait(collecting, Duration::ZERO)
    }

    /// A task of an earlier run may have ended: it is polled at once.
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

    /// Polls the task, which is free.
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
                let exchange = Exchange { request, purpose: Purpose::Poll, place: operation.endpoints.at, until };
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

    /// Ends before the task does: available images are delivered, or the error has the task.
    pub(super) fn abandon(&mut self, error: Error, collecting: Collecting) -> Next {
        let Collecting { task, found, .. } = collecting;
        let others = task.other_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let error = if others.is_empty() || error.kind() != ErrorKind::TaskNotFound {
            error
        } else {
            error.adding(&format!("; the response that accepted it also names {others}"))
        };
        let error = match found {
            Some(mut found) => {
                self.events.extend(found.outcomes.iter().cloned().map(Event::of));
                let there = found.images().count();
                let message = format!("the task has not ended or has failed; {there} of its images are available");
                found.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
                error.with_generation(*found)
            }
            None => error,
        };
        self.fail(error.with_task(task), Charge::Unknown)
    }
}
