//! Lets one request pass, and keeps what was said.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use seedream_client::{AnswerBody, Reached, Transport, TransportError};

use super::{Free, Recorded};

/// The most bytes of an answer; an error or a list has less.
const MOST: usize = 4 << 20;

/// A transport for one question: the first request that is the question goes out, and nothing else ever.
pub(super) struct Gate {
    free: Free,
    inner: Arc<dyn Transport>,
    passed: Mutex<bool>,
    recorded: OnceLock<Recorded>,
}

impl Gate {
    pub(super) fn new(free: Free, inner: Arc<dyn Transport>) -> Self {
        Self { free, inner, passed: Mutex::new(false), recorded: OnceLock::new() }
    }

    /// What was said, once it was.
    pub(super) fn recorded(&self) -> Option<Recorded> {
        self.recorded.get().cloned()
    }

    /// Whether a request may go out; the next may not.
    fn passes(&self, request: &http::Request<Bytes>) -> bool {
        let Ok(mut passed) = self.passed.lock() else { return false };
        !std::mem::replace(&mut *passed, true) && self.free.admits(request)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

#[async_trait]
impl Transport for Gate {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<AnswerBody>, TransportError> {
        if !self.passes(&request) {
            return Err(TransportError::new(
                Reached::NotSent,
                "a run that must cost nothing sends one request, and not this",
            ));
        }
        let asked = request.clone();
        let (head, body) = self.inner.send(request).await?.into_parts();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|error| TransportError::new(Reached::Sent, error.to_string()))?.to_bytes();
        // The first is the only one.
        let _ = self.recorded.set(Recorded::new(&self.free, &asked, &head, &body));
        Ok(http::Response::from_parts(head, Full::new(body).map_err(|never| match never {}).boxed_unsync()))
    }
}
