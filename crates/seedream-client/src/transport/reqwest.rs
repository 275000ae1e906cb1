//! The transport that is taken where none is given: reqwest, with everything switched off that sends by itself.

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use ::reqwest as lib;
use async_trait::async_trait;
use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::BodyExt as _;
use seedream_core::{Error, ErrorKind, Result as CoreResult};
use url::Url;

use super::{
    ca_certificates::CaCertificates,
    departure::Departure,
    error::{Reached, TransportError},
    http_transport::Transport,
    proxy_environment::{ChosenProxy, ProxyEnvironment, is_loopback},
    response_body::ResponseBody,
    tls,
    untrusted_certificate::{UntrustedCertificate, is_no_tls},
    watched_body::WatchedBody,
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(60);

/// How long an idle connection is kept. A server that closes one while a request is on its way leaves it unknown whether
/// it was bought; servers close after 5 seconds (Node) and more, so we close first.
const IDLE: Duration = Duration::from_secs(4);

/// Sends with reqwest: HTTP/1.1, and HTTP/2 where TLS agrees on it.
///
/// Without a proxy of its own it uses those of the environment, as reqwest reads them when the first request is sent:
/// `HTTP_PROXY` for `http://`, `HTTPS_PROXY` for `https://`, `ALL_PROXY` for both, each in lower case too, and `NO_PROXY` for the
/// hosts that are reached directly. This machine itself (`127.0.0.0/8`, `::1`, `localhost`, `*.localhost`) is always reached
/// directly, also with a proxy of its own, and an error on the way through a proxy names it and its variable. `https://` goes through a tunnel, so no proxy sees a key or an image; `socks5h://` and
/// `socks4a://` leave looking up names to the proxy. A proxy that cannot be reached or refuses a tunnel has sent nothing.
///
/// The connection pool is made at the first request and belongs to this value: share it between clients, but not between
/// tokio runtimes. Certificates are judged by the platform's roots, which are loaded at the first `https://` request, and by those that
/// [`ReqwestTransport::trusting`] adds.
#[derive(Default)]
pub struct ReqwestTransport {
    client: OnceLock<lib::Client>,
    /// For this machine itself.
    direct: OnceLock<lib::Client>,
    environment: OnceLock<ProxyEnvironment>,
    /// The URL of the last request, which is most often that of the next; parsing it takes longer than looking whether it is.
    last: Mutex<Option<(Uri, Url)>>,
    options: ConnectionOptions,
    resolver: Option<Arc<dyn lib::dns::Resolve>>,
}

impl ReqwestTransport {
    /// A transport that has not connected to anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// A transport that sends everything through one proxy, except to this machine itself, and does not look into the environment, not
    /// even for `NO_PROXY`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is not the URL of a proxy; the message does not repeat it, since it may hold a password.
    pub fn with_proxy(url: &str) -> CoreResult<Self> {
        Ok(Self::with(ConnectionOptions { proxy: Some(Proxy::new(url)?), ..ConnectionOptions::default() }))
    }

    /// Trusts the CA certificates of a PEM text besides the platform's. Set it before the first request.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it has none, or a damaged one.
    pub fn trusting(mut self, pem: &[u8]) -> CoreResult<Self> {
        self.options.certificates = CaCertificates::from_pem(pem)?;
        Ok(self)
    }

    pub(crate) fn with(options: ConnectionOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Looks names up with this.
    pub(crate) fn resolving(mut self, resolver: impl lib::dns::Resolve + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// The same as a URL, as reqwest parses it: `127.1` becomes `127.0.0.1`.
    fn url_of(&self, uri: &Uri) -> Result<Url, url::ParseError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, url)) = &*last
            && known == uri
        {
            return Ok(url.clone());
        }
        let url = Url::parse(&uri.to_string())?;
        *last = Some((uri.clone(), url.clone()));
        Ok(url)
    }

    fn builder(&self, url: &Url) -> Result<lib::ClientBuilder, TransportError> {
        let builder = builder_for(url, &self.options)?;
        Ok(match &self.resolver {
            Some(resolver) => builder.dns_resolver(resolver.clone()),
            None => builder,
        })
    }
}

impl fmt::Debug for ReqwestTransport {
    /// Shows no proxy's password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").field("options", &self.options).finish_non_exhaustive()
    }
}

/// How connections are made, where that is not left to the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionOptions {
    pub(crate) proxy: Option<Proxy>,
    pub(crate) certificates: CaCertificates,
}

/// A proxy that the user named.
#[derive(Clone)]
pub(crate) struct Proxy {
    proxy: lib::Proxy,
    host: String,
    chosen: ChosenProxy,
}

impl Proxy {
    /// # Errors
    /// As [`ReqwestTransport::with_proxy`].
    pub(crate) fn new(url: &str) -> CoreResult<Self> {
        let refused = || {
            let schemes = "http, https, socks4, socks4a, socks5 or socks5h";
            Error::new(ErrorKind::Config, format!("the proxy is not a URL that begins with {schemes}"))
        };
        let parsed = Url::parse(url.trim()).map_err(|_| refused())?;
        let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"].contains(&parsed.scheme());
        let host = parsed.host_str().filter(|_| known).ok_or_else(refused)?.to_owned();
        let proxy = lib::Proxy::all(parsed.as_str()).map_err(|_| refused())?;
        Ok(Self { proxy, host, chosen: ChosenProxy::named(&parsed) })
    }

    /// Its name, without a password.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let (http::request::Parts { method, uri, version, headers, mut extensions, .. }, bytes) = request.into_parts();
        let url = self.url_of(&uri).map_err(|error| not_usable("the URL cannot be sent", error))?;
        let is_direct = is_loopback(&url);
        let cell = if is_direct { &self.direct } else { &self.client };
        let client = client(cell, &url, &self.options.certificates, || self.builder(&url))?;
        let is_plain = url.scheme() == "http";
        let via = match &self.options.proxy {
            _ if is_direct => None,
            Some(proxy) => Some(proxy.chosen.clone()),
            None => self.environment.get_or_init(ProxyEnvironment::read).proxy(&uri, &url),
        };
        let departure = extensions.remove::<Departure>().unwrap_or_default();
        if let Some(via) = &via {
            departure.through(via.to_string());
        }
        let mut request = lib::Request::new(method, url);
        (*request.headers_mut(), *request.version_mut()) = (headers, version);
        *request.body_mut() = Some(lib::Body::wrap(WatchedBody::new(bytes, departure.clone())));
        let response = client.execute(request).await;
        let response = response.map_err(|error| through(via.as_ref(), failed(error, departure.reached())))?;
        let response: http::Response<lib::Body> = response.into();
        // Inside a tunnel the response is the provider's.
        let proxy = via.as_ref().filter(|via| is_plain && via.is_http());
        if let (Some(via), StatusCode::PROXY_AUTHENTICATION_REQUIRED) = (proxy, response.status()) {
            return Err(locked(via));
        }
        Ok(response.map(|body| ResponseBody::new(body.map_err(move |error| through(via.as_ref(), cut(error))))))
    }
}

/// The failure with the name of the proxy on whose way it happened.
fn through(via: Option<&ChosenProxy>, error: TransportError) -> TransportError {
    match via {
        Some(via) => error.adding(&format!(", through {via}")),
        None => error,
    }
}

/// Only a proxy responds with 407, and it forwards nothing before the credentials are known.
fn locked(via: &ChosenProxy) -> TransportError {
    let message = format!("{via} wants a user name and a password (HTTP 407)");
    TransportError::new(Reached::NotSent, message).with_kind(ErrorKind::Config)
}

/// The client in `cell`, made now if it is missing, after a check that `https` has roots to trust.
fn client<'a>(
    cell: &'a OnceLock<lib::Client>,
    url: &Url,
    certificates: &CaCertificates,
    builder: impl FnOnce() -> Result<lib::ClientBuilder, TransportError>,
) -> Result<&'a lib::Client, TransportError> {
    if url.scheme() != "http" {
        certificates.verifier().map_err(|error| {
            let message = "there are no CA certificates to trust: install ca-certificates, or set SSL_CERT_FILE";
            TransportError::new(Reached::NotSent, message).with_kind(ErrorKind::Config).with_source(error)
        })?;
    }
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let made = builder()?.build().map_err(|error| not_usable("the HTTP client cannot be made", error.without_url()))?;
    Ok(cell.get_or_init(|| made))
}

/// A builder with everything off that would send a request again, follow it elsewhere, or change a response.
fn builder(options: &ConnectionOptions) -> Result<lib::ClientBuilder, TransportError> {
    let tls = tls::config(&options.certificates).map_err(|error| {
        let message = "TLS cannot be set up";
        TransportError::new(Reached::NotSent, message).with_kind(ErrorKind::Config).with_source(error)
    })?;
    let builder = match &options.proxy {
        Some(proxy) => lib::Client::builder().proxy(proxy.proxy.clone()),
        None => lib::Client::builder(),
    };
    Ok(builder
        .tls_backend_preconfigured(tls)
        // reqwest follows a 307 with a second POST.
        .redirect(lib::redirect::Policy::none())
        .retry(lib::retry::never())
        .referer(false)
        // Features unify: an embedder's reqwest may decompress by itself, and then lengths and cuts are not ours to see.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        // An image takes minutes, during which nothing moves: keep middleboxes from forgetting the connection.
        .tcp_keepalive(Duration::from_secs(15)))
}

/// The same for one place: without a proxy for this machine itself, which none can reach.
fn builder_for(url: &Url, options: &ConnectionOptions) -> Result<lib::ClientBuilder, TransportError> {
    builder(options).map(|builder| if is_loopback(url) { builder.no_proxy() } else { builder })
}

fn not_usable(message: &str, error: impl Into<Box<dyn StdError + Send + Sync>>) -> TransportError {
    TransportError::new(Reached::NotSent, message).with_kind(ErrorKind::Config).with_source(error)
}

/// A request without a response. Only what the body saw, or an error of connecting itself, proves that nothing was sent.
fn failed(error: lib::Error, body: Reached) -> TransportError {
    let connecting = error.is_connect();
    let reached = if connecting { Reached::NotSent } else { body };
    let message = match (connecting, reached) {
        // The origin alone: a path or a query may hold a secret.
        (true, _) => {
            let origin = error.url().map(|url| format!(" to {}", url.origin().ascii_serialization()));
            format!("could not connect{}", origin.unwrap_or_default())
        }
        (false, Reached::NotSent) => "the connection was lost before the request was sent".to_owned(),
        (false, Reached::Sent) => "the connection was lost before a response came".to_owned(),
    };
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
    let lost = TransportError::new(reached, message).with_kind(kind);
    match UntrustedCertificate::cause_of(&error) {
        Some(untrusted) => lost.with_source(untrusted.clone()),
        None if is_no_tls(&error) => {
            lost.with_source("what responds there does not speak TLS: correct the scheme or the port of the URL")
        }
        None => lost.with_source(error.without_url()),
    }
}

/// A response that broke off.
fn cut(error: lib::Error) -> TransportError {
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
    TransportError::new(Reached::Sent, "the response broke off").with_kind(kind).with_source(error.without_url())
}
