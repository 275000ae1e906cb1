//! A response that is arriving, within its limits.

use std::sync::Arc;

use bytes::Bytes;
use http::{header, response::Parts};
use http_body_util::BodyExt as _;
use seedream_core::{Blobs, Error, ErrorKind, ImageData, Response, Result, Timestamp};
use tokio::time::{Instant, timeout_at};

use crate::{
    body::{
        base64_stream::{BodySink, BodySyntax, ImageExtractor, THRESHOLD},
        content_coding::DecodedBody,
    },
    disk::Spool,
    endpoint::Endpoint,
    trace::TraceSpan,
};

/// A response that is arriving.
#[derive(Debug)]
pub(crate) struct IncomingResponse {
    pub(super) endpoints: Arc<[Endpoint]>,
    /// Which of them responds.
    pub(super) place: usize,
    pub(super) head: Parts,
    pub(super) body: DecodedBody,
    pub(super) until: Instant,
    /// How many bytes it may still have.
    pub(super) room: u64,
    /// How many of them may be no image.
    pub(super) max_text: u64,
    pub(super) spool: Spool,
    pub(super) received_at: Timestamp,
    /// Who counts what arrives.
    pub(super) trace: TraceSpan,
}

impl IncomingResponse {
    /// The same, seen from outside.
    pub(crate) fn watched(mut self: Box<Self>, trace: TraceSpan) -> Box<Self> {
        self.trace = trace;
        self
    }

    pub(crate) fn status(&self) -> http::StatusCode {
        self.head.status
    }

    pub(crate) fn content_type(&self) -> &str {
        self.head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The response with this body.
    pub(crate) fn response(&self, body: impl Into<Bytes>) -> Response {
        let body = match self.endpoints.get(self.place) {
            Some(place) if !self.head.status.is_success() => place.scrub(body.into()),
            _ => body.into(),
        };
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
                return Err(self.lost(Error::new(ErrorKind::Timeout, "the response was not complete in time")));
            }
            let frame = match timeout_at(self.until, self.body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(self.lost(error.into())),
                Ok(None) => return Ok(None),
                Err(_) => {
                    return Err(self.lost(Error::new(ErrorKind::Timeout, "the response was not complete in time")));
                }
            };
            let Ok(bytes) = frame.into_data() else { continue };
            self.trace.read(bytes.len());
            match self.room.checked_sub(bytes.len() as u64) {
                Some(room) => self.room = room,
                None => {
                    let message = "the response is larger than the limit of the client";
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
    pub(crate) fn extractor(&self, syntax: BodySyntax) -> ImageExtractor {
        ImageExtractor::new(syntax, self.spool.clone())
    }

    /// Reads on to the end, and takes the images out of a success.
    ///
    /// # Errors
    /// As [`IncomingResponse::chunk`], with what had arrived.
    pub(crate) async fn whole(
        mut self: Box<Self>,
        so_far: &[u8],
        syntax: BodySyntax,
    ) -> Result<Response, (Response, Error)> {
        // A length that lies must not reserve much, and most of a large response is images.
        const MAX_RESERVED: u64 = 1 << 20;
        let stated = self.head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let ahead = usize::try_from(stated.unwrap_or(0).min(MAX_RESERVED).min(self.room)).unwrap_or(0);
        let mut body = CollectedBody { text: Vec::with_capacity(ahead), blobs: Blobs::default() };
        // What is refused holds no image, and is told as it is.
        let holds_images = self.head.status.is_success();
        body.text(so_far);
        let ended = loop {
            if let Err(error) = self.room_for_text(body.text.len()) {
                break Err(error);
            }
            // A response that is shorter than what is lifted has nothing to be lifted, and no room for it: hence the box.
            if holds_images && body.text.len() > THRESHOLD {
                break Box::pin(self.without_images(syntax, &mut body)).await;
            }
            match self.chunk().await {
                Ok(Some(bytes)) => body.text(&bytes),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let response = self.response(body.text).with_blobs(body.blobs);
        match ended {
            Ok(()) => Ok(response),
            Err(error) => Err((response, error)),
        }
    }

    /// Takes the images out of what has come, and of all that follows.
    async fn without_images(&mut self, syntax: BodySyntax, body: &mut CollectedBody) -> Result<()> {
        let begun = std::mem::take(&mut body.text);
        let mut extractor = self.extractor(syntax);
        extractor.feed(&begun, body).await;
        let ended = loop {
            if let Err(error) = self.room_for_text(body.text.len()) {
                break Err(error);
            }
            match self.chunk().await {
                Ok(Some(bytes)) => extractor.feed(&bytes, body).await,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        extractor.finish(body).await;
        ended
    }
}

/// A body without its images.
#[derive(Debug)]
struct CollectedBody {
    text: Vec<u8>,
    blobs: Blobs,
}

impl BodySink for CollectedBody {
    fn text(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    fn image(&mut self, token: &str, data: ImageData) {
        self.blobs.insert(token, data);
    }
}
