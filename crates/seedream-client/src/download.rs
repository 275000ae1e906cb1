//! Fetches images from URLs that came out of a response.
//!
//! Such a URL is whatever a provider, or whoever stands between, chose to write: it is hostile until checked. It is fetched
//! by GET only, without the key, from public addresses only, and every redirect is checked like the first URL.

mod arriving;
mod fetch;
mod guard;
#[cfg(feature = "reqwest")]
mod routes;
mod waits;

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use seedream_core::{Error, ErrorKind, ImageData, Result};
use tracing::Instrument as _;

use crate::{Endpoint, Transport, spool::Spool, trace::Trace};

/// How result URLs are fetched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The most bytes of one image: 128 MiB, twice what a 4K PNG without compression has.
    pub max_bytes: u64,
    /// How long the waits between the tries of one image are in all: 30 s. The transfers do not count, nor does a wait after a
    /// try that got further than the one before.
    pub waits: Duration,
    /// The wait before the second try: 500 ms. It is doubled from try to try, up to 8 s, and is longer where the server asks
    /// for more (`Retry-After`).
    pub backoff: Duration,
    /// How long no byte may arrive: 30 s.
    pub stall: Duration,
    /// How long one image may take with all its tries: 10 minutes.
    pub deadline: Duration,
    /// Whether `http` is fetched from other places than the endpoint itself. Off.
    pub allow_http: bool,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            max_bytes: 128 << 20,
            waits: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
            stall: Duration::from_secs(30),
            deadline: Duration::from_secs(600),
            allow_http: false,
        }
    }
}

impl DownloadOptions {
    /// Sets the most bytes of one image.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how long the waits between the tries are in all, and the first of them. No waits at all mean one try.
    #[must_use]
    pub fn waits(mut self, all: Duration, first: Duration) -> Self {
        (self.waits, self.backoff) = (all, first);
        self
    }

    /// Sets how long no byte may arrive, and how long one image may take.
    #[must_use]
    pub fn patience(mut self, stall: Duration, deadline: Duration) -> Self {
        (self.stall, self.deadline) = (stall, deadline);
        self
    }

    /// Sets whether `http` is fetched from other places than the endpoint itself.
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }
}

/// Fetches images. Holds no key.
///
/// What passes is tried again: 404 (an image that is not there yet), 408, 425, 429, 5xx, a connection that breaks or stands
/// still, and an image that is incomplete as its own format says. A try that breaks off is followed by one that asks for the rest.
#[derive(Debug)]
pub struct Downloader {
    options: DownloadOptions,
    guard: guard::Guard,
    user_agent: HeaderValue,
    /// Nothing where nothing can be sent.
    routes: Option<Routes>,
}

/// What sends: to the endpoint's own origin, and to everywhere else.
#[derive(Clone, Debug)]
struct Routes {
    own: Arc<dyn Transport>,
    public: Arc<dyn Transport>,
}

impl Downloader {
    /// A downloader for the responses of one endpoint, whose own origin may be local and without TLS: that is how a mock works.
    pub fn new(endpoint: &Endpoint, options: DownloadOptions) -> Self {
        let guard = guard::Guard::new(endpoint.without_key(), options.allow_http);
        Self {
            #[cfg(feature = "reqwest")]
            routes: Some(Routes::default(None, guard.proxies())),
            #[cfg(not(feature = "reqwest"))]
            routes: None,
            guard,
            options,
            user_agent: HeaderValue::from_static(concat!("seedream/", env!("CARGO_PKG_VERSION"))),
        }
    }

    /// Sets the proxy through which everything is fetched.
    #[cfg(feature = "reqwest")]
    pub(crate) fn through(mut self, proxy: &crate::transport::reqwest::Proxy) -> Self {
        self.guard.behind(proxy.host());
        self.routes = Some(Routes::default(Some(proxy), self.guard.proxies()));
        self
    }

    /// Sets what sends every GET, in the place of connections of its own. URLs and redirects are judged by what is written in
    /// them as before; which addresses their names lead to is the transport's to judge.
    #[must_use]
    pub fn with_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.routes = Some(Routes { own: transport.clone(), public: transport });
        self
    }

    /// Sets the `User-Agent`.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Fetches a URL into memory.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where it is refused or there is no transport, [`ErrorKind::TooLarge`],
    /// [`ErrorKind::Timeout`], [`ErrorKind::Server`] with the status, [`ErrorKind::IncompleteImage`] where only a part of an
    /// image came, or that the connection failed. The message names the URL without its query.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    pub async fn fetch(&self, url: &str) -> Result<Bytes> {
        match self.get(url, Spool::default()).await? {
            ImageData::Bytes(bytes) => Ok(bytes),
            ImageData::Incomplete { reason, .. } => Err(Error::new(ErrorKind::IncompleteImage, reason)),
            _ => Err(Error::new(ErrorKind::Storage, "the picture is not in memory")),
        }
    }

    /// As [`Downloader::fetch`], into a file whose name begins with `unsaved-` in a directory, which is made if there is none:
    /// an image of any size costs little memory. Where the directory cannot be written to, it comes in memory. Of an image that
    /// stayed incomplete over all tries, what came furthest is an [`ImageData::Incomplete`].
    ///
    /// # Errors
    /// As [`Downloader::fetch`], where not a part of an image came.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: a part of an image that was fetched is removed.
    pub async fn fetch_into(&self, url: &str, directory: &Path) -> Result<ImageData> {
        self.get(url, Spool::new(Some(directory))).await
    }

    async fn get(&self, url: &str, spool: Spool) -> Result<ImageData> {
        let mut trace = Trace::download(url);
        let span = trace.span();
        let fetched = fetch::fetch(self, url, spool, &mut trace).instrument(span).await;
        trace.fetched(&fetched);
        fetched
    }
}
