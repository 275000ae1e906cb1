//! A mock that is running somewhere else.

use std::{fmt, sync::Arc};

use seedream_client::Transport;

/// Where a mock is running, and how it is reached: each case has a transport of its own, since each has a runtime of its own.
#[derive(Clone)]
pub struct MockTarget {
    url: String,
    transport: Arc<dyn Fn() -> Arc<dyn Transport> + Send + Sync>,
}

impl MockTarget {
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

impl fmt::Debug for MockTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MockTarget").field(&self.url).finish()
    }
}
