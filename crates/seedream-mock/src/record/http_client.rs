//! HTTP clients that send nothing by themselves: no redirect, no retry, no decompression, no connection used twice.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(60);

/// A builder of a client for this place, or for what redirects lead to from it, with the proxies of the environment except for this
/// machine.
///
/// # Errors
/// TLS cannot be set up, as on a machine without CA certificates.
pub(crate) fn builder(url: &Url, may_leave: bool) -> Result<ClientBuilder, String> {
    let tls = match tls(url.scheme() == "https" || may_leave) {
        Err(_) if url.scheme() == "http" => tls(false),
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

/// The platform's roots, which a machine that only uses `http` need not have.
fn tls(uses_roots: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(if uses_roots {
        config.with_platform_verifier()?.with_no_client_auth()
    } else {
        config.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    })
}
