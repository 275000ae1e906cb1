//! The mock without a socket; where it does not serve a provider, a connection without a response.

use std::time::SystemTime;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use seedream_client::{Reached, ResponseBody, Transport, TransportError};
use seedream_mock::{Engine, ScriptEnd, Settings};

use crate::Subject;

/// A host that no request leaves for.
pub(crate) const HOST: &str = "http://mock.localhost";

/// A mock that serves a subject's provider by the facts that the subject is judged by; `None` where there are none.
pub(crate) fn mock_of(subject: &Subject) -> Option<Engine> {
    subject.provider().map(|_| Engine::with(subject.facts().clone(), Settings::default()))
}

/// A transport to a mock of its own. Without facts of the provider no request has a response.
pub(crate) struct InProcessMock {
    mock: Option<Engine>,
}

impl InProcessMock {
    pub(crate) fn new(subject: &Subject) -> Self {
        Self { mock: mock_of(subject) }
    }
}

impl fmt::Debug for InProcessMock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcessMock")
    }
}

#[async_trait]
impl Transport for InProcessMock {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let Some(mock) = &self.mock else {
            return Err(TransportError::new(Reached::Sent, "the mock does not serve this provider"));
        };
        let script = mock.handle(SystemTime::now(), &request);
        if script.end == ScriptEnd::Reset {
            return Err(TransportError::new(Reached::Sent, "connection reset"));
        }
        let body = ResponseBody::from(script.body());
        let response = http::Response::builder().status(script.status).body(body);
        let mut response = response.map_err(|error| TransportError::new(Reached::Sent, error.to_string()))?;
        *response.headers_mut() = script.headers;
        Ok(response)
    }
}
