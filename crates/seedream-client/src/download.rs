//! Fetches pictures from URLs that came out of an answer.
//!
//! Such a URL is whatever a provider, or whoever stands between, chose to write: it is hostile until checked. It is fetched
//! by GET only, without the key, from public addresses only, and every redirect is checked like the first URL.

#[cfg(feature = "reqwest")]
mod arriving;
#[cfg(feature = "reqwest")]
mod clients;
#[cfg(feature = "reqwest")]
mod fetch;
mod guard;

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use seedream_core::{Error, ErrorKind, ImageData, Result};

#[cfg(feature = "reqwest")]
use tracing::Instrument as _;

#[cfg(feature = "reqwest")]
use crate::trace::Trace;
use crate::{Endpoint, spool::Spool};

/// How result URLs are fetched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The most bytes of one picture: 128 MiB, twice what a 4K PNG without compression has.
    pub max_bytes: u64,
    /// How often one is tried, the first time included: 3. It costs nothing.
    pub tries: u32,
    /// The wait before the second try, doubled before the third: 500 ms.
    pub backoff: Duration,
    /// How long no byte may arrive: 30 s.
    pub stall: Duration,
    /// How long one picture may take with all its tries: 10 minutes.
    pub deadline: Duration,
    /// Whether `http` is fetched from other places than the endpoint itself. Off.
    pub allow_http: bool,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            max_bytes: 128 << 20,
            tries: 3,
            backoff: Duration::from_millis(500),
            stall: Duration::from_secs(30),
            deadline: Duration::from_secs(600),
            allow_http: false,
        }
    }
}

impl DownloadOptions {
    /// Sets the most bytes of one picture.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how often one is tried, and the wait before the second try.
    #[must_use]
    pub fn tries(mut self, tries: u32, backoff: Duration) -> Self {
        (self.tries, self.backoff) = (tries, backoff);
        self
    }

    /// Sets how long no byte may arrive, and how long one picture may take.
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

/// Fetches pictures. Holds no key.
#[derive(Debug)]
pub struct Downloader {
    #[cfg_attr(not(feature = "reqwest"), allow(dead_code, reason = "there is nothing to fetch with"))]
    options: DownloadOptions,
    guard: guard::Guard,
    #[cfg_attr(not(feature = "reqwest"), allow(dead_code, reason = "there is nothing to send it with"))]
    user_agent: HeaderValue,
    #[cfg(feature = "reqwest")]
    clients: clients::Clients,
    #[cfg(feature = "reqwest")]
    proxy: Option<crate::transport::reqwest::Proxy>,
}

impl Downloader {
    /// A downloader for the answers of one endpoint, whose own origin may be local and without TLS: that is how a mock works.
    pub fn new(endpoint: &Endpoint, options: DownloadOptions) -> Self {
        Self {
            guard: guard::Guard::new(endpoint.without_key(), options.allow_http),
            options,
            user_agent: HeaderValue::from_static(concat!("seedream/", env!("CARGO_PKG_VERSION"))),
            #[cfg(feature = "reqwest")]
            clients: clients::Clients::default(),
            #[cfg(feature = "reqwest")]
            proxy: None,
        }
    }

    /// Sets the proxy through which everything is fetched.
    #[cfg(feature = "reqwest")]
    pub(crate) fn through(mut self, proxy: crate::transport::reqwest::Proxy) -> Self {
        self.guard.behind(proxy.host());
        self.proxy = Some(proxy);
        self
    }

    /// Sets the `User-Agent`.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Fetches a URL into memory. A try that breaks off is followed by one that asks for the rest, where the server has given
    /// the picture a name of its own (`ETag`).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where it is refused or the feature `reqwest` is off, [`ErrorKind::TooLarge`],
    /// [`ErrorKind::Timeout`], [`ErrorKind::Server`] with the status, or that the connection failed.
    pub async fn fetch(&self, url: &str) -> Result<Bytes> {
        match self.get(url, Spool::default()).await? {
            ImageData::Bytes(bytes) => Ok(bytes),
            _ => Err(Error::new(ErrorKind::Storage, "the picture is not in memory")),
        }
    }

    /// As [`Downloader::fetch`], into a file whose name begins with `unsaved-` in a directory, which is made if there is none:
    /// a picture of any size costs little memory. Where the directory cannot be written to, it comes in memory.
    ///
    /// # Errors
    /// As [`Downloader::fetch`].
    pub async fn fetch_into(&self, url: &str, directory: &Path) -> Result<ImageData> {
        self.get(url, Spool::new(Some(directory))).await
    }

    #[cfg(feature = "reqwest")]
    async fn get(&self, url: &str, spool: Spool) -> Result<ImageData> {
        let mut trace = Trace::download(url);
        let span = trace.span();
        let fetched = fetch::fetch(self, url, spool, &mut trace).instrument(span).await;
        trace.fetched(&fetched);
        fetched
    }

    #[cfg(not(feature = "reqwest"))]
    async fn get(&self, url: &str, _: Spool) -> Result<ImageData> {
        self.guard.check(&guard::parse(url)?)?;
        let message = "result URLs cannot be fetched: enable the feature `reqwest` of seedream-client";
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}
