//! Servers with a certificate of a CA that this machine does not know.

use std::io::{Read as _, Write as _};

use seedream_client::{ImageProvider as _, ReqwestTransport, Transport as _};
use seedream_core::{Charge, ErrorKind};

use crate::{
    tiny_dialects::{KEY, Tiny, client, request, texts},
    tls_server::{Authority, TlsServer, Validity},
};

const BODY: &str = r#"{"data":[{"url":"https://a.example/0.png"}]}"#;

fn respond(_: &[u8]) -> Vec<u8> {
    let length = BODY.len();
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{BODY}").into_bytes()
}

#[tokio::test]
async fn a_ca_that_is_added_is_trusted_by_requests_and_downloads() {
    let ca = Authority::new("Harbour CA");
    let server = TlsServer::start(&ca, "localhost", Validity::Now, respond);
    let base = format!("https://localhost:{}", server.port);
    let client = client(Tiny, &base).ca_certificates(ca.pem.as_bytes()).unwrap().build().unwrap();
    assert_eq!(client.generate(request()).await.unwrap().images().count(), 1);
    assert_eq!(client.downloader().fetch(&format!("{base}/0.png")).await.unwrap(), BODY);
    let alone = ReqwestTransport::new().trusting(ca.pem.as_bytes()).unwrap();
    let get = http::Request::get(base.as_str()).body(bytes::Bytes::new()).unwrap();
    assert_eq!(alone.send(get).await.unwrap().status(), 200);
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_with_its_chain_and_the_remedy() {
    let (ca, other) = (Authority::new("Harbour CA"), Authority::new("Other CA"));
    let trusted = |host, validity, remedy: &'static str| (&ca, host, validity, remedy);
    for (issuer, host, validity, told) in [
        (
            &other,
            "localhost",
            Validity::Now,
            "the certificate of localhost is issued by Other CA, which this machine does not trust; if that is the CA of your network or proxy, trust it with --ca-cert FILE",
        ),
        trusted(
            "localhost",
            Validity::Past,
            "the certificate of localhost expired at 1976-01-01T00:00:00Z, and it is 20",
        ),
        trusted(
            "localhost",
            Validity::Future,
            "the certificate of localhost is not valid before 4095-01-01T00:00:00Z, and it is 20",
        ),
        trusted(
            "api.example",
            Validity::Now,
            "the certificate is for api.example, not for localhost; correct the host in the base URL",
        ),
    ] {
        let server = TlsServer::start(issuer, host, validity, respond);
        let base = format!("https://localhost:{}", server.port);
        let client = client(Tiny, &base).ca_certificates(ca.pem.as_bytes()).unwrap().build().unwrap();
        let error = client.generate(request()).await.unwrap_err();
        let begins = format!("could not connect to {base}: {told}");
        assert!(error.message().starts_with(&begins), "{error}");
        let issuer = if told.contains("Other") { "Other" } else { "Harbour" };
        let chain = format!("; chain: server of {host} < {issuer} CA");
        assert!(error.message().ends_with(&chain), "{error}");
        assert_eq!((error.kind(), error.charge()), (ErrorKind::Transport, Charge::No));
        assert_eq!((server.requests(), texts(&error).contains(KEY)), (0, false));
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
            // Until the client has read that.
            let _ = socket.read(&mut [0; 512]);
            let _ = socket.read(&mut [0; 512]);
        }
    });
    let root = include_bytes!("root.pem");
    let client = client(Tiny, &base).max_submits(1).ca_certificates(root).unwrap().build().unwrap();
    let error = client.generate(request()).await.unwrap_err();
    assert!(error.message().ends_with("does not speak TLS: correct the scheme or the port of the URL"), "{error}");
    assert_eq!(error.charge(), Charge::No);
}
