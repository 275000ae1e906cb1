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
use http_body_util::{BodyExt as _, Full, StreamBody};
use seedream_client::{AnswerBody, Reached, Transport, TransportError};
use seedream_core::Reply;
use tokio::time::Instant;

/// A response to a request for an image.
#[derive(Clone)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    end: End,
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// In good order.
    Clean,
    /// The connection breaks.
    Broken,
    /// Nothing comes any more.
    Stands,
    /// Nothing came at all.
    Reset,
}

impl Answer {
    pub(super) fn new(status: u16, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::copy_from_slice(body), end: End::Clean }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

type Answers = dyn Fn(usize, &Request<Bytes>) -> Answer + Send + Sync;

/// A source of images, which remembers when each request came.
pub(super) struct Source {
    start: Instant,
    answers: Box<Answers>,
    sent: Mutex<Vec<(Duration, Request<Bytes>)>>,
}

impl Source {
    pub(super) fn new(
        start: Instant,
        answers: impl Fn(usize, &Request<Bytes>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self { start, answers: Box::new(answers), sent: Mutex::default() }
    }

    pub(super) fn sent(&self) -> Vec<(Duration, Request<Bytes>)> {
        self.sent.lock().map(|sent| sent.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

fn lost(what: &str) -> TransportError {
    TransportError::new(Reached::Sent, what)
}

#[async_trait]
impl Transport for Source {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<AnswerBody>, TransportError> {
        let number = self.sent.lock().map_or(0, |mut sent| {
            sent.push((self.start.elapsed(), request.clone()));
            sent.len() - 1
        });
        let Answer { status, headers, body, end } = (self.answers)(number, &request);
        if end == End::Reset {
            return Err(lost("reset"));
        }
        let chunks: Vec<_> = body.chunks(5000).map(|chunk| Ok(http_body::Frame::data(body.slice_ref(chunk)))).collect();
        let chunks = stream::iter(chunks);
        let body = match end {
            End::Broken => StreamBody::new(chunks.chain(stream::iter([Err(lost("broken"))]))).boxed_unsync(),
            End::Stands => StreamBody::new(chunks.chain(stream::pending())).boxed_unsync(),
            End::Clean | End::Reset => StreamBody::new(chunks).boxed_unsync(),
        };
        let response = Response::builder().status(status);
        let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, value));
        response.body(body).map_err(|error| lost(&error.to_string()))
    }
}

/// A provider that answers a purchase, and each poll, as documented.
pub(super) struct Provider {
    /// To a purchase, and to a poll.
    replies: (Reply, Reply),
    posts: AtomicUsize,
}

impl Provider {
    pub(super) fn new(replies: (Reply, Reply)) -> Self {
        Self { replies, posts: AtomicUsize::new(0) }
    }

    /// How many purchases there were.
    pub(super) fn posts(&self) -> usize {
        self.posts.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

#[async_trait]
impl Transport for Provider {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<AnswerBody>, TransportError> {
        let is_purchase = request.method() == Method::POST;
        let reply = if is_purchase { &self.replies.0 } else { &self.replies.1 };
        self.posts.fetch_add(usize::from(is_purchase), Ordering::Relaxed);
        let body = Full::new(reply.body.clone()).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        response.body(body).map_err(|error| lost(&error.to_string()))
    }
}
