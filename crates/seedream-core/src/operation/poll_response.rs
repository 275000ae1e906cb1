//! Handles the response to a poll. A failed poll does not change the task.

use std::time::Duration;

use super::{
    Input,
    end::{CUT, cancelled, incomplete},
    machine::{Collecting, Next, Turn},
};
use crate::{Charge, Error, ErrorKind, Event, Response, Result, Task, TaskState};

impl Turn<'_> {
    pub(super) fn polling(&mut self, mut collecting: Collecting, input: Input) -> Next {
        match input {
            Input::Response(response) => self.polled(collecting, &response.mended()),
            Input::Broken { partial: Some(mut partial), error } if partial.status.is_success() => {
                partial.truncated = true;
                self.polled_in_part(collecting, &partial.mended(), &error)
            }
            // An invalid setting is not temporary.
            Input::NotSent(error) if error.kind() == ErrorKind::Config => self.abandon(error, collecting),
            Input::NotSent(error) | Input::Broken { error, .. } => {
                collecting.last = Some(error.message().to_owned());
                self.operation.endpoints.next();
                self.wait(collecting, Duration::ZERO)
            }
            Input::Cancelled => self.abandon(cancelled(), collecting),
            other @ (Input::Begin
            | Input::Vetoed(_)
            | Input::Woke
            | Input::Head(_)
            | Input::Frame(..)
            | Input::StreamEnd) => self.abandon(other.unexpected("Polling"), collecting),
        }
    }

    fn polled(&mut self, mut collecting: Collecting, response: &Response) -> Next {
        if response.truncated && response.status.is_success() {
            return self.polled_in_part(collecting, response, &Error::new(ErrorKind::Transport, CUT));
        }
        collecting.cut = 0;
        match self.read_poll(&collecting.task, response) {
            Ok(TaskState::Running { status, progress, estimated_seconds, found }) => {
                collecting.last = Some(format!("status {status}"));
                collecting.task.estimated_seconds = estimated_seconds.or(collecting.task.estimated_seconds);
                if let Some(found) = found {
                    collecting.keep(found);
                }
                self.events.push(Event::Progress { status, percent: progress });
                self.wait(collecting, response.retry_after().unwrap_or_default())
            }
            Ok(TaskState::Done(mut generation)) => {
                if generation.usage.is_empty() {
                    generation.usage = collecting.task.usage;
                }
                self.done(generation, collecting.warnings)
            }
            // An ended task that may be billed may contain more than could be decoded.
            Ok(TaskState::Failed(error))
                if error.charge() != Charge::No || collecting.found.is_some() || !response.is_whole() =>
            {
                self.abandon(error, collecting)
            }
            Ok(TaskState::Failed(error)) => self.lose(error, Charge::No),
            // Polling shows which of several ids is the task's.
            Err(error) if response.status == http::StatusCode::NOT_FOUND && collecting.next_id() => {
                collecting.last = Some(error.message().to_owned());
                self.wait(collecting, Duration::ZERO)
            }
            // Only the endpoint that accepted the task is sure to have it.
            Err(_) if collecting.is_final(response) && self.operation.endpoints.go_home() => {
                self.wait(collecting, Duration::ZERO)
            }
            Err(error) if collecting.is_final(response) => self.abandon(error, collecting),
            Err(error) => {
                collecting.last = Some(error.message().to_owned());
                // A rate limit also holds for mirrors.
                if response.status != http::StatusCode::TOO_MANY_REQUESTS {
                    self.operation.endpoints.next();
                }
                self.wait(collecting, response.retry_after().unwrap_or_default())
            }
        }
    }

    /// A poll with a truncated response. Another poll is free; after repeated truncation the operation takes what arrived.
    fn polled_in_part(&mut self, mut collecting: Collecting, partial: &Response, error: &Error) -> Next {
        collecting.last = Some(error.message().to_owned());
        match self.read_poll(&collecting.task, partial) {
            Ok(TaskState::Done(generation)) => {
                collecting.keep(Box::new(generation));
                collecting.cut = collecting.cut.saturating_add(1);
            }
            Ok(TaskState::Running { found: Some(found), .. }) => collecting.keep(found),
            _ => {}
        }
        match collecting.found.take() {
            Some(mut found) if collecting.cut >= Collecting::CUTS => {
                found.warnings.push(incomplete(error));
                if found.usage.is_empty() {
                    found.usage = collecting.task.usage;
                }
                self.done(*found, collecting.warnings)
            }
            found => {
                collecting.found = found;
                self.operation.endpoints.next();
                self.wait(collecting, Duration::ZERO)
            }
        }
    }

    fn read_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        match self.operation.dialect.tasks() {
            Some(tasks) => tasks.decode_poll(task, response),
            None => Err(no_tasks()),
        }
    }
}

/// The error of a dialect that no longer has tasks.
pub(super) fn no_tasks() -> Error {
    Error::new(ErrorKind::Unsupported, "this provider has no tasks to poll")
}
