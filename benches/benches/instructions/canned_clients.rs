//! Clients whose transport has one response to everything, and an adapter that reads none.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use seedream::adapters::{Ark, Evolink};
use seedream::seedream_client::{ResponseBody, Transport, TransportError};
use seedream::seedream_core::{Capabilities, Checked, Decoded, Descriptor, Dialect, Effective, Policy, Response};
use seedream::{Client, ErrorKind, ModelId};
use serde_json::{Map, Value};

use crate::Result;

/// How a response arrives, in bytes.
pub(crate) const CHUNK: usize = 16 << 10;

pub(crate) fn client(dialect: impl Dialect, content_type: &'static str, body: &Bytes) -> Result<Client> {
    let transport = Arc::new(Canned { content_type, body: body.clone() });
    Ok(Client::builder(dialect).key("sk-bench-0123456789").seed(1).transport(transport).build()?)
}

/// A client whose task runs for so many polls.
pub(crate) fn polled(polls: usize) -> Result<Client> {
    let mut policy = Policy::default();
    policy.deadline = Duration::from_secs(86_400);
    (policy.pace.shortest, policy.pace.longest) = (Duration::ZERO, Duration::ZERO);
    let transport = Arc::new(Polled { polls, seen: AtomicUsize::new(0) });
    let builder = Client::builder(Evolink).key("sk-bench-0123456789").seed(1).policy(policy).polls_per_second(0);
    Ok(builder.transport(transport).build()?)
}

/// Responds to polls: the task is done after so many, and then begins again.
#[derive(Debug)]
struct Polled {
    polls: usize,
    seen: AtomicUsize,
}

#[async_trait]
impl Transport for Polled {
    async fn send(&self, _: http::Request<Bytes>) -> std::result::Result<http::Response<ResponseBody>, TransportError> {
        let done = (self.seen.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.polls);
        let body = if done {
            r#"{"created":1763668800,"id":"task-unified-1","model":"doubao-seedream-4.5","object":"image.generation.task","progress":100,"results":["https://images.example/a.png"],"status":"completed","task_info":{"can_cancel":false},"type":"image"}"#
        } else {
            r#"{"created":1763668800,"id":"task-unified-1","model":"doubao-seedream-4.5","object":"image.generation.task","progress":40,"status":"processing","task_info":{"can_cancel":true},"type":"image"}"#
        };
        let frame = stream::iter([Ok(http_body::Frame::data(Bytes::from_static(body.as_bytes())))]);
        let mut response = http::Response::new(ResponseBody::new(StreamBody::new(frame)));
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

/// Sends nothing, and has this response to everything.
#[derive(Debug)]
struct Canned {
    content_type: &'static str,
    body: Bytes,
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: http::Request<Bytes>) -> std::result::Result<http::Response<ResponseBody>, TransportError> {
        let starts = (0..self.body.len()).step_by(CHUNK);
        let chunks: Vec<_> = starts.map(|at| self.body.slice(at..self.body.len().min(at + CHUNK))).collect();
        let frames = stream::iter(chunks.into_iter().map(|chunk| Ok(http_body::Frame::data(chunk))));
        let mut response = http::Response::new(ResponseBody::new(StreamBody::new(frames)));
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(self.content_type));
        Ok(response)
    }
}

/// Ark's adapter, which can read no response.
pub(crate) struct Unread;

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unread")
    }
}

impl Dialect for Unread {
    fn descriptor(&self) -> &'static Descriptor {
        Ark.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        Ark.capabilities(model)
    }

    fn encode(&self, request: &Checked) -> seedream::Result<http::Request<Bytes>> {
        Ark.encode(request)
    }

    fn decode(&self, _: &Checked, response: &Response) -> seedream::Result<Decoded> {
        Err(seedream::Error::from_response(ErrorKind::MalformedResponse, "unread", response))
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        Ark.effective(request, members)
    }
}
