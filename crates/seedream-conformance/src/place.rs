//! A mock that is running somewhere else, and what was sent to it.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use seedream_client::{ResponseBody, Transport, TransportError};

/// Where a mock is running, and how it is reached: each case has a transport of its own, since each has a runtime of its own.
#[derive(Clone)]
pub struct Place {
    url: String,
    transport: Arc<dyn Fn() -> Arc<dyn Transport> + Send + Sync>,
}

impl Place {
    /// A mock at a URL, below which every provider has its id: `http://127.0.0.1:8080`.
    pub fn new(url: impl Into<String>, transport: impl Fn() -> Arc<dyn Transport> + Send + Sync + 'static) -> Self {
        let url = url.into().trim_end_matches('/').to_owned();
        Self { url, transport: Arc::new(transport) }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        (self.transport)()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.url).finish()
    }
}

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The number of requests.
    pub(crate) all: usize,
    /// How many of them could have bought something.
    pub(crate) purchases: usize,
    /// The first body.
    pub(crate) first: Option<Bytes>,
}

/// A transport that remembers what went through it.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Arc<dyn Transport>,
    sent: Mutex<Vec<(Method, Bytes)>>,
}

impl Watched {
    pub(crate) fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, sent: Mutex::default() }
    }

    pub(crate) fn sent(&self) -> Sent {
        let Ok(sent) = self.sent.lock() else { return Sent::default() };
        Sent {
            all: sent.len(),
            purchases: sent.iter().filter(|(method, _)| method == Method::POST).count(),
            first: sent.first().map(|(_, body)| body.clone()),
        }
    }
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        if let Ok(mut sent) = self.sent.lock() {
            sent.push((request.method().clone(), request.body().clone()));
        }
        self.inner.send(request).await
    }
}
