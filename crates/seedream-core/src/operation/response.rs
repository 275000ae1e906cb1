//! What the response to a submitted request means: images, a task, or an error.

use bytes::Bytes;

use super::{
    Record,
    end::{CUT, floor, incomplete},
    machine::{Collecting, Next, Submitting, Turn},
};
use crate::{Acceptance, Charge, Checked, Decoded, Error, ErrorKind, Response, Task};

impl Turn<'_> {
    /// A response that ended in good order.
    pub(super) fn answered(&mut self, sent: Submitting, response: Response) -> Next {
        let raw = response.body.clone();
        let response = response.mended();
        // A body without a length ends where its connection ends, and a gateway that lost its upstream ends its own response in
        // good order: only the JSON shows that more was meant to come.
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

    /// A response that was cut off, its JSON closed: whatever it holds is kept, and nothing is sent again.
    pub(super) fn cut_off(&mut self, sent: Submitting, mut partial: Response, raw: Bytes, error: Error) -> Next {
        partial.truncated = true;
        match self.operation.dialect.decode(sent.prepared.checked(), &partial) {
            Ok(Decoded::Done(mut generation)) => {
                generation.raw = raw;
                generation.warnings.push(incomplete(&error));
                self.done(generation, sent.prepared.into_checked().into_warnings())
            }
            Ok(Decoded::Accepted(acceptance)) => self.accepted(sent, acceptance, &partial, raw),
            // The head alone says that it was refused.
            Err(refused) if !partial.status.is_success() => {
                let floor = floor(&partial, &refused);
                self.retry_or_fail(sent, refused, floor, Some(&partial))
            }
            Err(seen) => self.lose(error.with_what_arrived(seen).with_body(raw), Charge::Unknown),
        }
    }

    /// A job that was accepted: it is collected, or where the provider is not known to have tasks, told as an error that holds it.
    fn accepted(&mut self, sent: Submitting, acceptance: Acceptance, response: &Response, raw: Bytes) -> Next {
        let task = self.new_task(sent.prepared.checked(), acceptance, response);
        self.record = Some(Record::Accepted { task: Box::new(task.clone()) });
        if self.operation.dialect.tasks().is_some() {
            // The request has done its work, and its images may be large; thousands of tasks may wait at a time.
            let collecting = Collecting::accepted(task, sent.prepared.into_checked().into_warnings());
            return self.collect(collecting, sent.cancelled);
        }
        let ids =
            std::iter::once(&task.id).chain(&task.other_ids).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!(
            "the response accepts task {ids} instead of holding images; the provider's document describes no tasks, so the task cannot be collected here"
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
