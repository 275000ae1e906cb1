//! HTTPS: whom a client trusts, which protocol it gets, and faults that count decrypted bytes.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use seedream_mock::{BytePosition, Clock, Fault, MockServer, presented_ca};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::http1_client::{Received, parse, soon};

const CREATE: &str = "/ark/api/v3/images/generations";
const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

async fn mock() -> MockServer {
    MockServer::builder().tls(true).start().await.unwrap()
}

fn kite() -> String {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite" }).to_string()
}

/// A connection of a client that trusts an authority, asks for a name, and offers these protocols.
async fn connect(mock: &MockServer, ca: &str, name: &str, offered: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(mock.address()).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

/// One request over HTTP/1.1, and the bytes of its response until the connection ends.
async fn http1(mock: &MockServer, name: &str, method: &str, path: &str, body: &str) -> (Vec<u8>, std::io::Result<()>) {
    let mut stream = connect(mock, &mock.ca_pem().unwrap(), name, &[HTTP1]).await.unwrap();
    let port = mock.address().port();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {name}:{port}\r\nauthorization: Bearer k\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = soon(stream.read_to_end(&mut bytes)).await.map(|_| ());
    (bytes, end)
}

async fn http2(mock: &MockServer) -> SendRequest<Full<Bytes>> {
    let stream = connect(mock, &mock.ca_pem().unwrap(), "localhost", &[H2, HTTP1]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(H2));
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn over_http2(
    sender: &mut SendRequest<Full<Bytes>>,
    mock: &MockServer,
    path: &str,
    fault: Option<&str>,
) -> (u16, Bytes) {
    let uri = format!("https://localhost:{}{path}", mock.address().port());
    let request = if path == CREATE { http::Request::post(uri) } else { http::Request::get(uri) };
    let request = request.header("authorization", "Bearer k").header("content-type", "application/json");
    let request = fault.into_iter().fold(request, |request, fault| request.header("x-mock-fault", fault));
    let body = if path == CREATE { kite() } else { String::new() };
    let response = soon(sender.send_request(request.body(Full::from(body)).unwrap())).await.unwrap();
    let status = response.status().as_u16();
    (status, soon(response.into_body().collect()).await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_may_ask_by_any_name() {
    let mock = mock().await;
    let ready: Value = serde_json::from_str(&mock.ready_line()).unwrap();
    assert_eq!(ready["ca"], json!(mock.ca_pem()));
    assert_eq!(ready["url"], format!("https://{}", mock.address()));
    for name in ["127.0.0.1", "localhost", "api.evolink.ai"] {
        let (bytes, _) = http1(&mock, name, "POST", CREATE, &kite()).await;
        let made: Received = parse(&bytes).unwrap();
        let url = made.json()["data"][0]["url"].as_str().unwrap().to_owned();
        let root = format!("https://{name}:{}", mock.address().port());
        let (image, _) = http1(&mock, name, "GET", url.strip_prefix(&root).unwrap(), "").await;
        assert_eq!(parse(&image).unwrap().header("content-type"), "image/jpeg", "{name}");
    }
    let other = self::mock().await;
    assert!(connect(&mock, &other.ca_pem().unwrap(), "localhost", &[]).await.is_err(), "another mock's authority");
    let plain = MockServer::start().await.unwrap();
    assert_eq!((plain.ca_pem(), plain.ready_line().contains("\"ca\"")), (None, false));
}

#[tokio::test]
async fn the_authority_is_presented_on_this_machine() {
    let mock = mock().await;
    let port = mock.address().port();
    let squeezed = |pem: &str| pem.split_whitespace().collect::<String>();
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(squeezed(&soon(presented_ca(host, port)).await.unwrap()), squeezed(&mock.ca_pem().unwrap()));
    }
    let plain = MockServer::start().await.unwrap();
    let none = soon(presented_ca("127.0.0.1", plain.address().port())).await.unwrap_err();
    assert_eq!(none.kind(), std::io::ErrorKind::InvalidData, "{none}");
    let away = presented_ca("192.0.2.1", port).await.unwrap_err();
    assert!(away.kind() == std::io::ErrorKind::InvalidInput && away.to_string().contains("ready line"), "{away}");
}

#[tokio::test]
async fn http2_serves_requests_images_the_page_and_its_events() {
    let mock = mock().await;
    let mut sender = http2(&mock).await;
    let (status, body) = over_http2(&mut sender, &mock, CREATE, None).await;
    let made: Value = serde_json::from_slice(&body).unwrap();
    let url = made["data"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix(&format!("https://localhost:{}", mock.address().port())).unwrap();
    assert_eq!(status, 200);
    let (status, image) = over_http2(&mut sender, &mock, path, None).await;
    assert_eq!((status, imagesize::blob_size(&image).unwrap().width), (200, 2048));
    let (status, _) = over_http2(&mut sender, &mock, "/__mock/v1/health", None).await;
    assert_eq!(status, 200, "the host stands in the URI");
    assert_eq!(mock.journal().len(), 2);
}

#[tokio::test]
async fn faults_count_decrypted_bytes_and_are_never_left_out() {
    let mock = mock().await;
    let mut early = http2(&mock).await;
    for fault in ["reset@body:10", "stall@head", "drip=1/1s", "length=none", "close@before"] {
        let (status, body) = over_http2(&mut early, &mock, CREATE, Some(fault)).await;
        let error: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &error["error"]["code"]), (501, &json!("mock_needs_http1")), "{fault}");
    }
    let (status, _) = over_http2(&mut early, &mock, CREATE, Some("status=503")).await;
    assert_eq!(status, 503, "other faults are the same in HTTP/2");

    mock.session("blue").add_faults([Fault::reset(BytePosition::Body(10))]);
    let late = connect(&mock, &mock.ca_pem().unwrap(), "localhost", &[H2, HTTP1]).await.unwrap();
    assert_eq!(late.get_ref().1.alpn_protocol(), Some(HTTP1), "what follows is HTTP/1");
    for (fault, length) in [(Fault::reset(BytePosition::Body(10)), 10), (Fault::close(BytePosition::Body(25)), 25)] {
        mock.default_session().clear_faults();
        mock.default_session().add_faults([fault.clone()]);
        let (bytes, end) = http1(&mock, "localhost", "POST", CREATE, &kite()).await;
        // A reset may overtake the bytes before it.
        let received = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|head| bytes.len() - head - 4);
        let is_reset = fault.to_string().starts_with("reset");
        assert!(received == Some(length) || (is_reset && end.is_err()), "{fault}: {received:?} {end:?}");
        assert_eq!(mock.default_session().journal().last().unwrap().fault.as_deref(), Some(fault.to_string().as_str()));
    }
}

#[tokio::test]
async fn requests_of_one_http2_connection_do_not_wait_for_each_other() {
    let clock = Clock::stopped(std::time::UNIX_EPOCH);
    let mock = MockServer::builder().tls(true).clock(clock.clone()).start().await.unwrap();
    let mut sender = http2(&mock).await;
    let mut second = sender.clone();
    let slow = over_http2(&mut sender, &mock, CREATE, Some("delay=5s"));
    let rest = async {
        clock.until_waiting(1).await;
        let quick = over_http2(&mut second, &mock, CREATE, None).await.0;
        clock.advance(std::time::Duration::from_secs(5));
        quick
    };
    let ((slow, _), quick) = tokio::join!(slow, rest);
    assert_eq!((slow, quick), (200, 200));
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_closed_and_a_pending_response_is_waited_for() {
    let clock = Clock::stopped(std::time::UNIX_EPOCH);
    let mock = MockServer::builder().tls(true).clock(clock.clone()).start().await.unwrap();
    let minutes = |minutes: u64| tokio::time::sleep(std::time::Duration::from_secs(60 * minutes));
    let mut sender = http2(&mock).await;
    let mut other = sender.clone();
    let slow = tokio::spawn({
        let (mock, mut sender) = (mock.session("blue"), sender.clone());
        let uri = format!("https://localhost/s/{}{CREATE}", mock.name());
        let request = http::Request::post(uri).header("x-mock-fault", "delay=5s").header("authorization", "Bearer k");
        let request = request.header("content-type", "application/json").body(Full::from(kite())).unwrap();
        async move { sender.send_request(request).await.map(|response| response.status().as_u16()) }
    });
    clock.until_waiting(1).await;
    // Another response ends meanwhile.
    let body = http::Request::get("https://localhost/__mock/v1/health").body(Full::default()).unwrap();
    assert_eq!(other.send_request(body).await.unwrap().status(), 200);
    minutes(10).await;
    clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(slow.await.unwrap().unwrap(), 200);
    minutes(2).await;
    let late = http::Request::get("https://localhost/__mock/v1/health").body(Full::default()).unwrap();
    assert!(sender.send_request(late).await.is_err(), "it was idle for 75 s");
}
