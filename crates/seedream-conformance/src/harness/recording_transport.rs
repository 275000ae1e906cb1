//! A transport that records.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use seedream_client::{ResponseBody, Transport, TransportError};

/// What was sent, in numbers.
#[derive(Debug, Default)]
pub(crate) struct SentSummary {
    /// The number of requests.
    pub(crate) all: usize,
    /// How many of them could have bought something.
    pub(crate) purchases: usize,
    /// The first body.
    pub(crate) first: Option<Bytes>,
}

/// A transport that records what is sent through it.
#[derive(Debug)]
pub(crate) struct RecordingTransport {
    inner: Arc<dyn Transport>,
    sent: Mutex<Vec<(Method, Bytes)>>,
}

impl RecordingTransport {
    pub(crate) fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, sent: Mutex::default() }
    }

    pub(crate) fn sent(&self) -> SentSummary {
        let Ok(sent) = self.sent.lock() else { return SentSummary::default() };
        SentSummary {
            all: sent.len(),
            purchases: sent.iter().filter(|(method, _)| method == Method::POST).count(),
            first: sent.first().map(|(_, body)| body.clone()),
        }
    }
}

#[async_trait]
impl Transport for RecordingTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        if let Ok(mut sent) = self.sent.lock() {
            sent.push((request.method().clone(), request.body().clone()));
        }
        self.inner.send(request).await
    }
}
