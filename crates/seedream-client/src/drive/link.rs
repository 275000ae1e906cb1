//! One exchange: a request goes out with everything that belongs to it, and a response comes in, within its limits.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, header, response::Parts};
use http_body_util::BodyExt as _;
use seedream_core::{Blobs, Dialect, Error, ErrorKind, Generation, ImageData, Response, Result, Timestamp};
use tokio::time::{Instant, timeout_at};

use super::turns::Turns;
use crate::{
    Departure, Endpoint, Reached, Transport,
    coding::Decoded,
    endpoint,
    lift::{Grammar, Intake, THRESHOLD, Text},
    spool::Spool,
    trace::Trace,
};

/// The provider's quotation number for one operation, the same at all its attempts and polls: one that changed with each
/// attempt would help nobody to find out what became of a lost one.
const CLIENT_REQUEST_ID: &str = "x-client-request-id";

/// What every request of one operation needs to get out.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) transport: Arc<dyn Transport>,
    /// The endpoint and its mirrors; never empty.
    pub(crate) places: Arc<[Endpoint]>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) request_id: HeaderValue,
    /// The most bytes of a response.
    pub(crate) max_response: u64,
    /// The most bytes of a response that are no image.
    pub(crate) max_text: u64,
    /// Where images go that stand in a response itself.
    pub(crate) spool: Spool,
    /// When polls are sent.
    pub(crate) turns: Arc<Turns>,
}

/// A request without a response.
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
    /// The outcome with what was put right in the places, and with the URL of a submit that was not found.
    pub(crate) fn told(&self, outcome: Result<Generation>) -> Result<Generation> {
        match outcome {
            Ok(mut generation) => {
                generation.warnings.splice(..0, endpoint::warnings(&self.places));
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
    ) -> Result<Incoming, Lost> {
        let endpoint = self.places.get(place).ok_or_else(nowhere).map_err(Lost::NotSent)?;
        endpoint.address(&mut request).map_err(Lost::NotSent)?;
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
                let body = Decoded::new(&mut head.headers, body);
                Ok(Incoming {
                    endpoint: endpoint.clone(),
                    head,
                    body,
                    until,
                    room: self.max_response,
                    max_text: self.max_text,
                    spool: self.spool.clone(),
                    trace: Trace::none(),
                    received_at: Timestamp::now(),
                })
            }
            Ok(Err(error)) if error.reached() == Reached::NotSent => Err(Lost::NotSent(error.into())),
            Ok(Err(error)) => Err(Lost::Sent(large(error.into(), length))),
            Err(_) if departure.forbid() => Err(Lost::NotSent(late("no connection was made in time", departure))),
            Err(_) => Err(Lost::Sent(late("no answer came in time", departure))),
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

/// A response that is arriving.
#[derive(Debug)]
pub(crate) struct Incoming {
    endpoint: Endpoint,
    head: Parts,
    body: Decoded,
    until: Instant,
    /// How many bytes it may still have.
    room: u64,
    /// How many of them may be no image.
    max_text: u64,
    spool: Spool,
    received_at: Timestamp,
    /// Who counts what arrives.
    trace: Trace,
}

impl Incoming {
    /// The same, seen from outside.
    pub(crate) fn watched(self, trace: Trace) -> Self {
        Self { trace, ..self }
    }

    pub(crate) fn status(&self) -> http::StatusCode {
        self.head.status
    }

    pub(crate) fn content_type(&self) -> &str {
        self.head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The response with this body.
    pub(crate) fn response(&self, body: impl Into<Bytes>) -> Response {
        let body = body.into();
        let body = if self.head.status.is_success() { body } else { self.endpoint.scrub(body) };
        Response::new(self.head.status, self.head.headers.clone(), body, self.received_at)
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], [`ErrorKind::TooLarge`], or that the connection broke.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            // A body that is always there never lets a timer fire.
            if Instant::now() >= self.until {
                return Err(self.lost(Error::new(ErrorKind::Timeout, "the answer was not complete in time")));
            }
            let frame = match timeout_at(self.until, self.body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(self.lost(error.into())),
                Ok(None) => return Ok(None),
                Err(_) => return Err(self.lost(Error::new(ErrorKind::Timeout, "the answer was not complete in time"))),
            };
            let Ok(bytes) = frame.into_data() else { continue };
            self.trace.read(bytes.len());
            match self.room.checked_sub(bytes.len() as u64) {
                Some(room) => self.room = room,
                None => {
                    let message = "the answer is larger than the limit of the client";
                    return Err(self.lost(Error::new(ErrorKind::TooLarge, message)));
                }
            }
            return Ok(Some(bytes));
        }
    }

    /// Whether so many bytes that are no image may have come.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`].
    pub(crate) fn room_for_text(&mut self, length: usize) -> Result<()> {
        if length as u64 <= self.max_text {
            return Ok(());
        }
        let message = format!(
            "the response has more than {} bytes that are not an image: `ClientBuilder::max_text_bytes` raises the limit",
            self.max_text
        );
        Err(self.lost(Error::new(ErrorKind::TooLarge, message)))
    }

    fn lost(&mut self, error: Error) -> Error {
        self.trace.failed(error.kind());
        error
    }

    /// What takes the images out of this response.
    pub(crate) fn intake(&self, grammar: Grammar) -> Intake {
        Intake::new(grammar, self.spool.clone())
    }

    /// Reads on to the end, and takes the images out of a success.
    ///
    /// # Errors
    /// As [`Incoming::chunk`], with what had arrived.
    pub(crate) async fn whole(mut self, so_far: &[u8], grammar: Grammar) -> Result<Response, (Response, Error)> {
        // A length that lies must not reserve much, and most of a large answer is images.
        const AT_ONCE: u64 = 1 << 20;
        let stated = self.head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let ahead = usize::try_from(stated.unwrap_or(0).min(AT_ONCE).min(self.room)).unwrap_or(0);
        let mut body = Body { text: Vec::with_capacity(ahead), blobs: Blobs::default() };
        // What is refused holds no image, and is told as it is.
        let holds_images = self.head.status.is_success();
        let mut intake = None;
        body.text(so_far);
        let ended = loop {
            if let Err(error) = self.room_for_text(body.text.len()) {
                break Err(error);
            }
            // A response that is shorter than what is lifted has nothing to be lifted.
            if intake.is_none() && holds_images && body.text.len() > THRESHOLD {
                let begun = std::mem::take(&mut body.text);
                intake.insert(self.intake(grammar)).feed(&begun, &mut body).await;
            }
            match (self.chunk().await, &mut intake) {
                (Ok(Some(bytes)), Some(intake)) => intake.feed(&bytes, &mut body).await,
                (Ok(Some(bytes)), None) => body.text(&bytes),
                (Ok(None), _) => break Ok(()),
                (Err(error), _) => break Err(error),
            }
        };
        if let Some(mut intake) = intake {
            intake.finish(&mut body).await;
        }
        let response = self.response(body.text).with_blobs(body.blobs);
        match ended {
            Ok(()) => Ok(response),
            Err(error) => Err((response, error)),
        }
    }
}

/// A body without its images.
#[derive(Debug)]
struct Body {
    text: Vec<u8>,
    blobs: Blobs,
}

impl Text for Body {
    fn text(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    fn image(&mut self, token: &str, data: ImageData) {
        self.blobs.insert(token, data);
    }
}
