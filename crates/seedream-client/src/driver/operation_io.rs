//! The requests of an operation and what comes back.

use http::Uri;
use seedream_core::{Error, ErrorKind, Exchange, Generation, Input, Purpose, Result};
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

use super::{
    operation_trace::trace_sent,
    relative_links::resolve_outcome,
    request_sender::{RequestSender, SendFailure},
    response_reader::{self, EventFrames, ExpectedBody, OpenedResponse},
    spooled_images::SpooledImages,
};
use crate::{trace::TraceSpan, transport::Departure};

/// What an operation's requests go out and come in through.
pub(super) struct OperationIo {
    pub(super) sender: RequestSender,
    expect: ExpectedBody,
    /// The stream that is being read.
    frames: Option<Box<EventFrames>>,
    /// Where the last request went, from which the links of its response are seen.
    pub(super) requested: Option<Box<SentRequest>>,
    /// The images that arrived in the responses themselves.
    spooled: SpooledImages,
}

/// Where a request went.
pub(super) struct SentRequest {
    place: usize,
    path: Uri,
}

impl SentRequest {
    fn url(&self, sender: &RequestSender) -> Option<Url> {
        Url::parse(&sender.endpoints.get(self.place)?.uri(&self.path).ok()?.to_string()).ok()
    }
}

impl OperationIo {
    pub(super) fn new(sender: RequestSender, expect: ExpectedBody) -> Self {
        let spooled = SpooledImages::new(sender.spool.clone());
        Self { sender, expect, frames: None, requested: None, spooled }
    }

    /// The URL of the request to which the last response belongs.
    pub(super) fn base(&self) -> Option<Url> {
        self.requested.as_deref().and_then(|requested| requested.url(&self.sender))
    }

    /// The end of an operation, with all that came.
    pub(super) fn read(&mut self, outcome: Result<Generation>) -> Result<Generation> {
        // Some gateways repeat the key that they were sent.
        let secrets = self.sender.endpoints.iter().filter_map(|place| place.secret());
        let outcome = match outcome {
            Ok(generation) => Ok(secrets.fold(generation, Generation::without)),
            Err(error) => Err(secrets.fold(error, Error::without)),
        };
        let mut outcome = resolve_outcome(outcome, || self.base());
        if let Some(frames) = self.frames.take() {
            let (seen, blobs) = frames.into_seen();
            outcome = self.spooled.stream(seen, blobs, outcome);
        }
        outcome
    }

    /// The outcome as the caller gets it: what is not needed is removed, and what could not be read is kept.
    pub(super) async fn settle(&mut self, mut outcome: Result<Generation>) -> Result<Generation> {
        if !self.spooled.is_settled(&outcome) {
            outcome = Box::pin(self.spooled.settle(outcome)).await;
        }
        self.sender.finish(outcome)
    }

    /// The next event of the stream.
    pub(super) async fn frame(&mut self) -> Input {
        let Some(frames) = &mut self.frames else { return unexpected("no stream is open") };
        let mut input = frames.next().await;
        self.spooled.note(&mut input).await;
        input
    }

    /// Sends one request and reads its response, or the beginning of it where it is a stream.
    pub(super) async fn exchange(
        &mut self,
        exchange: Box<Exchange>,
        until: Option<Instant>,
        departure: &Departure,
        mut trace: TraceSpan,
    ) -> Input {
        let Exchange { request, purpose, place, .. } = *exchange;
        let Some(until) = until else {
            return Input::NotSent(Error::new(ErrorKind::Timeout, "the deadline passed before the poll could be sent"));
        };
        self.requested = Some(Box::new(SentRequest { place, path: request.uri().clone() }));
        let sent = self.sender.send(place, request, until, departure).instrument(trace.span()).await;
        trace_sent(&mut trace, &sent);
        let span = trace.span();
        let incoming = match sent {
            Ok(incoming) => incoming.watched(trace),
            Err(SendFailure::NotSent(error)) => return Input::NotSent(error),
            Err(SendFailure::Sent(error)) => return Input::Broken { partial: None, error },
        };
        let expect = if purpose == Purpose::Submit { self.expect } else { ExpectedBody::Poll };
        let OpenedResponse { mut input, frames } = response_reader::open(incoming, expect).instrument(span).await;
        self.frames = frames;
        self.spooled.note(&mut input).await;
        input
    }
}

/// The input where nothing is left to read: never a regular end.
pub(super) fn unexpected(message: &str) -> Input {
    Input::Broken { partial: None, error: Error::new(ErrorKind::Config, message) }
}
