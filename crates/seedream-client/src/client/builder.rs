//! How a client is made.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::HeaderValue;
use seedream_core::{Backoff, Dialect, Error, ErrorKind, Overrides, Pace, Policy, Result, Strictness};

use super::{
    client_struct::{Client, ClientState},
    random_source::RandomSource,
};
#[cfg(feature = "reqwest")]
use crate::transport::{
    ReqwestTransport,
    ca_certificates::CaCertificates,
    reqwest::{ConnectionOptions, Proxy},
};
use crate::{
    disk::Spool,
    download::{DownloadOptions, Downloader},
    driver::PollPacer,
    endpoint::{ApiKey, Endpoint},
    transport::Transport,
};

/// The most bytes of one response, where nothing else is said: 15 images of 16 MB in base64, with room to spare.
const MAX_RESPONSE: u64 = 512 << 20;

/// The most bytes of one response that are no image, where nothing else is said.
const MAX_TEXT: u64 = 32 << 20;

/// How many polls are sent a second over all tasks, where nothing else is said.
const POLLS_PER_SECOND: u32 = 20;

/// Configures a [`Client`]. Everything but the key has a default.
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    dialect: Arc<dyn Dialect>,
    base_url: Option<String>,
    mirrors: Vec<String>,
    key: Option<ApiKey>,
    policy: Policy,
    strictness: Strictness,
    overrides: Option<Overrides>,
    user_agent: Option<String>,
    transport: Option<Arc<dyn Transport>>,
    download_transport: Option<Arc<dyn Transport>>,
    #[cfg(feature = "reqwest")]
    connection: ConnectionOptions,
    seed: Option<u64>,
    max_response: u64,
    max_text: u64,
    spool: Option<PathBuf>,
    polls_per_second: u32,
    download: DownloadOptions,
}

impl Client {
    /// A client for one provider, to be configured.
    pub fn builder(dialect: impl Dialect) -> ClientBuilder {
        ClientBuilder::new(Arc::new(dialect))
    }
}

impl ClientBuilder {
    fn new(dialect: Arc<dyn Dialect>) -> Self {
        Self {
            dialect,
            base_url: None,
            mirrors: Vec::new(),
            key: None,
            policy: Policy::default(),
            strictness: Strictness::default(),
            overrides: None,
            user_agent: None,
            transport: None,
            download_transport: None,
            #[cfg(feature = "reqwest")]
            connection: ConnectionOptions::default(),
            seed: None,
            max_response: MAX_RESPONSE,
            max_text: MAX_TEXT,
            spool: None,
            polls_per_second: POLLS_PER_SECOND,
            download: DownloadOptions::default(),
        }
    }

    /// Sets where to send to; the provider's own base URL otherwise, with the mirrors that its document names. A place that is
    /// set here has no mirrors but those that are set too. What [`Endpoint::of`] corrects is a warning of [`Client::warnings`].
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Adds another base URL of the same provider, with the same key. A request goes there only when the place before it provably
    /// received nothing of it; a poll goes there when it failed for any reason but a refusal.
    pub fn mirror(mut self, url: impl Into<String>) -> Self {
        self.mirrors.push(url.into());
        self
    }

    /// Sets the key, as [`Endpoint::with_key`] takes it. Without one no `Authorization` is sent, as some relays
    /// require.
    pub fn key(mut self, key: impl Into<ApiKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets all limits and waits.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how long an operation may take in all ([`Policy::deadline`]).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.policy.deadline = deadline;
        self
    }

    /// Sets how many times a request is sent at most ([`Policy::max_submits`]).
    pub fn max_submits(mut self, submits: u32) -> Self {
        self.policy.max_submits = submits;
        self
    }

    /// Sets whether a request with an unknown outcome is sent again ([`Policy::resend_ambiguous`]). It may be billed twice then.
    pub fn resend_ambiguous(mut self, resend: bool) -> Self {
        self.policy.resend_ambiguous = resend;
        self
    }

    /// Sets the first and the longest wait between two submits ([`Policy::backoff`]).
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.policy.backoff = Backoff { first, longest };
        self
    }

    /// Sets the shortest and the longest wait between two polls of a task ([`Policy::pace`]).
    pub fn pace(mut self, shortest: Duration, longest: Duration) -> Self {
        self.policy.pace = Pace { shortest, longest };
        self
    }

    /// Sets how long one poll may take ([`Policy::poll_timeout`]).
    pub fn poll_timeout(mut self, timeout: Duration) -> Self {
        self.policy.poll_timeout = timeout;
        self
    }

    /// Sets what happens to a request that breaks a rule.
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Sets models and limits of the user's own over those of the documents.
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = Some(overrides);
        self
    }

    /// Sets the `User-Agent`, `seedream/<version>` otherwise. One is always sent: some gateways refuse a request without.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets what sends the requests; reqwest otherwise (feature `reqwest`).
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sets what fetches result URLs; reqwest otherwise (feature `reqwest`). See [`Downloader::with_transport`].
    pub fn download_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.download_transport = Some(transport);
        self
    }

    /// Sends requests and downloads through one proxy instead of the environment's, except to this machine itself; see
    /// [`ReqwestTransport`](crate::transport::ReqwestTransport). A transport that is set has its own way, and only downloads go there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is not the URL of a proxy.
    #[cfg(feature = "reqwest")]
    pub fn proxy(mut self, url: &str) -> Result<Self> {
        self.connection.proxy = Some(Proxy::new(url)?);
        Ok(self)
    }

    /// Trusts the CA certificates of a PEM text besides the platform's, for requests and downloads. A transport that is set has its own
    /// way, and only downloads trust them then.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it has none, or a damaged one.
    #[cfg(feature = "reqwest")]
    pub fn ca_certificates(mut self, pem: &[u8]) -> Result<Self> {
        self.connection.certificates = CaCertificates::from_pem(pem)?;
        Ok(self)
    }

    /// Makes jitter and client request ids repeatable, for tests: the same sequence of calls draws the same numbers.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the most bytes of one response, 512 MiB otherwise. Of a larger one the images before the limit are kept.
    pub fn max_response_bytes(mut self, bytes: u64) -> Self {
        self.max_response = bytes;
        self
    }

    /// Sets the most bytes of one response that are not an image, 32 MiB otherwise: they stay in memory. Of a longer one the images
    /// before the limit are kept.
    pub fn max_text_bytes(mut self, bytes: u64) -> Self {
        self.max_text = bytes;
        self
    }

    /// Sets the directory to which images go that stand in a response itself; to memory otherwise. It is made when the first
    /// arrives, and should be the one in which they are saved: then saving is a rename.
    ///
    /// Such an image is decoded while it arrives, at any size, and is
    /// [`ImageData::File`](seedream_core::ImageData::File) with a name that begins with `unsaved-`. [`Client::save`] moves it
    /// to its final name; one that is not saved stays, since it was paid for. One that was cut off leaves nothing. Where the
    /// directory cannot be written to, images go to memory. A success that cannot be read is kept there too, as
    /// [`Error::kept`] says.
    pub fn spool(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool = Some(directory.into());
        self
    }

    /// Sets how many polls are sent a second over all tasks of this client and its clones, 20 otherwise; 0 takes the limit away.
    ///
    /// Polls take turns, evenly spaced and in the order in which they became due. One task never notices; of `n` tasks each is
    /// asked for every `n / 20` seconds at most, so a deadline ([`Policy::deadline`]) has to leave room for several rounds.
    pub fn polls_per_second(mut self, polls: u32) -> Self {
        self.polls_per_second = polls;
        self
    }

    /// Sets how result URLs are fetched.
    pub fn download(mut self, options: DownloadOptions) -> Self {
        self.download = options;
        self
    }

    /// Makes the client. Does no I/O: certificates and proxies are read when the first request is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the base URL is malformed, or names no version and the documented one does, the key or the
    /// `User-Agent` cannot stand in a header, there is no transport, or the overrides are about something that this provider
    /// cannot be told.
    pub fn build(self) -> Result<Client> {
        let descriptor = self.dialect.descriptor();
        let config = |setting: &str, message: &str| {
            Error::new(ErrorKind::Config, message).with_param(setting.to_owned()).with_provider(&descriptor.id)
        };
        self.overrides.as_ref().map_or(Ok(()), |overrides| overrides.suit(&*self.dialect))?;
        let endpoints = self.endpoints().map_err(|error| error.with_provider(&descriptor.id))?;
        let endpoint = endpoints.first().ok_or_else(|| config("base_url", "there is no base URL: set one"))?;
        let user_agent = self.user_agent.as_deref().unwrap_or(concat!("seedream/", env!("CARGO_PKG_VERSION")));
        let user_agent = HeaderValue::from_str(user_agent.trim()).ok().filter(|value| !value.is_empty());
        let user_agent = user_agent.ok_or_else(|| config("user_agent", "the User-Agent cannot stand in a header"))?;
        #[cfg(feature = "reqwest")]
        let transport = {
            let own = || Arc::new(ReqwestTransport::with(self.connection.clone())) as Arc<dyn Transport>;
            Some(self.transport.unwrap_or_else(own))
        };
        #[cfg(not(feature = "reqwest"))]
        let transport = self.transport;
        let transport =
            transport.ok_or_else(|| config("transport", "there is no transport: enable the feature `reqwest`"))?;
        let downloader = Downloader::new(endpoint, self.download).with_user_agent(user_agent.clone());
        #[cfg(feature = "reqwest")]
        let downloader = downloader.connecting(&self.connection);
        let downloader = match self.download_transport {
            Some(transport) => downloader.with_transport(transport),
            None => downloader,
        };
        Ok(Client(Arc::new(ClientState {
            dialect: self.dialect,
            endpoints,
            transport,
            policy: self.policy,
            strictness: self.strictness,
            overrides: self.overrides,
            rules: Mutex::default(),
            user_agent,
            max_response: self.max_response,
            max_text: self.max_text,
            spool: Spool::new(self.spool.as_deref()),
            pacer: Arc::new(PollPacer::per_second(self.polls_per_second)),
            random: RandomSource::new(self.seed),
            downloader,
        })))
    }
}

impl ClientBuilder {
    /// The endpoint and its mirrors, each once, with the key.
    fn endpoints(&self) -> Result<Arc<[Endpoint]>> {
        let own = self.dialect.descriptor().base_urls.iter().filter(|_| self.base_url.is_none());
        let own = own.map(|url| Endpoint::new(url));
        let set = self.base_url.iter().chain(&self.mirrors).map(|url| Endpoint::of(&*self.dialect, url));
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for place in own.chain(set) {
            let mut place = place?;
            if let Some(key) = &self.key {
                place = place.with_key(key.clone())?;
            }
            if endpoints.iter().all(|other| other.base_url() != place.base_url()) {
                endpoints.push(place);
            }
        }
        Ok(endpoints.into())
    }
}
