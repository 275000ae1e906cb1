//! Surroundings that only a process of its own can have: no CA certificates, as in a bare container, and a proxy.

use std::{process::Command, time::Duration};

use seedream_client::{DownloadOptions, ImageProvider as _};
use seedream_core::{Charge, ErrorKind};

use crate::{
    raw_server::{Raw, response},
    tiny_dialects::{Tiny, client, request},
};

/// Set for the process that plays the bare machine.
const BARE: &str = "SEEDREAM_TEST_BARE";

/// Set for the process that is behind a proxy.
const PROXIED: &str = "SEEDREAM_TEST_PROXIED";

/// Runs one test of this file in a process of its own.
fn run(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_machine_without_certificates_can_use_a_mock() {
    // What the platform's verifier reads in place of the system's store.
    let none = [("SSL_CERT_FILE", "/nonexistent/certificates.pem"), ("SSL_CERT_DIR", "/nonexistent")];
    run("process_environment::on_the_bare_machine", &[(BARE, "1"), none[0], none[1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_its_name_may_be_local() {
    let image = || response("200 OK", "Connection: close\r\n", "picture");
    let proxy = Raw::start(vec![image(), image()]).await;
    // By name, so that the resolver is asked for it.
    let url = proxy.url.replace("127.0.0.1", "localhost");
    let child = move || {
        run("process_environment::behind_the_proxy", &[(PROXIED, &url), ("http_proxy", &url), ("no_proxy", "")]);
    };
    tokio::task::spawn_blocking(child).await.unwrap();
    let lines: Vec<_> = proxy.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["GET http://pictures.example/a.png?sig=1 HTTP/1.1"]);
}

#[tokio::test]
async fn behind_the_proxy() {
    let Some(proxy) = std::env::var_os(PROXIED) else { return };
    let options = DownloadOptions::default().allow_http(true).waits(Duration::ZERO, Duration::ZERO);
    let client = client(Tiny, "https://tiny.example").download(options).build().unwrap();
    assert_eq!(client.downloader().fetch("http://pictures.example/a.png?sig=1").await.unwrap(), "picture");
    // The exemption is for the proxy as a proxy, not as a place to fetch from.
    let error = client.downloader().fetch(proxy.to_str().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn on_the_bare_machine() {
    if std::env::var_os(BARE).is_none() {
        return;
    }
    let body = r#"{"data":[{"url":"https://a.example/0.png"}]}"#;
    let server = Raw::start(vec![response("200 OK", "", body), response("200 OK", "", "picture")]).await;
    let plain = client(Tiny, &server.url).build().unwrap();
    assert_eq!(plain.generate(request()).await.unwrap().images().count(), 1);
    assert_eq!(plain.downloader().fetch(&server.url).await.unwrap(), "picture");

    let tls = client(Tiny, "https://127.0.0.1:9").build().unwrap();
    let error = tls.generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), error.provider()), (ErrorKind::Config, Charge::No, Some("tiny")));
    assert!(error.message().contains("SSL_CERT_FILE"), "{error}");
}
