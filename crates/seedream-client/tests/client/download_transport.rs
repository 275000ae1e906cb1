//! A transport that downloads come from, for tests with a clock that stands still.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use seedream_client::{Reached, ResponseBody, Transport, TransportError};
use tokio::time::Instant;

/// A response, or none.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

/// How the bytes come and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In good order.
    Clean,
    /// The connection breaks.
    Broken,
    /// Nothing comes any more.
    Stands,
    /// A byte comes each time this has passed.
    Slow(Duration),
    /// Nothing came at all.
    Reset,
}

impl Answer {
    pub(crate) fn new(status: u16, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), body: body.to_vec(), end: End::Clean }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

/// When each request came, and what it was.
type Seen = Vec<(Duration, Request<Bytes>)>;

type Answers = dyn Fn(usize, &Request<Bytes>) -> Answer + Send + Sync;

#[derive(Clone)]
pub(crate) struct Source {
    start: Instant,
    responses: Arc<Answers>,
    seen: Arc<Mutex<Seen>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}

impl Source {
    /// Answers each request by its number and what it is.
    pub(crate) fn new(responses: impl Fn(usize, &Request<Bytes>) -> Answer + Send + Sync + 'static) -> Self {
        Self { start: Instant::now(), responses: Arc::new(responses), seen: Arc::default() }
    }

    /// Answers one by one; the last is repeated.
    pub(crate) fn of(responses: Vec<Answer>) -> Self {
        Self::new(move |number, _| responses[number.min(responses.len() - 1)].clone())
    }

    /// When each request came, in milliseconds.
    pub(crate) fn times(&self) -> Vec<u64> {
        self.seen.lock().unwrap().iter().map(|(at, _)| at.as_millis() as u64).collect()
    }

    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.seen.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    /// Which part each request asked for.
    pub(crate) fn ranges(&self) -> Vec<String> {
        let range = |request: &Request<Bytes>| {
            request.headers().get("range").map_or("all".to_owned(), |range| range.to_str().unwrap().to_owned())
        };
        self.requests().iter().map(range).collect()
    }
}

#[async_trait]
impl Transport for Source {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push((self.start.elapsed(), request.clone()));
            seen.len() - 1
        };
        let Answer { status, headers, body, end } = (self.responses)(number, &request);
        let lost = |message: &str| TransportError::new(Reached::Sent, message);
        if end == End::Reset {
            return Err(lost("reset"));
        }
        let step = if let End::Slow(_) = end { 1 } else { 5000 };
        let chunks: Vec<_> = body.chunks(step).map(Bytes::copy_from_slice).collect();
        let chunks = stream::iter(chunks).then(move |chunk| async move {
            if let End::Slow(wait) = end {
                tokio::time::sleep(wait).await;
            }
            Ok(Frame::data(chunk))
        });
        let body = match end {
            End::Broken => ResponseBody::new(StreamBody::new(chunks.chain(stream::iter([Err(lost("broken"))])))),
            End::Stands => ResponseBody::new(StreamBody::new(chunks.chain(stream::pending()))),
            _ => ResponseBody::new(StreamBody::new(chunks)),
        };
        let response = Response::builder().status(status);
        Ok(headers.iter().fold(response, |response, (name, value)| response.header(*name, value)).body(body).unwrap())
    }
}
