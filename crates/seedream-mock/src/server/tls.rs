//! TLS: a certificate authority of this mock's own, and a certificate for every name under which a client asks.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{ToSpan as _, Zoned, civil::Date};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::rustls::{Error, ServerConfig};
use tokio_rustls::server::TlsStream;

/// The name of every mock's authority.
pub(crate) const AUTHORITY: &str = "seedream-mock test CA";

/// The longest time for which a client takes a certificate, in days.
const LIFE: i64 = 397;

/// How many names have a certificate at a time.
const NAMES: usize = 256;

/// What ALPN offers, in this order.
const WITH_HTTP2: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The authority of a mock, and the certificates that it has issued.
pub(crate) struct TlsIdentity {
    authority: CertifiedIssuer<'static, KeyPair>,
    key: KeyPair,
    configs: Mutex<HashMap<(String, Http2), Arc<ServerConfig>>>,
}

/// Whether a connection may use HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Http2 {
    Offered,
    /// Faults are about the bytes of HTTP/1.
    Withheld,
}

impl TlsIdentity {
    /// A new authority.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn new() -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, AUTHORITY);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        limit(&mut params);
        let key = || KeyPair::generate().map_err(io::Error::other);
        let authority = CertifiedIssuer::self_signed(params, key()?).map_err(io::Error::other)?;
        Ok(Self { authority, key: key()?, configs: Mutex::default() })
    }

    /// The authority's certificate.
    pub(crate) fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// Speaks TLS over a connection. The client gets a certificate for the name that it asks for, else for the address that it
    /// has connected to.
    pub(crate) async fn accept(&self, stream: TcpStream, http2: Http2) -> io::Result<TlsStream<TcpStream>> {
        let address = stream.local_addr()?.ip().to_canonical();
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let name = hello.client_hello().server_name().map_or_else(|| address.to_string(), str::to_owned);
        hello.into_stream(self.config(name, http2)?).await
    }

    fn config(&self, name: String, http2: Http2) -> io::Result<Arc<ServerConfig>> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (name, http2);
        if let Some(config) = configs.get(&place) {
            return Ok(config.clone());
        }
        if configs.len() >= NAMES {
            configs.clear();
        }
        let config = Arc::new(self.issue(&place.0, http2)?);
        configs.insert(place, config.clone());
        Ok(config)
    }

    fn issue(&self, name: &str, http2: Http2) -> io::Result<ServerConfig> {
        let mut names = vec![name.to_owned()];
        // A client may have the address and the name of this machine in one certificate.
        if name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()) {
            names.extend(
                ["localhost", "127.0.0.1", "::1"].iter().filter(|other| **other != name).map(ToString::to_string),
            );
        }
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "seedream-mock");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        limit(&mut params);
        let leaf = params.signed_by(&self.key, &self.authority).map_err(io::Error::other)?;
        let chain = vec![leaf.der().clone(), self.authority.der().clone()];
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).map_err(io::Error::other)?;
        let config = || -> Result<ServerConfig, Error> {
            ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(chain, key)
        };
        let mut config = config().map_err(io::Error::other)?;
        let offered = if http2 == Http2::Offered { &WITH_HTTP2[..] } else { &WITH_HTTP2[1..] };
        config.alpn_protocols = offered.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }
}

impl fmt::Debug for TlsIdentity {
    /// Shows no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

/// Sets the time for which a certificate holds: from yesterday, since clocks differ, for as long as clients take.
fn limit(params: &mut CertificateParams) {
    let yesterday = Zoned::now().date().saturating_sub(1.day());
    let date = |date: Date| date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs());
    params.not_before = date(yesterday);
    params.not_after = date(yesterday.saturating_add(LIFE.days()));
}
