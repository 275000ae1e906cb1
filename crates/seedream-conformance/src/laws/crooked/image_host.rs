//! Where images are fetched from, and the provider that names them.

use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Method, Request, Response};
use http_body_util::StreamBody;
use seedream_client::{Reached, ResponseBody, Transport, TransportError};
use seedream_core::Response as CoreResponse;
use tokio::time::Instant;

/// A response to a request for an image.
#[derive(Clone)]
pub(super) struct ImageResponse {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    end: BodyEnd,
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// In good order.
    Clean,
    /// The connection breaks.
    Broken,
    /// The body stalls.
    Stands,
    /// There is no response.
    Reset,
}

impl ImageResponse {
    pub(super) fn new(status: u16, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::copy_from_slice(body), end: BodyEnd::Clean }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn end(mut self, end: BodyEnd) -> Self {
        self.end = end;
        self
    }
}

type ImageResponder = dyn Fn(usize, &Request<Bytes>) -> ImageResponse + Send + Sync;

/// A host of images that records the time of each request.
pub(super) struct ImageHost {
    start: Instant,
    responses: Box<ImageResponder>,
    sent: Mutex<Vec<(Duration, Request<Bytes>)>>,
}

impl ImageHost {
    pub(super) fn new(
        start: Instant,
        responses: impl Fn(usize, &Request<Bytes>) -> ImageResponse + Send + Sync + 'static,
    ) -> Self {
        Self { start, responses: Box::new(responses), sent: Mutex::default() }
    }

    pub(super) fn sent(&self) -> Vec<(Duration, Request<Bytes>)> {
        self.sent.lock().map(|sent| sent.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for ImageHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImageHost")
    }
}

fn lost(what: &str) -> TransportError {
    TransportError::new(Reached::Sent, what)
}

#[async_trait]
impl Transport for ImageHost {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        let number = self.sent.lock().map_or(0, |mut sent| {
            sent.push((self.start.elapsed(), request.clone()));
            sent.len() - 1
        });
        let ImageResponse { status, headers, body, end } = (self.responses)(number, &request);
        if end == BodyEnd::Reset {
            return Err(lost("reset"));
        }
        let chunks: Vec<_> = body.chunks(5000).map(|chunk| Ok(http_body::Frame::data(body.slice_ref(chunk)))).collect();
        let chunks = stream::iter(chunks);
        let body = match end {
            BodyEnd::Broken => ResponseBody::new(StreamBody::new(chunks.chain(stream::iter([Err(lost("broken"))])))),
            BodyEnd::Stands => ResponseBody::new(StreamBody::new(chunks.chain(stream::pending()))),
            BodyEnd::Clean | BodyEnd::Reset => ResponseBody::new(StreamBody::new(chunks)),
        };
        let recorded = Response::builder().status(status);
        let recorded = headers.iter().fold(recorded, |recorded, (name, value)| recorded.header(*name, value));
        recorded.body(body).map_err(|error| lost(&error.to_string()))
    }
}

/// A provider that responds to a purchase, and each poll, as documented.
pub(super) struct ScriptedProvider {
    /// To a purchase, and to a poll.
    responses: (CoreResponse, CoreResponse),
    posts: AtomicUsize,
}

impl ScriptedProvider {
    pub(super) fn new(responses: (CoreResponse, CoreResponse)) -> Self {
        Self { responses, posts: AtomicUsize::new(0) }
    }

    /// How many purchases there were.
    pub(super) fn posts(&self) -> usize {
        self.posts.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedProvider")
    }
}

#[async_trait]
impl Transport for ScriptedProvider {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        let is_purchase = request.method() == Method::POST;
        let response = if is_purchase { &self.responses.0 } else { &self.responses.1 };
        self.posts.fetch_add(usize::from(is_purchase), Ordering::Relaxed);
        let body = ResponseBody::from(response.body.clone());
        let mut recorded = Response::builder().status(response.status);
        for (name, value) in &response.headers {
            recorded = recorded.header(name, value);
        }
        recorded.body(body).map_err(|error| lost(&error.to_string()))
    }
}
