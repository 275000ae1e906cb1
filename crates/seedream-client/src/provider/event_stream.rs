//! The events of one request.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, stream};
use seedream_core::{Charge, Error, ErrorKind, Event, Generation, Result};

/// The events of one request, which runs while they are read. The last is [`Event::Finished`], or an error.
pub struct EventStream(Pin<Box<dyn Stream<Item = Result<Event>> + Send>>);

impl EventStream {
    pub(crate) fn new(events: impl Stream<Item = Result<Event>> + Send + 'static) -> Self {
        Self(Box::pin(events))
    }

    /// Events that a function gives: `None` after the last. `Stream::poll_next` of a stream of events is such a function.
    pub fn from_poll_fn(next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Event>>> + Send + 'static) -> Self {
        Self::new(stream::poll_fn(next))
    }

    /// The next event; `None` after the last.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: no event is lost.
    #[expect(clippy::should_implement_trait, reason = "a stream has a `next` as well")]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Event>>> + Send + Unpin {
        poll_fn(|context| self.0.as_mut().poll_next(context))
    }

    /// The last event, without the others.
    pub(crate) async fn finished(mut self) -> Result<Generation> {
        while let Some(event) = self.next().await {
            if let Event::Finished(generation) = event? {
                return Ok(generation);
            }
        }
        let message = "the operation ended without an outcome";
        Err(Error::new(ErrorKind::Config, message).with_charge(Charge::Unknown))
    }
}

impl Stream for EventStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}
