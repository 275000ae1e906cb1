//! The mock upstream without a socket: what is sent to it is answered in this process and stands in its journal.

use std::{fmt, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use seedream_client::{AnswerBody, Reached, Transport, TransportError};
use seedream_core::Timestamp;
use seedream_mock::{End, Engine, Entry, MockServer};

/// A transport that ends in a mock of its own.
pub(crate) struct InProcess {
    engine: Engine,
    bodies: Mutex<Vec<Bytes>>,
}

/// A host that no request leaves for.
pub(crate) const HOST: &str = "http://mock.invalid";

impl InProcess {
    pub(crate) fn new() -> Self {
        Self { engine: MockServer::builder().engine(), bodies: Mutex::default() }
    }

    /// What has reached it, by its own journal.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.engine.journal(None)
    }

    /// The first body that has reached it: the journal shortens long texts.
    pub(crate) fn first_body(&self) -> Option<Bytes> {
        self.bodies.lock().ok()?.first().cloned()
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<AnswerBody>, TransportError> {
        if let Ok(mut bodies) = self.bodies.lock() {
            bodies.push(request.body().clone());
        }
        let script = self.engine.handle(Timestamp::now(), &request);
        if script.end == End::Reset {
            return Err(TransportError::new(Reached::Sent, "connection reset"));
        }
        let headers = script.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let response =
            headers.fold(http::Response::builder().status(script.status), |r, (name, value)| r.header(name, value));
        let body = Full::new(script.body()).map_err(|never| match never {}).boxed_unsync();
        response.body(body).map_err(|error| TransportError::new(Reached::Sent, error.to_string()))
    }
}
