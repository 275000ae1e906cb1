//! What an operation shows of itself while it is driven; see [`crate::trace`].

use bytes::Bytes;
use seedream_core::{Event, ModelId, Purpose, Result, Task};
use tracing::Span;

use super::link::{Incoming, Link, Lost};
use crate::trace::Trace;

/// The span of an operation, and how many requests it has made.
#[derive(Debug)]
pub(super) struct Watch {
    trace: Trace,
    attempts: u32,
    polls: u32,
}

impl Watch {
    pub(super) fn new(link: &Link, task: Option<&Task>, model: &ModelId) -> Self {
        let purpose = if task.is_some() { "resume" } else { "submit" };
        let trace = Trace::operation(link, model.as_str(), purpose);
        if let Some(task) = task {
            trace.task(task.id.as_str());
        }
        Self { trace, attempts: 0, polls: 0 }
    }

    /// Whether anybody watches the operation.
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
        link: &Link,
    ) -> Trace {
        let count = match purpose {
            Purpose::Submit => &mut self.attempts,
            Purpose::Poll => &mut self.polls,
        };
        *count = count.saturating_add(1);
        Trace::exchange(purpose, *count, request, link.places.get(place))
    }

    /// What the caller is told.
    pub(super) fn told(&mut self, event: Result<Event>) -> Result<Event> {
        match &event {
            Ok(Event::Submitted(task)) => self.trace.task(task.id.as_str()),
            Ok(Event::Finished(generation)) => {
                self.trace.images(generation.images().count());
                self.trace.succeeded();
            }
            Ok(_) => {}
            Err(error) => self.trace.ended_with(error),
        }
        event
    }
}

impl Trace {
    /// What came of sending a request.
    pub(super) fn sent(&mut self, sent: &Result<Incoming, Lost>) {
        match sent {
            Ok(incoming) => self.answered(incoming.status()),
            Err(Lost::NotSent(error) | Lost::Sent(error)) => self.failed(error.kind()),
        }
    }
}
