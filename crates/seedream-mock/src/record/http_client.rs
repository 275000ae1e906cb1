//! HTTP clients that send nothing by themselves: no redirect, no retry, no decompression, no connection used twice.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect, retry};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(60);

/// The CA certificates that are trusted beside the platform's.
pub(crate) type ExtraRoots = Arc<[CertificateDer<'static>]>;

/// Reads CA certificates from a PEM text; an empty one has none.
///
/// # Errors
/// It has no certificate, or a damaged one.
pub(crate) fn roots(pem: &[u8]) -> Result<ExtraRoots, String> {
    let wrong = |why: String| {
        format!("the CA certificates: {why}; a PEM file has blocks that begin with -----BEGIN CERTIFICATE-----")
    };
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(format!("they cannot be read: {error}")))?;
    if found.is_empty() && !pem.is_empty() {
        return Err(wrong(String::from("there is none in it")));
    }
    let mut store = RootCertStore::empty();
    for root in &found {
        store.add(root.clone()).map_err(|error| wrong(format!("one is damaged: {error}")))?;
    }
    Ok(found.into())
}

/// A builder of a client for this place, with the proxies of the environment except for this machine.
///
/// # Errors
/// TLS cannot be set up, as on a machine without CA certificates.
pub(crate) fn builder(url: &Url, roots: &ExtraRoots) -> Result<ClientBuilder, String> {
    let provider = Arc::new(ring::default_provider());
    let tls = match verified(&provider, roots) {
        // A machine that only uses `http` need not have roots.
        Err(_) if url.scheme() == "http" => unverified(provider),
        tls => tls,
    };
    let tls = tls.map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        // The chunks of HTTP/1.1 are what is recorded.
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        // A connection that the upstream closes while a request is sent leaves it unknown whether it was bought.
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT)
        .tcp_keepalive(Duration::from_secs(15));
    Ok(if is_this_machine(url) { builder.no_proxy() } else { builder })
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn verified(provider: &Arc<CryptoProvider>, roots: &ExtraRoots) -> Result<ClientConfig, rustls::Error> {
    #[cfg(not(target_os = "android"))]
    let verifier = Verifier::new_with_extra_roots(roots.iter().cloned(), provider.clone())?;
    #[cfg(target_os = "android")]
    let verifier = match roots.is_empty() {
        true => Verifier::new(provider.clone())?,
        false => {
            return Err(rustls::Error::General(String::from("Android takes CA certificates from its settings alone")));
        }
    };
    let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Trusts nobody.
fn unverified(provider: Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(roots(b"").unwrap().is_empty());
        assert!(roots(b"no PEM").unwrap_err().contains("there is none in it"));
        let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(roots(damaged).unwrap_err().contains("damaged"));
    }
}
