//! What an operation records in its span; see [`crate::trace`].

use bytes::Bytes;
use seedream_core::{Event, ModelId, Purpose, Result, Task};
use tokio::time::Instant;
use tracing::{Span, debug, info};

use super::{
    incoming_response::IncomingResponse,
    request_sender::{RequestSender, SendFailure},
};
use crate::trace::TraceSpan;

/// The span of an operation, and how many requests it has made.
#[derive(Debug)]
pub(super) struct OperationTrace {
    trace: TraceSpan,
    attempts: u32,
    polls: u32,
}

impl OperationTrace {
    pub(super) fn new(sender: &RequestSender, task: Option<&Task>, model: &ModelId) -> Self {
        let purpose = if task.is_some() { "resume" } else { "submit" };
        let trace =
            TraceSpan::operation(sender.dialect.descriptor().id.as_str(), model.as_str(), purpose, &sender.request_id);
        if let Some(task) = task {
            trace.task(task.id.as_str());
        }
        Self { trace, attempts: 0, polls: 0 }
    }

    /// Whether there is a subscriber.
    pub(super) fn listens(&self) -> bool {
        self.trace.listens()
    }

    pub(super) fn span(&self) -> Span {
        self.trace.span()
    }

    /// A request that is about to be sent.
    pub(super) fn exchange(
        &mut self,
        purpose: Purpose,
        place: usize,
        request: &http::Request<Bytes>,
        sender: &RequestSender,
    ) -> TraceSpan {
        let count = match purpose {
            Purpose::Submit => &mut self.attempts,
            Purpose::Poll => &mut self.polls,
        };
        *count = count.saturating_add(1);
        TraceSpan::exchange(purpose, *count, request, sender.endpoints.get(place))
    }

    /// A wait before the next request, so that a log explains all of the time that an operation takes.
    pub(super) fn waits(&self, until: Instant) {
        self.trace.span().in_scope(|| {
            let wait_ms = u64::try_from(until.duration_since(Instant::now()).as_millis()).unwrap_or(u64::MAX);
            debug!(target: "seedream", wait_ms, "waits for the next request");
        });
    }

    /// Records an event that the caller gets.
    pub(super) fn observe(&mut self, event: Result<Event>) -> Result<Event> {
        match &event {
            Ok(Event::Submitted(task)) => self.trace.task(task.id.as_str()),
            Ok(Event::Finished(generation)) => {
                self.trace.images(generation.images().count());
                self.trace.succeeded();
            }
            Ok(Event::Retrying { attempt, wait, kind }) => self.trace.span().in_scope(|| {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                info!(target: "seedream", attempt, wait_ms, kind = kind.as_str(), "the request is sent again");
            }),
            Ok(_) => {}
            Err(error) => self.trace.ended_with(error),
        }
        event
    }
}

/// Records what a request led to.
pub(super) fn trace_sent(trace: &mut TraceSpan, sent: &Result<Box<IncomingResponse>, SendFailure>) {
    match sent {
        Ok(incoming) => trace.answered(incoming.status()),
        Err(SendFailure::NotSent(error) | SendFailure::Sent(error)) => trace.failed(error.kind()),
    }
}
