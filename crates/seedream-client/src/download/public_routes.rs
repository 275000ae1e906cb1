//! The ways that downloads take where no transport is given: the public one connects to public addresses only.

use std::{error::Error as StdError, fmt, io, net::SocketAddr, pin::Pin, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use seedream_core::is_public_ip;

use super::download_routes::DownloadRoutes;
use crate::transport::{ReqwestTransport, reqwest::ConnectionOptions};

impl DownloadRoutes {
    /// The transports of the library, with these options. The names of proxies may lead anywhere.
    pub(super) fn default(options: &ConnectionOptions, proxies: &[String]) -> Self {
        Self::looking_up(HostLookup(Arc::new(system)), options, proxies)
    }

    fn looking_up(lookup: HostLookup, options: &ConnectionOptions, proxies: &[String]) -> Self {
        let transport = || ReqwestTransport::with(options.clone());
        let resolver = PublicResolver { lookup, exempt: proxies.to_vec() };
        Self { own: Arc::new(transport()), public: Arc::new(transport().resolving(resolver)) }
    }
}

/// Resolves to public addresses only, so that a name cannot lead into the network that this program runs in. The check is
/// made on the very addresses that are then connected to: a second look-up could give others.
struct PublicResolver {
    lookup: HostLookup,
    exempt: Vec<String>,
}

impl Resolve for PublicResolver {
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

type AddressFuture = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// How names are looked up.
#[derive(Clone)]
struct HostLookup(Arc<dyn Fn(String) -> AddressFuture + Send + Sync>);

impl fmt::Debug for HostLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostLookup")
    }
}

fn system(name: String) -> AddressFuture {
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

/// Whether a request failed because its name leads nowhere public.
pub(super) fn is_caused_by_address(error: &dyn StdError) -> bool {
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

    use seedream_core::ErrorKind;

    use super::*;
    use crate::{DownloadOptions, Downloader, Endpoint};

    fn lookup(addresses: &'static [&'static str]) -> (HostLookup, Arc<AtomicU32>) {
        let looked_up = Arc::new(AtomicU32::new(0));
        let counter = looked_up.clone();
        let lookup = HostLookup(Arc::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(addresses.iter().map(|a| SocketAddr::new(a.parse().unwrap(), 0)).collect()) })
        }));
        (lookup, looked_up)
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_once_and_for_all() {
        for inside in [&["127.0.0.1"][..], &["10.0.0.1", "::1", "169.254.169.254"], &["fd00::1"], &[]] {
            let endpoint = Endpoint::new("https://api.example").unwrap();
            let mut downloader = Downloader::new(&endpoint, DownloadOptions::default().allow_http(true));
            let (lookup, looked_up) = lookup(inside);
            downloader.routes = Some(DownloadRoutes::looking_up(lookup, &ConnectionOptions::default(), &[]));
            let error = downloader.fetch("http://rebind.example/a.png?sig=s3cret").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert_eq!(looked_up.load(Ordering::SeqCst), 1);
            assert!(!format!("{error}{error:?}").contains("s3cret"));
        }
    }

    #[tokio::test]
    async fn of_mixed_addresses_only_the_public_ones_are_used() {
        let (lookup, _) = lookup(&["10.0.0.1", "8.8.8.8", "::1"]);
        let resolver = PublicResolver { lookup, exempt: vec!["proxy.corp".into()] };
        let found: Vec<_> = resolver.resolve("a.example".parse().unwrap()).await.unwrap().collect();
        assert_eq!(found, ["8.8.8.8:0".parse().unwrap()]);
        assert_eq!(resolver.resolve("proxy.corp".parse().unwrap()).await.unwrap().count(), 3);
    }
}
