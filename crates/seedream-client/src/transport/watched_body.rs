//! A request body that notes when it begins to leave.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use seedream_core::ErrorKind;

use super::{
    departure::Departure,
    error::{Reached, TransportError},
};

/// A request's body; a connection takes bytes out of it only when it writes them.
#[derive(Debug)]
pub(super) struct WatchedBody {
    bytes: Option<Bytes>,
    departure: Departure,
}

impl WatchedBody {
    /// An empty body is never taken, so nothing can be said of it and it is not watched.
    pub(super) fn new(bytes: Bytes, departure: Departure) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        if bytes.is_some() {
            departure.watch();
        }
        Self { bytes, departure }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        if !self.departure.leave() {
            let late = TransportError::new(Reached::NotSent, "the connection was made too late to send the request");
            return Poll::Ready(Some(Err(late.with_kind(ErrorKind::Timeout))));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    /// Exact, so that it is sent with a `Content-Length`: several gateways refuse a chunked request.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
