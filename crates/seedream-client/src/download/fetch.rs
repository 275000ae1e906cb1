//! Fetches with reqwest: one client for the endpoint's own origin, and one that connects to public addresses only.

use std::{
    error::Error as StdError,
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use seedream_core::{Error, ErrorKind, Result, is_public_ip};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    Downloader,
    guard::{Route, parse, refused},
};
use crate::{
    Reached,
    drive::later,
    trace::Trace,
    transport::reqwest::{builder, client, cut, failed},
};

/// How many redirects are followed, each checked like the URL itself.
const REDIRECTS: u32 = 5;

/// Connections of their own: none is shared with the requests that carry a key.
#[derive(Debug)]
pub(super) struct Clients {
    own: OnceLock<reqwest::Client>,
    public: OnceLock<reqwest::Client>,
    lookup: Lookup,
}

impl Default for Clients {
    fn default() -> Self {
        Self { own: OnceLock::new(), public: OnceLock::new(), lookup: Lookup(Arc::new(system)) }
    }
}

/// Why a try failed, and whether another can help.
struct Failure {
    error: Error,
    passes: bool,
}

impl Failure {
    fn lasting(error: Error) -> Self {
        Self { error, passes: false }
    }

    fn passing(error: Error) -> Self {
        Self { error, passes: true }
    }
}

pub(super) async fn fetch(downloader: &Downloader, url: &str, trace: &Trace) -> Result<Bytes> {
    let options = &downloader.options;
    let url = parse(url)?;
    let until = later(Instant::now(), options.deadline);
    let mut tried = 1;
    loop {
        trace.tries(tried);
        let failure = match once(downloader, &url, until, trace).await {
            Ok(bytes) => return Ok(bytes),
            Err(failure) => failure,
        };
        let wait = options.backoff.saturating_mul(1 << (tried - 1).min(16));
        if !failure.passes || tried >= options.tries || later(Instant::now(), wait) >= until {
            return Err(failure.error);
        }
        tried += 1;
        tokio::time::sleep(wait).await;
    }
}

/// Follows redirects to a body, and reads that.
async fn once(downloader: &Downloader, url: &Url, until: Instant, trace: &Trace) -> Result<Bytes, Failure> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS {
        let answer = get(downloader, &url, until).await?;
        let status = answer.status();
        trace.status(status);
        if status.is_success() {
            return read(downloader, answer, until).await;
        }
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Err(not_there(status));
        }
        let target = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let target = target.and_then(|target| url.join(target).ok());
        url = target.ok_or_else(|| Failure::lasting(refused("it redirects to nowhere")))?;
    }
    Err(Failure::lasting(refused("it redirects too often")))
}

async fn get(downloader: &Downloader, url: &Url, until: Instant) -> Result<reqwest::Response, Failure> {
    let route = downloader.guard.check(url).map_err(Failure::lasting)?;
    let (clients, proxy) = (&downloader.clients, downloader.proxy.as_ref());
    let client = match route {
        Route::Own => client(&clients.own, Some(url.scheme()), || builder(proxy)),
        Route::Public => {
            let resolver = PublicOnly { lookup: clients.lookup.clone(), exempt: downloader.guard.proxies().to_vec() };
            client(&clients.public, Some(url.scheme()), || Ok(builder(proxy)?.dns_resolver(resolver)))
        }
    };
    let client = client.map_err(|error| Failure::lasting(error.into()))?;
    let request = client.get(url.clone()).header(header::USER_AGENT, downloader.user_agent.clone());
    match timeout_at(soon(downloader, until), request.send()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if is_caused_by_address(&error) => {
            Err(Failure::lasting(refused("its name has no public address")))
        }
        Ok(Err(error)) => Err(Failure::passing(failed(error, Reached::Sent).into())),
        Err(_) => Err(Failure::passing(stalled(downloader.options.stall))),
    }
}

async fn read(downloader: &Downloader, mut answer: reqwest::Response, until: Instant) -> Result<Bytes, Failure> {
    let max = downloader.options.max_bytes;
    let too_large = || {
        Failure::lasting(Error::new(
            ErrorKind::TooLarge,
            format!("the picture is larger than the limit of {max} bytes"),
        ))
    };
    let stated = answer.content_length().unwrap_or(0);
    if stated > max {
        return Err(too_large());
    }
    // What a server states is believed up to the size of a large picture; behind that, memory grows with what arrives.
    let mut body = BytesMut::with_capacity(usize::try_from(stated.min(32 << 20)).unwrap_or(0));
    loop {
        let chunk = match timeout_at(soon(downloader, until), answer.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(body.freeze()),
            Ok(Err(error)) => return Err(Failure::passing(cut(error).into())),
            Err(_) => return Err(Failure::passing(stalled(downloader.options.stall))),
        };
        if body.len() as u64 + chunk.len() as u64 > max {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
}

fn soon(downloader: &Downloader, until: Instant) -> Instant {
    until.min(later(Instant::now(), downloader.options.stall))
}

fn stalled(stall: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("the download stalled for {} s", stall.as_secs_f64()))
}

fn not_there(status: StatusCode) -> Failure {
    let gone = matches!(status.as_u16(), 401 | 403 | 404 | 410);
    let hint = if gone { ": the URL may have expired" } else { "" };
    let error = Error::new(ErrorKind::Server, format!("the download answered HTTP {}{hint}", status.as_u16()));
    let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Failure { error, passes }
}

/// Resolves to public addresses only, so that a name cannot lead into the network that this program runs in. The check is
/// made on the very addresses that are then connected to: a second look-up could give others.
struct PublicOnly {
    lookup: Lookup,
    exempt: Vec<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self.exempt.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        let found = (self.lookup.0)(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            let usable: Vec<_> = found.into_iter().filter(|address| exempt || is_public_ip(address.ip())).collect();
            if usable.is_empty() {
                return Err(NotPublic.into());
            }
            let usable: Addrs = Box::new(usable.into_iter());
            Ok(usable)
        })
    }
}

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// How names are looked up.
#[derive(Clone)]
struct Lookup(Arc<dyn Fn(String) -> Addresses + Send + Sync>);

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}

fn system(name: String) -> Addresses {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// A name that leads to no public address.
#[derive(Debug)]
struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has no public address")
    }
}

impl StdError for NotPublic {}

fn is_caused_by_address(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return true;
        }
        source = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::{DownloadOptions, Endpoint};

    fn downloader(addresses: &'static [&'static str]) -> (Downloader, Arc<AtomicU32>) {
        let looked_up = Arc::new(AtomicU32::new(0));
        let counter = looked_up.clone();
        let endpoint = Endpoint::new("https://api.example").unwrap();
        let mut downloader = Downloader::new(&endpoint, DownloadOptions::default().allow_http(true));
        downloader.clients.lookup = Lookup(Arc::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(addresses.iter().map(|a| SocketAddr::new(a.parse().unwrap(), 0)).collect()) })
        }));
        (downloader, looked_up)
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_once_and_for_all() {
        for inside in [&["127.0.0.1"][..], &["10.0.0.1", "::1", "169.254.169.254"], &["fd00::1"], &[]] {
            let (downloader, looked_up) = downloader(inside);
            let error = downloader.fetch("http://rebind.example/a.png?sig=s3cret").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert_eq!(looked_up.load(Ordering::SeqCst), 1);
            assert!(!format!("{error}{error:?}").contains("s3cret"));
        }
    }

    #[tokio::test]
    async fn of_mixed_addresses_only_the_public_ones_are_used() {
        let lookup = downloader(&["10.0.0.1", "8.8.8.8", "::1"]).0.clients.lookup;
        let resolver = PublicOnly { lookup: lookup.clone(), exempt: vec!["proxy.corp".into()] };
        let found: Vec<_> = resolver.resolve("a.example".parse().unwrap()).await.unwrap().collect();
        assert_eq!(found, ["8.8.8.8:0".parse().unwrap()]);
        assert_eq!(resolver.resolve("proxy.corp".parse().unwrap()).await.unwrap().count(), 3);
    }
}
