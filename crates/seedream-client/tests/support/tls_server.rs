//! A server that takes TLS only, with a certificate of a CA of its own.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// A CA, and what it issues.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(crate) pem: String,
}

/// The days since 1970 of which a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) enum Validity {
    Now,
    Past,
    Future,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A configuration with a certificate for a host.
    fn server(&self, host: &str, validity: Validity) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("server of {host}"));
        let (from, to) = match validity {
            Validity::Now => (1975, 4096),
            Validity::Past => (1975, 1976),
            Validity::Future => (4095, 4096),
        };
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(to, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        Arc::new(config.with_single_cert(chain, key).unwrap())
    }
}

/// A server on this machine.
pub(crate) struct TlsServer {
    pub(crate) port: u16,
    requests: Arc<AtomicUsize>,
}

impl TlsServer {
    /// Starts one whose certificate is for a host; `respond` makes the bytes of a response from those of a request.
    pub(crate) fn start(
        authority: &Authority,
        host: &str,
        validity: Validity,
        respond: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let (config, respond) = (authority.server(host, validity), Arc::new(respond));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::default());
        let counted = requests.clone();
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (config, respond, counted) = (config.clone(), respond.clone(), counted.clone());
                // A client that does not trust the certificate ends the connection.
                thread::spawn(move || drop(serve(socket, config, &*respond, &counted)));
            }
        });
        Self { port, requests }
    }

    /// How many requests arrived.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn serve(
    socket: TcpStream,
    config: Arc<ServerConfig>,
    respond: &(dyn Fn(&[u8]) -> Vec<u8> + Send + Sync),
    counted: &AtomicUsize,
) -> io::Result<()> {
    // A client that says nothing is not waited for.
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut stream = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, socket);
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut buffer = [0; 8192];
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    counted.fetch_add(1, Ordering::SeqCst);
    stream.write_all(&respond(&request))?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// Whether a request is there with all of its body.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
