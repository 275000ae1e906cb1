//! Faults below HTTP, seen by a raw socket.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use seedream_mock::{Clock, MockServer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http1_client::soon;

const PATH: &str = "/ark/api/v3/images/generations";

/// Sends a request for an image with a fault.
async fn ask(mock: &MockServer, fault: &str) -> TcpStream {
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite above a net" }).to_string();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nconnection: close\r\nauthorization: Bearer sk-test\r\n\
         content-length: {}\r\nx-mock-fault: {fault}\r\n\r\n{body}",
        mock.address(),
        body.len()
    );
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Everything that comes, and how it ends.
async fn read(mut stream: TcpStream) -> (Vec<u8>, io::Result<()>) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await.map(drop);
    (bytes, end)
}

fn head_of(response: &[u8]) -> usize {
    response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4
}

/// A mock whose answers to equal requests at equal times differ in their ids only, which have one length.
async fn start() -> (Clock, Arc<MockServer>) {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    (clock.clone(), Arc::new(MockServer::builder().clock(clock).start().await.unwrap()))
}

#[tokio::test]
async fn a_response_is_reset_at_every_byte() {
    let (_, mock) = start().await;
    let (whole, end) = read(ask(&mock, "").await).await;
    end.unwrap();
    let head = head_of(&whole);
    for at in 0..=whole.len() {
        let place = if at < head { format!("head:{at}") } else { format!("body:{}", at - head) };
        let (bytes, end) = read(ask(&mock, &format!("reset@{place}")).await).await;
        assert_eq!(bytes.len(), at, "{place}");
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset, "{place}");
    }
    let journal = mock.journal();
    assert_eq!(journal.len(), whole.len() + 2, "one request each");
    assert!(journal.iter().all(|entry| entry.billed == 1), "a lost answer is a paid one");
    let statuses = [1, 12, 13, whole.len()].map(|entry| journal[entry].status);
    assert_eq!(statuses, [0, 0, 200, 200], "what the caller could see");
}

#[tokio::test]
async fn a_close_is_not_a_reset_and_the_response_is_incomplete() {
    let (_, mock) = start().await;
    for (fault, length) in [("close@before", Some(0)), ("close@head", Some(12)), ("close@body:10", None)] {
        let (bytes, end) = read(ask(&mock, fault).await).await;
        end.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(bytes.len(), length.unwrap_or_else(|| head_of(&bytes) + 10), "{fault}");
    }
}

#[tokio::test]
async fn a_wrong_length_promises_more_than_comes() {
    let (_, mock) = start().await;
    let (bytes, end) = read(ask(&mock, "length=wrong").await).await;
    end.unwrap();
    let head = std::str::from_utf8(&bytes[..head_of(&bytes)]).unwrap();
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(promised.parse::<usize>().unwrap(), bytes.len() - head.len() + 64);
    assert!(serde_json::from_slice::<serde_json::Value>(&bytes[head.len()..]).is_ok(), "the body itself is whole");
}

#[tokio::test]
async fn a_stall_is_one_until_the_clock_moves() {
    let (clock, mock) = start().await;
    let (whole, _) = read(ask(&mock, "").await).await;
    let head = head_of(&whole);
    for (fault, before) in [("stall@before", 0), ("stall@head", 12), ("stall@body:9", head + 9)] {
        let mut stream = ask(&mock, &format!("{fault} for=30s")).await;
        let mut first = vec![0; before];
        stream.read_exact(&mut first).await.unwrap();
        soon(clock.until_waiting(1)).await;
        let mut one = [0];
        assert_eq!(stream.try_read(&mut one).unwrap_err().kind(), ErrorKind::WouldBlock, "{fault}");
        clock.advance(Duration::from_secs(30));
        let (rest, end) = read(stream).await;
        end.unwrap();
        assert_eq!(first.len() + rest.len(), whole.len(), "{fault}");
    }
}

#[tokio::test]
async fn a_stall_without_end_stops_when_the_client_disconnects() {
    let (clock, mock) = start().await;
    let stream = ask(&mock, "stall@body:9").await;
    soon(clock.until_waiting(1)).await;
    clock.advance(Duration::from_secs(1_000_000));
    let mut one = [0; 4096];
    stream.readable().await.unwrap();
    let read = stream.try_read(&mut one).unwrap();
    assert_eq!(&one[read - 9..read - 8], b"{", "nine bytes of the body came");
    drop(stream);
    // The connection ends, and with it the stall: the mock stops without waiting for it.
    Arc::into_inner(mock).unwrap().stop().await;
}

#[tokio::test]
async fn a_drip_drips() {
    let (clock, mock) = start().await;
    let (whole, _) = read(ask(&mock, "").await).await;
    let head = head_of(&whole);
    let mut stream = ask(&mock, "drip=100/1s").await;
    let mut seen = vec![0; head + 100];
    stream.read_exact(&mut seen).await.unwrap();
    let mut drops = 1;
    while seen.len() < whole.len() {
        soon(clock.until_waiting(1)).await;
        let mut one = [0];
        assert_eq!(stream.try_read(&mut one).unwrap_err().kind(), ErrorKind::WouldBlock, "after {drops}");
        clock.advance(Duration::from_secs(1));
        let mut drop = vec![0; 100.min(whole.len() - seen.len())];
        stream.read_exact(&mut drop).await.unwrap();
        seen.extend_from_slice(&drop);
        drops += 1;
    }
    assert_eq!(drops, (whole.len() - head).div_ceil(100));
    read(stream).await.1.unwrap();
}

#[tokio::test]
async fn a_fault_ends_with_its_response() {
    let (_, mock) = start().await;
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    let get = |fault: &str| {
        format!(
            "GET /ark/api/v3/models HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer sk-test\r\nx-mock-fault: {fault}\r\n\r\n"
        )
    };
    let mut buffer = vec![0; 65536];
    for fault in ["stall@body:100000", "delay=0s", "reset@before"] {
        stream.write_all(get(fault).as_bytes()).await.unwrap();
        let read = stream.read(&mut buffer).await;
        match fault {
            "reset@before" => assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset),
            _ => assert!(buffer[..read.unwrap()].starts_with(b"HTTP/1.1 200 OK"), "{fault}"),
        }
    }
}

#[tokio::test]
async fn spoiled_bodies_arrive_as_they_are_promised() {
    let (_, mock) = start().await;
    for (fault, first, header, length) in [
        ("empty", "HTTP/1.1 200 OK", "content-length: 0", 0),
        ("garbage", "HTTP/1.1 200 OK", "content-type: application/json", 0),
        ("truncate=17", "HTTP/1.1 200 OK", "content-length: 17", 17),
        ("oversize=300000", "HTTP/1.1 200 OK", "transfer-encoding: chunked", 0),
        ("gzip=broken", "HTTP/1.1 200 OK", "content-encoding: gzip", 0),
        ("html=502", "HTTP/1.1 502 Bad Gateway", "content-type: text/html", 0),
        ("redirect=307", "HTTP/1.1 307 Temporary Redirect", "location: /ark/api/v3/images/generations", 0),
        ("redirect=302 to=http://192.0.2.1/", "HTTP/1.1 302 Found", "location: http://192.0.2.1/", 0),
    ] {
        let (bytes, end) = read(ask(&mock, fault).await).await;
        end.unwrap();
        let head = head_of(&bytes);
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        assert!(text.starts_with(first) && text.contains(&format!("\r\n{header}\r\n")), "{fault}: {text}");
        assert!(length == 0 || bytes.len() - head == length, "{fault}: {}", bytes.len() - head);
        assert!(!fault.starts_with("oversize") || bytes.len() - head > 300_000, "{fault}: {}", bytes.len() - head);
    }
}
