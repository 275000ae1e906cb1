//! What fetches images, and what it is set up with.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use http::HeaderValue;
use seedream_core::{Error, ErrorKind, ImageData, Result};
use tracing::Instrument as _;

use super::{download_routes::DownloadRoutes, options::DownloadOptions, url_policy::UrlPolicy};
#[cfg(feature = "reqwest")]
use crate::transport::reqwest::ConnectionOptions;
use crate::{Endpoint, disk::Spool, trace::TraceSpan, transport::Transport};

/// Fetches images. Holds no key.
///
/// What passes is tried again: 404 (an image that is not there yet), 408, 425, 429, 5xx, a connection that breaks or stands
/// still, and an image that is incomplete as its own format says. A try that breaks off is followed by one that asks for the rest.
#[derive(Debug)]
pub struct Downloader {
    pub(super) options: DownloadOptions,
    pub(super) policy: UrlPolicy,
    pub(super) user_agent: HeaderValue,
    /// Nothing where nothing can be sent.
    pub(super) routes: Option<DownloadRoutes>,
}

impl Downloader {
    /// A downloader for the responses of one endpoint, whose own origin may be local and without TLS: that is how a mock works.
    pub fn new(endpoint: &Endpoint, options: DownloadOptions) -> Self {
        let policy = UrlPolicy::new(endpoint.without_key(), options.allow_http);
        Self {
            #[cfg(feature = "reqwest")]
            routes: Some(DownloadRoutes::default(&ConnectionOptions::default(), policy.proxies())),
            #[cfg(not(feature = "reqwest"))]
            routes: None,
            policy,
            options,
            user_agent: HeaderValue::from_static(concat!("seedream/", env!("CARGO_PKG_VERSION"))),
        }
    }

    /// Sets how connections are made.
    #[cfg(feature = "reqwest")]
    pub(crate) fn connecting(mut self, options: &ConnectionOptions) -> Self {
        if let Some(proxy) = &options.proxy {
            self.policy.use_proxy(proxy.host());
        }
        self.routes = Some(DownloadRoutes::default(options, self.policy.proxies()));
        self
    }

    /// Sets what sends every GET, in the place of connections of its own. URLs and redirects are judged by what is written in
    /// them as before; which addresses their names lead to is the transport's to judge.
    #[must_use]
    pub fn with_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.routes = Some(DownloadRoutes { own: transport.clone(), public: transport });
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
            _ => Err(Error::new(ErrorKind::Storage, "the image is not in memory")),
        }
    }

    /// As [`Downloader::fetch`], into a file whose name begins with `unsaved-` in a directory, which is made if it is missing:
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
        let mut trace = TraceSpan::download(url);
        let span = trace.span();
        let fetched = self.fetch_traced(url, spool, &mut trace).instrument(span).await;
        trace.fetched(&fetched);
        fetched
    }
}
