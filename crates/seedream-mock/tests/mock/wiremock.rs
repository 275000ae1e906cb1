//! The same responses inside a wiremock server.

use seedream_mock::{Clock, MockServer, Responder};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer as Wiremock};

use crate::http1_client::{Received, parse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ARK: &str = "/ark/api/v3/images/generations";

async fn start() -> (Wiremock, Responder, Clock) {
    let clock = Clock::stopped(jiff::Timestamp::from_second(1_795_000_000).unwrap());
    let responder = MockServer::builder().seed(7).clock(clock.clone()).responder();
    let server = Wiremock::start().await;
    Mock::given(any()).respond_with(responder.clone()).mount(&server).await;
    (server, responder, clock)
}

async fn ask(server: &Wiremock, method: &str, target: &str, body: &str) -> Received {
    let target = target.strip_prefix(&server.uri()).unwrap_or(target);
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nconnection: close\r\nauthorization: Bearer sk-any\r\n\
         content-length: {}\r\n\r\n{body}",
        server.address(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    parse(&bytes).unwrap()
}

fn kite(prompt: &str) -> String {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": prompt, "size": "1024x1024" }).to_string()
}

#[tokio::test]
async fn wiremock_plays_responses_images_and_errors() {
    let (server, responder, clock) = start().await;
    let made = ask(&server, "POST", ARK, &kite("a kite inside wiremock")).await;
    assert_eq!((made.status, made.header("x-mock-evidence")), (200, "derived"));
    let url = made.json()["data"][0]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&server.uri()), "{url}");
    let image = ask(&server, "GET", &url, "").await;
    let size = imagesize::blob_size(&image.body).unwrap();
    assert_eq!((size.width, size.height, image.header("content-type")), (1024, 1024, "image/jpeg"));
    clock.advance(std::time::Duration::from_secs(90_000));
    assert_eq!(ask(&server, "GET", &url, "").await.status, 403, "it goes by the clock it was given");
    let refused = ask(&server, "POST", ARK, &kite("a kite [[mock: status=503 retry-after=7]]")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "7"));
    assert_eq!(responder.ledger().iter().map(|bill| bill.images).sum::<u32>(), 1);
    assert_eq!(responder.journal().len(), 4);
}

#[tokio::test]
async fn what_wiremock_cannot_play_is_no_success() {
    let (server, ..) = start().await;
    for fault in ["reset@before", "close@head", "stall@body:10", "drip=1/1s", "length=wrong"] {
        let response = ask(&server, "POST", ARK, &kite(&format!("a kite [[mock: {fault}]]"))).await;
        let code: Value = response.json()["error"]["code"].clone();
        assert_eq!((response.status, code.as_str()), (501, Some("mock_beyond_wiremock")), "{fault}");
    }
}
