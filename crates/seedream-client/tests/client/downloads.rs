//! Downloads over real sockets; which URLs are refused by their text alone is a table beside the code.

use std::time::Duration;

use seedream_client::{Client, DownloadOptions};
use seedream_core::{ErrorKind, GeneratedImage, ImageData, Timestamp};
use tokio::net::TcpListener;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    raw_server::{Act, Raw, response},
    tiny_dialects::{Tiny, client, texts},
};

fn downloads(base_url: &str) -> Client {
    // Patient with what is on this machine; whatever is let through to elsewhere fails soon.
    let options = DownloadOptions::default().timeouts(Duration::from_secs(5), Duration::from_secs(5));
    let options = options.waits(Duration::from_millis(3), Duration::from_millis(1)).max_bytes(1000);
    client(Tiny, base_url).download(options).build().unwrap()
}

fn image(url: &str) -> GeneratedImage {
    let expires_at: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
    GeneratedImage::new(4, ImageData::Url { url: url.into(), expires_at: Some(expires_at) })
}

#[tokio::test]
async fn the_query_arrives_as_it_was_written() {
    let server = Raw::start(vec![response("200 OK", "", "bytes")]).await;
    let query = "X-Tos-Signature=aB%2F%2f+~=&&empty=&a=1&a=2&%E4=;|";
    let url = format!("{}/p%20a/x.png?{query}#part", server.url);
    assert_eq!(downloads(&server.url).downloader().fetch(&url).await.unwrap(), "bytes");
    let line = server.requests()[0].lines().next().unwrap().to_owned();
    assert_eq!(line, format!("GET /p%20a/x.png?{query} HTTP/1.1"));
    assert_eq!((server.count("HEAD"), server.requests()[0].to_ascii_lowercase().contains("authorization")), (0, false));
}

#[tokio::test]
async fn a_failure_keeps_url_and_expiry_and_shows_no_signature() {
    let server = Raw::start(vec![response("403 Forbidden", "", "<Error>expired</Error>")]).await;
    let urls = [
        format!("{}/a?sig=s3cret", server.url),
        "https://10.0.0.1/a?sig=s3cret".into(),
        "http://a.example/?s3cret".into(),
    ];
    for url in urls {
        let failure = downloads(&server.url).fetch(&image(&url)).await.unwrap_err();
        assert_eq!((failure.index, failure.url.as_deref()), (4, Some(url.as_str())));
        assert!(failure.expires_at.is_some());
        assert!(!format!("{failure}{failure:?}").contains("s3cret"), "{failure:?}");
    }
}

#[tokio::test]
async fn no_cause_of_a_failure_shows_the_signature() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cut = || Act::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec());
    let server = Raw::start(vec![cut(), cut(), cut()]).await;
    for base_url in [format!("http://{closed}"), server.url] {
        let error = downloads(&base_url).downloader().fetch(&format!("{base_url}/a.png?sig=s3cret")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(!texts(&error).contains("s3cret"), "{}", texts(&error));
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_lasts_is_not() {
    for (status, tries, kind) in [
        ("500 Oops", 3, ErrorKind::Server),
        ("429 Slow", 3, ErrorKind::Server),
        ("403 Forbidden", 1, ErrorKind::Server),
        ("404 Not Found", 3, ErrorKind::Server),
        ("408 Timeout", 3, ErrorKind::Server),
        ("425 Too Early", 3, ErrorKind::Server),
        ("202 Accepted", 3, ErrorKind::Server),
        ("400 Bad", 1, ErrorKind::Server),
        ("401 Unauthorized", 1, ErrorKind::Server),
        ("410 Gone", 1, ErrorKind::Server),
    ] {
        let acts = (0..5).map(|_| response(status, "", "")).collect();
        let server = Raw::start(acts).await;
        let error =
            downloads(&server.url).downloader().fetch(&format!("{}/a?sig=s3cret", server.url)).await.unwrap_err();
        assert_eq!((server.requests().len(), error.kind()), (tries, kind), "{status}");
        assert!(error.message().ends_with(&format!(": {}/a?…", server.url)), "{error}");
    }
    let cut = Act::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec());
    let server = Raw::start(vec![Act::Close, cut, response("200 OK", "", "whole")]).await;
    assert_eq!(downloads(&server.url).downloader().fetch(&server.url).await.unwrap(), "whole");
}

#[tokio::test]
async fn an_image_over_the_limit_is_refused_with_and_without_a_length() {
    let large = "x".repeat(1001);
    let unstated = Act::Answer(format!("HTTP/1.1 200 OK\r\n\r\n{large}").into_bytes());
    let server = Raw::start(vec![response("200 OK", "", &large), unstated, response("200 OK", "", &large[1..])]).await;
    let client = downloads(&server.url);
    for _ in 0..2 {
        assert_eq!(client.downloader().fetch(&server.url).await.unwrap_err().kind(), ErrorKind::TooLarge);
    }
    assert_eq!(client.downloader().fetch(&server.url).await.unwrap().len(), 1000);
}

/// Where no image is fetched from, however it is written.
const HOSTILE: &[&str] = &[
    "",
    "relative",
    "file:///etc/passwd",
    "ftp://tos.example/a.png",
    "gopher://tos.example/",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "http://tos.example/a.png",
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://metadata.google.internal/",
    "https://localhost/a",
    "https://db.localhost/a",
    "https://printer.local/a",
    "https://127.0.0.1/a",
    "https://127.1/a",
    "https://2130706433/a",
    "https://0x7f000001/a",
    "https://0177.0.0.1/a",
    "https://①②⑦.0.0.1/a",
    "https://0.0.0.0/a",
    "https://10.0.0.1/a",
    "https://172.16.0.1/a",
    "https://192.168.0.1/a",
    "https://100.64.0.1/a",
    "https://224.0.0.1/a",
    "https://[::]/a",
    "https://[::1]/a",
    "https://[::ffff:169.254.169.254]/a",
    "https://[64:ff9b::7f00:1]/a",
    "https://[2002:7f00:1::]/a",
    "https://[fd00::1]/a",
    "https://[fe80::1]/a",
    "https://user@tos.example/a",
    "https://tos.example@127.0.0.1/a",
    r"https:\\127.0.0.1\a",
    "http://127.0.0.1:1/another-port",
];

#[tokio::test]
async fn hostile_urls_are_fetched_neither_at_once_nor_behind_a_redirect() {
    let server = MockServer::start().await;
    let client = downloads(&server.uri());
    for (number, url) in HOSTILE.iter().enumerate() {
        let hop = format!("/hop/{number}");
        let response = ResponseTemplate::new(302)
            .insert_header("location", http::HeaderValue::from_bytes(url.as_bytes()).unwrap());
        Mock::given(path(&hop)).respond_with(response).mount(&server).await;
        for (direct, url) in [(true, (*url).to_owned()), (false, format!("{}{hop}", server.uri()))] {
            // A redirect may be relative; a result URL may not.
            if !direct && ["", "relative"].contains(&HOSTILE[number]) {
                continue;
            }
            let error = client.downloader().fetch(&url).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{url} {direct}: {error}");
        }
    }
    let seen = server.received_requests().await.unwrap();
    assert_eq!(seen.len(), HOSTILE.len() - 2, "each hop was asked for once, and nothing behind one");
}

#[tokio::test]
async fn every_redirect_is_judged_like_the_url_itself() {
    let (server, inside) = (MockServer::start().await, MockServer::start().await);
    let to = |at: &str, target: String| {
        Mock::given(path(at)).respond_with(ResponseTemplate::new(302).insert_header("location", target))
    };
    to("/relative", "picture".into()).mount(&server).await;
    to("/absolute", format!("{}/relative", server.uri())).mount(&server).await;
    to("/loop", "/loop".into()).mount(&server).await;
    to("/other-port", format!("{}/secret", inside.uri())).mount(&server).await;
    to("/https-inside", "https://127.0.0.1/secret".into()).mount(&server).await;
    to("/metadata", "http://169.254.169.254/latest/meta-data/".into()).mount(&server).await;
    to("/plain", "http://example.com/".into()).mount(&server).await;
    to("/file", "file:///etc/passwd".into()).mount(&server).await;
    to("/scheme-relative", "//10.0.0.1/x".into()).mount(&server).await;
    to("/user", format!("http://u:p@{}/picture", server.address())).mount(&server).await;
    Mock::given(path("/nowhere")).respond_with(ResponseTemplate::new(302)).mount(&server).await;
    Mock::given(path("/picture")).respond_with(ResponseTemplate::new(200).set_body_bytes("x")).mount(&server).await;

    let client = downloads(&server.uri());
    for at in ["/picture", "/relative", "/absolute"] {
        assert_eq!(client.downloader().fetch(&format!("{}{at}", server.uri())).await.unwrap(), "x", "{at}");
    }
    for at in [
        "/loop",
        "/other-port",
        "/https-inside",
        "/metadata",
        "/plain",
        "/file",
        "/scheme-relative",
        "/user",
        "/nowhere",
    ] {
        let error = client.downloader().fetch(&format!("{}{at}", server.uri())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{at}: {error}");
    }
    assert!(inside.received_requests().await.unwrap().is_empty());
    let loops =
        server.received_requests().await.unwrap().iter().filter(|request| request.url.path() == "/loop").count();
    assert_eq!(loops, 6, "the first request and five redirects");
}
