//! Sends requests, each with everything that belongs to it.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use seedream_core::{Dialect, Error, ErrorKind, Generation, Result, Timestamp};
use tokio::time::{Instant, timeout_at};

use super::{incoming_response::IncomingResponse, poll_pacer::PollPacer};
use crate::{
    body::content_coding::DecodedBody,
    disk::Spool,
    endpoint::{self, Endpoint},
    trace::TraceSpan,
    transport::{Departure, Reached, Transport},
};

/// The provider's quotation number for one operation, the same at all its attempts and polls: one that changed with each
/// attempt would not help to find out what became of a lost one.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// What every request of one operation needs to get out.
#[derive(Clone, Debug)]
pub(crate) struct RequestSender {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) transport: Arc<dyn Transport>,
    /// The endpoint and its mirrors; never empty.
    pub(crate) endpoints: Arc<[Endpoint]>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) request_id: HeaderValue,
    /// The most bytes of a response.
    pub(crate) max_response: u64,
    /// The most bytes of a response that are no image.
    pub(crate) max_text: u64,
    /// Where images go that stand in a response itself.
    pub(crate) spool: Spool,
    /// When polls are sent.
    pub(crate) pacer: Arc<PollPacer>,
}

/// A request without a response.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// It provably went nowhere.
    NotSent(Error),
    /// It may have arrived.
    Sent(Error),
}

impl SendFailure {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::NotSent(error) | Self::Sent(error) => error,
        }
    }
}

impl RequestSender {
    /// The outcome with what was put right in the endpoints, and with the URL of a submit that was not found.
    pub(crate) fn finish(&self, outcome: Result<Generation>) -> Result<Generation> {
        match outcome {
            Ok(mut generation) => {
                generation.warnings.splice(..0, endpoint::warnings(&self.endpoints));
                Ok(generation)
            }
            Err(error) => Err(match endpoint::not_found_advice(&*self.dialect, &error) {
                Some(advice) => error.with_advice(advice),
                None => error,
            }),
        }
    }

    /// Sends a request with a path below the base URL of a place, and waits for the head of its response.
    pub(crate) async fn send(
        &self,
        place: usize,
        mut request: http::Request<Bytes>,
        until: Instant,
        departure: &Departure,
    ) -> Result<Box<IncomingResponse>, SendFailure> {
        let endpoint = self.endpoints.get(place).ok_or_else(nowhere).map_err(SendFailure::NotSent)?;
        endpoint.address(&mut request).map_err(SendFailure::NotSent)?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        headers.insert(CLIENT_REQUEST_ID, self.request_id.clone());
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.extensions_mut().insert(departure.clone());
        let length = request.body().len();
        let mut sending = pin!(self.transport.send(request));
        // Once the body has left, it is too late to be late.
        let early = departure.must_leave_by().map_or(until, |by| until.min(by));
        let sent = match timeout_at(early, &mut sending).await {
            Err(_) if early < until && !departure.forbid() => timeout_at(until, sending).await,
            sent => sent,
        };
        match sent {
            Ok(Ok(response)) => {
                let (mut head, body) = response.into_parts();
                let body = DecodedBody::new(&mut head.headers, body);
                // In a box: it goes through the hands of several futures, each of which would have room for it.
                Ok(Box::new(IncomingResponse {
                    endpoints: self.endpoints.clone(),
                    place,
                    head,
                    body,
                    until,
                    room: self.max_response,
                    max_text: self.max_text,
                    spool: self.spool.clone(),
                    trace: TraceSpan::none(),
                    received_at: Timestamp::now(),
                }))
            }
            Ok(Err(error)) if error.reached() == Reached::NotSent => Err(SendFailure::NotSent(error.into())),
            Ok(Err(error)) => Err(SendFailure::Sent(large(error.into(), length))),
            Err(_) if departure.forbid() => {
                Err(SendFailure::NotSent(late("no connection was made in time", departure)))
            }
            Err(_) => Err(SendFailure::Sent(late("no response came in time", departure))),
        }
    }
}

/// An error of a request that broke off, with the size of its body where that may be why.
fn large(error: Error, length: usize) -> Error {
    const LARGE: usize = 1 << 20;
    if length < LARGE || error.kind() != ErrorKind::Transport {
        return error;
    }
    let megabytes = length as f64 / 1e6;
    error.adding(&format!(
        "; the request has {megabytes:.1} MB, which some gateways cut off: a smaller reference image, or its URL, may pass"
    ))
}

fn late(what: &str, departure: &Departure) -> Error {
    let way = departure.proxy().map(|proxy| format!(", through {proxy}")).unwrap_or_default();
    Error::new(ErrorKind::Timeout, format!("{what}{way}"))
}

fn nowhere() -> Error {
    Error::new(ErrorKind::Config, "the operation names a place that this client does not have")
}
