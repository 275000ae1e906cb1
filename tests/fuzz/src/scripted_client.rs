//! A client whose responses are given, chunk by chunk.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use seedream::Client;
use seedream::seedream_client::{Reached, ResponseBody, Transport, TransportError};
use seedream::seedream_core::{Dialect, Policy};

/// What answers every request.
#[derive(Debug)]
pub(crate) struct Scripted {
    /// What a purchase is answered with, where it is not the response under test.
    pub(crate) accepted: Option<&'static str>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How many bytes come at a time.
    pub(crate) chunk: usize,
    /// Whether the connection breaks behind the body.
    pub(crate) broken: bool,
    pub(crate) purchases: AtomicUsize,
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        let is_purchase = request.method() == Method::POST;
        if is_purchase {
            self.purchases.fetch_add(1, Ordering::Relaxed);
            if let Some(accepted) = self.accepted {
                return Ok(Response::new(body(Bytes::from_static(accepted.as_bytes()), usize::MAX, false)));
            }
        }
        let mut response = Response::new(body(self.body.clone(), self.chunk, self.broken));
        *response.headers_mut() = self.headers.clone();
        Ok(response)
    }
}

fn body(mut left: Bytes, chunk: usize, broken: bool) -> ResponseBody {
    let mut frames = Vec::new();
    while !left.is_empty() {
        frames.push(Ok(Frame::data(left.split_to(chunk.clamp(1, left.len())))));
    }
    if broken {
        frames.push(Err(TransportError::new(Reached::Sent, "the connection broke")));
    }
    ResponseBody::new(StreamBody::new(stream::iter(frames)))
}

/// A client of a dialect that is answered so, and is not patient.
pub(crate) fn client(dialect: Arc<dyn Dialect>, scripted: Arc<Scripted>) -> Client {
    let mut policy = Policy::default();
    policy.deadline = Duration::from_secs(20);
    let client = Client::builder(dialect).key("sk-key").seed(1).policy(policy).polls_per_second(0).transport(scripted);
    client.build().expect("nothing is wrong with it")
}

/// Runs something in virtual time.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime needs nothing").block_on(future)
}
