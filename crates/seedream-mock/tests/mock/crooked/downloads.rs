//! Downloads that are cut off, broken off, late, or followed by something.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seedream_mock::MockServer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::engine_calls::{create_path, engine, json, post, post_with};
use crate::http1_client::{self, Received};

fn kite(fault: &str) -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": format!("a kite above the dunes [[mock: {fault}]]"),
        "size": "2048x2048",
    })
}

/// The URL of an image whose downloads suffer this.
async fn url(mock: &MockServer, fault: &str) -> String {
    let made = http1_client::post(mock, &create_path("ark"), &kite(fault)).await.json();
    made["data"][0]["url"].as_str().unwrap().to_owned()
}

/// Everything that a download sends, head and all; the connection ends in order.
async fn raw(mock: &MockServer, url: &str, headers: &str) -> (String, Vec<u8>) {
    let target = url.strip_prefix(&mock.url()).unwrap();
    let mut socket = tokio::net::TcpStream::connect(mock.address()).await.unwrap();
    socket.write_all(format!("GET {target} HTTP/1.1\r\nhost: mock\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    http1_client::soon(socket.read_to_end(&mut bytes)).await.unwrap();
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8_lossy(&bytes[..head]).into_owned(), bytes.split_off(head))
}

async fn whole(mock: &MockServer) -> Vec<u8> {
    http1_client::download(mock, &url(mock, "times=1").await).await.body
}

#[tokio::test]
async fn an_image_is_cut_off_whatever_the_framing_says() {
    let mock = MockServer::start().await.unwrap();
    let whole = whole(&mock).await;
    let (head, body) = raw(&mock, &url(&mock, "image=cut").await, "").await;
    assert!(head.contains("connection: close\r\n") && head.contains("content-type: image/jpeg"), "{head}");
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
    assert_eq!(body, whole[..80]);
    for (fault, length) in
        [("image=cut-length", 80), ("image=cut-end", whole.len() - 4), ("on=image truncate=-1", whole.len() - 1)]
    {
        let file = http1_client::download(&mock, &url(&mock, fault).await).await;
        assert_eq!((file.status, file.header("content-length")), (200, length.to_string().as_str()), "{fault}");
        assert_eq!(file.body, whole[..length], "{fault}");
    }
    let (head, body) = raw(&mock, &url(&mock, "on=image length=none").await, "").await;
    assert!(head.starts_with("HTTP/1.0 200 OK") && body == whole, "a whole image without a length");
    let trailing = http1_client::download(&mock, &url(&mock, "image=trailing").await).await.body;
    assert!(trailing.starts_with(&whole) && trailing.len() > whole.len());
    assert!(mock.ledger().iter().all(|bill| bill.images == 1), "a cut image is a paid one");
}

#[test]
fn inline_images_are_cut_off_too() {
    let inline = |fault: &str, by_prompt: bool| {
        // A mock of its own: the second of equal requests has another image.
        let engine = engine();
        let mut body = kite(if by_prompt { fault } else { "times=1" });
        body["response_format"] = json!("b64_json");
        body["size"] = json!("1024x1024");
        let script = post_with(&engine, if by_prompt { "" } else { fault }, &create_path("ark"), &body);
        assert_eq!(engine.journal(None)[0].billed, 1, "{fault}");
        STANDARD.decode(json(&script)["data"][0]["b64_json"].as_str().unwrap()).unwrap()
    };
    let whole = inline("", false);
    for by_prompt in [false, true] {
        for fault in ["image=cut", "image=cut-length", "on=create image=cut"] {
            assert_eq!(inline(fault, by_prompt), whole[..80], "{fault}");
        }
        assert_eq!(inline("image=cut-end", by_prompt), whole[..whole.len() - 4]);
        assert!(inline("image=trailing", by_prompt).len() > whole.len());
    }
    let uri = json(&post_with(&engine(), "image=cut; body=data-uri", &create_path("ark"), &kite("times=1")));
    let file = uri["data"][0]["url"].as_str().unwrap().strip_prefix("data:image/jpeg;base64,").unwrap().to_owned();
    assert_eq!(STANDARD.decode(file).unwrap().len(), 80, "in a URI too");
}

#[tokio::test]
async fn a_connection_closes_every_64_kib_and_ranges_go_on() {
    let mock = MockServer::start().await.unwrap();
    let whole = whole(&mock).await;
    assert!(whole.len() > 1 << 16, "{}", whole.len());
    for (fault, tagged, part) in [
        ("image=close-every", true, 65_536),
        ("image=close-every-untagged", false, 65_536),
        ("image=close-every close@body:20000", true, 20_000),
    ] {
        let url = url(&mock, fault).await;
        let (head, mut file) = raw(&mock, &url, "").await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("accept-ranges: bytes"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", whole.len())), "{head}");
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).map(str::to_owned);
        assert_eq!((file.len(), tag.is_some()), (part, tagged), "{fault}");
        let condition = tag.as_ref().map(|tag| format!("if-range: {tag}\r\n")).unwrap_or_default();
        let mut tries = 1;
        while file.len() < whole.len() {
            let (head, rest) =
                raw(&mock, &url, &format!("range: bytes={}-\r\n{condition}connection: close\r\n", file.len())).await;
            let place = format!("content-range: bytes {}-{}/{}\r\n", file.len(), whole.len() - 1, whole.len());
            assert!(head.starts_with("HTTP/1.1 206") && head.contains(&place), "{head}");
            file.extend(rest);
            tries += 1;
        }
        assert_eq!((file == whole, tries), (true, whole.len().div_ceil(part)), "{fault}");
        let (head, again) = raw(&mock, &url, "range: bytes=100-\r\nif-range: \"another\"\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200") && again == whole[..part], "another file is sent from its start");
    }
}

#[tokio::test]
async fn a_link_is_not_there_yet_and_says_when_to_come_back() {
    let mock = MockServer::start().await.unwrap();
    for status in [404, 425, 429, 503] {
        let fault = format!("on=image status={status} times=2 retry-after=7");
        let by_prompt = url(&mock, &fault).await;
        let headers = [("authorization", "Bearer sk-test"), ("x-mock-fault", fault.as_str())];
        let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "another kite" }).to_string();
        let made =
            http1_client::send(&mock, "POST", &create_path("ark"), &headers, body.as_bytes()).await.unwrap().json();
        for url in [by_prompt.as_str(), made["data"][0]["url"].as_str().unwrap()] {
            let responses: Vec<Received> = [
                http1_client::download(&mock, url).await,
                http1_client::download(&mock, url).await,
                http1_client::download(&mock, url).await,
            ]
            .into();
            let statuses: Vec<u16> = responses.iter().map(|response| response.status).collect();
            assert_eq!(statuses, [status, status, 200]);
            assert_eq!((responses[1].header("retry-after"), responses[2].header("retry-after")), ("7", ""));
        }
    }
    let task = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite [[mock: on=image status=404 times=1 retry-after=3]]" });
    let created = http1_client::post(&mock, &create_path("evolink"), &task).await.json();
    let path = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
    let mut polled = Value::Null;
    for _ in 0..3 {
        polled = http1_client::get(&mock, &path).await.json();
    }
    let url = polled["results"][0].as_str().unwrap();
    let first = http1_client::download(&mock, url).await;
    assert_eq!((first.status, first.header("retry-after")), (404, "3"));
    assert_eq!(http1_client::download(&mock, url).await.status, 200);
}

#[test]
fn a_rule_of_a_session_reaches_inline_images_where_it_means_creates() {
    let engine = engine();
    engine.add_faults(crate::engine_calls::now(), "default", ["on=create image=cut-length".parse().unwrap()]);
    let mut body = kite("times=1");
    body["response_format"] = json!("b64_json");
    let file = json(&post(&engine, &create_path("ark"), &body))["data"][0]["b64_json"].as_str().unwrap().to_owned();
    assert_eq!(STANDARD.decode(file).unwrap().len(), 80);
}
