//! Asks a mock on this machine for the certificate of its authority, which no client can know before.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::server::tls::AUTHORITY;

/// The certificate authority, as PEM, of a mock that serves TLS on this machine: `SSL_CERT_FILE` can be a file with it.
///
/// Nothing proves whose it is, which is enough on loopback: only programs of this machine listen there.
///
/// # Errors
/// The host is not this machine ([`io::ErrorKind::InvalidInput`]), nothing listens there, or what listens is no mock with TLS
/// ([`io::ErrorKind::InvalidData`]).
pub async fn presented_ca(host: &str, port: u16) -> io::Result<String> {
    let host = host.trim_matches(['[', ']']);
    let address = tokio::net::lookup_host((host, port)).await?.find(|address| address.ip().is_loopback());
    let address = address.ok_or_else(|| {
        let message =
            format!("{host} is not this machine: take the certificate from the member `ca` of the mock's ready line");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })?;
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TcpStream::connect(address).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let no_mock = || io::Error::new(io::ErrorKind::InvalidData, format!("{host}:{port} is no mock that serves TLS"));
    let stream = stream.map_err(|_| no_mock())?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let is_ours = |certificate: &&CertificateDer<'_>| {
        certificate.windows(AUTHORITY.len()).any(|window| window == AUTHORITY.as_bytes())
    };
    chain.iter().skip(1).find(is_ours).map(pem).ok_or_else(no_mock)
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    const LINE: usize = 64;
    let base64 = STANDARD.encode(certificate);
    // Base64 is ASCII.
    let lines: Vec<&str> = (0..base64.len()).step_by(LINE).map(|at| &base64[at..base64.len().min(at + LINE)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Takes any certificate, if the server has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
