//! An upstream without a socket: the mock, or where it does not serve a provider, a wire that only remembers.

use std::{fmt, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use seedream_client::{Reached, ResponseBody, Transport, TransportError};
use seedream_mock::{Engine, ScriptEnd, Settings};

use crate::Subject;

/// A host that no request leaves for.
pub(crate) const HOST: &str = "http://mock.localhost";

/// A mock that serves a subject's provider by the facts that the subject is judged by; `None` where there are none.
pub(crate) fn mock_of(subject: &Subject) -> Option<Engine> {
    subject.provider().map(|_| Engine::with(subject.facts().clone(), Settings::default()))
}

/// A transport that ends in a mock of its own; a stranger's request is remembered, and not answered.
pub(crate) struct InProcess {
    mock: Option<Engine>,
    reached: Mutex<Vec<(Method, Bytes)>>,
}

impl InProcess {
    pub(crate) fn new(subject: &Subject) -> Self {
        Self { mock: mock_of(subject), reached: Mutex::default() }
    }

    /// What has reached it: the method and the body of each request.
    pub(crate) fn reached(&self) -> Vec<(Method, Bytes)> {
        self.reached.lock().map(|reached| reached.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        if let Ok(mut reached) = self.reached.lock() {
            reached.push((request.method().clone(), request.body().clone()));
        }
        let Some(mock) = &self.mock else { return Err(TransportError::new(Reached::Sent, "nobody answers here")) };
        let script = mock.handle(jiff::Timestamp::now(), &request);
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
