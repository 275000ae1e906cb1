//! Handles the response to a submit: images, a task, or an error.

use bytes::Bytes;

use super::{
    Record,
    end::{CUT, floor, incomplete},
    machine::{Collecting, Next, Submitting, Turn},
};
use crate::{Acceptance, Charge, Checked, Decoded, Error, ErrorKind, Response, Task};

impl Turn<'_> {
    /// A response that ended cleanly.
    pub(super) fn on_response(&mut self, sent: Submitting, response: Response) -> Next {
        let raw = response.body.clone();
        let response = response.mended();
        // A body without a length ends with its connection, and a gateway that lost its upstream ends its response cleanly: only the
        // JSON shows that it is truncated.
        if response.truncated && response.status.is_success() {
            return self.cut_off(sent, response, raw, Error::new(ErrorKind::Transport, CUT));
        }
        match self.operation.dialect.decode(sent.prepared.checked(), &response) {
            Ok(Decoded::Done(mut generation)) => {
                generation.raw = raw;
                self.done(generation, sent.prepared.into_checked().into_warnings())
            }
            Ok(Decoded::Accepted(acceptance)) => self.accepted(sent, acceptance, &response, raw),
            Err(error) => {
                let floor = floor(&response, &error);
                let error = if response.is_whole() { error } else { error.with_body(raw) };
                self.retry_or_fail(sent, error, floor, Some(&response))
            }
        }
    }

    /// A truncated response with its JSON closed: its content is kept, and nothing is sent again.
    pub(super) fn cut_off(&mut self, sent: Submitting, mut partial: Response, raw: Bytes, error: Error) -> Next {
        partial.truncated = true;
        match self.operation.dialect.decode(sent.prepared.checked(), &partial) {
            Ok(Decoded::Done(mut generation)) => {
                generation.raw = raw;
                generation.warnings.push(incomplete(&error));
                self.done(generation, sent.prepared.into_checked().into_warnings())
            }
            Ok(Decoded::Accepted(acceptance)) => self.accepted(sent, acceptance, &partial, raw),
            // The head alone shows a refusal.
            Err(refused) if !partial.status.is_success() => {
                let floor = floor(&partial, &refused);
                self.retry_or_fail(sent, refused, floor, Some(&partial))
            }
            Err(seen) => self.lose(error.with_what_arrived(seen).with_body(raw), Charge::Unknown),
        }
    }

    /// An accepted task: the operation collects it, or ends with an error that has it if the dialect has no tasks.
    fn accepted(&mut self, sent: Submitting, acceptance: Acceptance, response: &Response, raw: Bytes) -> Next {
        let task = self.new_task(sent.prepared.checked(), acceptance, response);
        self.record = Some(Record::Accepted { task: Box::new(task.clone()) });
        if self.operation.dialect.tasks().is_some() {
            // The request is dropped: its references may be large, and thousands of tasks may wait at a time.
            let collecting = Collecting::accepted(task, sent.prepared.into_checked().into_warnings());
            return self.collect(collecting, sent.cancelled);
        }
        let ids =
            std::iter::once(&task.id).chain(&task.other_ids).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!(
            "the response accepts task {ids} instead of returning images; the provider documents no tasks, so it cannot be collected here: give the id to the provider's support"
        );
        let error = Error::from_response(ErrorKind::UnexpectedTask, message, response).with_body(raw).with_task(task);
        self.fail(error, Charge::Unknown)
    }

    fn new_task(&self, checked: &Checked, acceptance: Acceptance, response: &Response) -> Task {
        let (provider, place) = (&self.operation.dialect.descriptor().id, self.operation.endpoints.url());
        let mut task = Task::new(provider, place, acceptance.id, checked.model().clone());
        task.other_ids = acceptance.other_ids;
        task.submitted_at = acceptance.created.or(Some(response.received_at));
        (task.estimated_seconds, task.can_cancel) = (acceptance.estimated_seconds, acceptance.can_cancel);
        task.usage = acceptance.usage;
        task
    }
}
