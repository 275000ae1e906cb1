//! One exchange: a request goes out with everything that belongs to it, and an answer comes in, within its limits.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header, response::Parts};
use http_body_util::BodyExt as _;
use seedream_core::{Error, ErrorKind, Reply, Result, Timestamp};
use tokio::time::{Instant, timeout_at};

use crate::{AnswerBody, Departure, Endpoint, Reached, Transport};

/// The provider's quotation number for one operation, the same at all its attempts and polls: one that changed with each
/// attempt would help nobody to find out what became of a lost one.
const CLIENT_REQUEST_ID: &str = "x-client-request-id";

/// What every request of one operation needs to get out.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) provider: &'static str,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) endpoint: Endpoint,
    pub(crate) user_agent: HeaderValue,
    pub(crate) request_id: HeaderValue,
    /// The most bytes of an answer.
    pub(crate) max_reply: u64,
}

/// A request without an answer.
#[derive(Debug)]
pub(crate) enum Lost {
    /// It provably went nowhere.
    NotSent(Error),
    /// It may have arrived.
    Sent(Error),
}

impl Lost {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::NotSent(error) | Self::Sent(error) => error,
        }
    }
}

impl Link {
    /// Sends a request with a path below the base URL, and waits for the head of its answer.
    pub(crate) async fn send(&self, mut request: http::Request<Bytes>, until: Instant) -> Result<Incoming, Lost> {
        self.endpoint.address(&mut request).map_err(Lost::NotSent)?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        headers.insert(CLIENT_REQUEST_ID, self.request_id.clone());
        let departure = Departure::default();
        request.extensions_mut().insert(departure.clone());
        match timeout_at(until, self.transport.send(request)).await {
            Ok(Ok(answer)) => {
                let (head, body) = answer.into_parts();
                Ok(Incoming {
                    endpoint: self.endpoint.clone(),
                    head,
                    body,
                    until,
                    room: self.max_reply,
                    received_at: Timestamp::now(),
                })
            }
            Ok(Err(error)) if error.reached() == Reached::NotSent => Err(Lost::NotSent(error.into())),
            Ok(Err(error)) => Err(Lost::Sent(error.into())),
            Err(_) if departure.reached() == Reached::NotSent => {
                Err(Lost::NotSent(Error::new(ErrorKind::Timeout, "no connection was made in time")))
            }
            Err(_) => Err(Lost::Sent(Error::new(ErrorKind::Timeout, "no answer came in time"))),
        }
    }
}

/// An answer that is arriving.
#[derive(Debug)]
pub(crate) struct Incoming {
    endpoint: Endpoint,
    head: Parts,
    body: AnswerBody,
    until: Instant,
    /// How many bytes it may still have.
    room: u64,
    received_at: Timestamp,
}

impl Incoming {
    pub(crate) fn status(&self) -> http::StatusCode {
        self.head.status
    }

    pub(crate) fn content_type(&self) -> &str {
        self.head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer with this body.
    pub(crate) fn reply(&self, body: impl Into<Bytes>) -> Reply {
        let body = self.endpoint.scrub(body.into());
        Reply::new(self.head.status, self.head.headers.clone(), body, self.received_at)
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], [`ErrorKind::TooLarge`], or that the connection broke.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            let frame = match timeout_at(self.until, self.body.frame()).await {
                Ok(Some(frame)) => frame?,
                Ok(None) => return Ok(None),
                Err(_) => return Err(Error::new(ErrorKind::Timeout, "the answer was not complete in time")),
            };
            let Ok(bytes) = frame.into_data() else { continue };
            match self.room.checked_sub(bytes.len() as u64) {
                Some(room) => self.room = room,
                None => {
                    return Err(Error::new(ErrorKind::TooLarge, "the answer is larger than the limit of the client"));
                }
            }
            return Ok(Some(bytes));
        }
    }

    /// Reads on to the end.
    ///
    /// # Errors
    /// As [`Incoming::chunk`], with what had arrived.
    pub(crate) async fn whole(mut self, mut body: Vec<u8>) -> Result<Reply, (Reply, Error)> {
        // Growing by doubling copies a large answer several times; a length that lies must not reserve much either.
        const AT_ONCE: u64 = 64 << 20;
        let stated = self.head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let ahead = stated.unwrap_or(0).min(AT_ONCE).min(self.room);
        body.reserve(usize::try_from(ahead).unwrap_or(0).saturating_sub(body.len()));
        loop {
            match self.chunk().await {
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                Ok(None) => return Ok(self.reply(body)),
                Err(error) => return Err((self.reply(body), error)),
            }
        }
    }
}
