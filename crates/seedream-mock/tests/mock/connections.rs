//! How long a connection stays open, and how many do. The time of the machine is paused, so that limits of minutes pass at once.

use std::num::NonZeroUsize;
use std::time::Duration;

use jiff::Timestamp;
use seedream_mock::{Clock, MockServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const HOUR: Duration = Duration::from_secs(3600);

const MODELS: &str = "GET /ark/api/v3/models HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer sk-test\r\n";

async fn connect(mock: &MockServer, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// One response of a connection that stays open.
async fn response(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "{text}");
    }
}

/// After how many seconds the mock closes a connection, without a byte.
async fn closed_after(stream: &mut TcpStream) -> u64 {
    let start = Instant::now();
    let read = timeout(HOUR, stream.read(&mut [0; 1])).await.expect("it is closed within an hour");
    // A client whose bytes were not read gets a reset.
    assert!(read.is_err() || read.is_ok_and(|bytes| bytes == 0));
    start.elapsed().as_secs_f64().round() as u64
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_head_and_an_idle_connection_are_closed() {
    let mock = MockServer::start().await.unwrap();
    assert_eq!(closed_after(&mut connect(&mock, "").await).await, 75, "nothing was sent");
    assert_eq!(closed_after(&mut connect(&mock, MODELS).await).await, 15, "half a head was sent");

    let mut kept = connect(&mock, &format!("{MODELS}\r\n")).await;
    assert!(response(&mut kept).await.starts_with("HTTP/1.1 200 OK"));
    // A byte now and then does not extend a head.
    assert!(timeout(Duration::from_secs(70), kept.read(&mut [0; 1])).await.is_err(), "70 s of 75");
    for byte in 0..7 {
        kept.write_all(&MODELS.as_bytes()[byte..=byte]).await.unwrap();
        assert!(timeout(Duration::from_secs(2), kept.read(&mut [0; 1])).await.is_err(), "byte {byte}");
    }
    assert_eq!(closed_after(&mut kept).await, 1);

    let upload = format!("{}content-length: 10\r\n\r\n", MODELS.replace("GET", "POST"));
    let mut kept = connect(&mock, &upload).await;
    assert!(timeout(Duration::from_secs(70), kept.read(&mut [0; 1])).await.is_err());
    kept.write_all(b"{").await.unwrap();
    assert_eq!(closed_after(&mut kept).await, 75, "a body that goes on has its time again");
    assert_eq!(mock.journal().len(), 1, "only one request was whole");
}

#[tokio::test(start_paused = true)]
async fn a_pending_stalled_or_dripping_response_has_no_limit() {
    for fault in ["delay=30s", "stall@before for=30s", "stall@body:9 for=30s", "drip=100/1s", "stall@body:9"] {
        let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
        let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
        let mut stream = connect(&mock, &format!("{MODELS}x-mock-fault: on=any {fault}\r\n\r\n")).await;
        clock.until_waiting(1).await;
        let mut bytes = Vec::new();
        let ended = timeout(HOUR, stream.read_to_end(&mut bytes)).await;
        assert!(ended.is_err(), "{fault}: {}", String::from_utf8_lossy(&bytes));
    }
    // The clock of the mock is moved by a year, and closes nothing.
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
    let mut stream = connect(&mock, &format!("{MODELS}x-mock-fault: on=any delay=30s\r\n\r\n")).await;
    clock.until_waiting(1).await;
    clock.advance(HOUR * 24 * 365);
    assert!(response(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(closed_after(&mut stream).await, 75);
}

#[tokio::test(start_paused = true)]
async fn limits_are_settings_and_zero_is_none() {
    let mock =
        MockServer::builder().head_timeout(Duration::from_secs(2)).idle_timeout(Duration::ZERO).start().await.unwrap();
    assert_eq!(closed_after(&mut connect(&mock, "GET").await).await, 2);
    assert!(timeout(HOUR, connect(&mock, "").await.read(&mut [0; 1])).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connection_beyond_the_limit_waits_for_a_place() {
    let two = NonZeroUsize::new(2).unwrap();
    let mock = MockServer::builder().connections(two).start().await.unwrap();
    let whole = format!("{MODELS}\r\n");
    let (mut first, mut second) = (connect(&mock, &whole).await, connect(&mock, &whole).await);
    response(&mut first).await;
    response(&mut second).await;
    let mut third = connect(&mock, &whole).await;
    assert!(timeout(Duration::from_secs(60), third.read(&mut [0; 1])).await.is_err(), "both places are taken");
    drop(first);
    assert!(response(&mut third).await.starts_with("HTTP/1.1 200 OK"));
    let mut fourth = connect(&mock, &whole).await;
    let start = Instant::now();
    assert!(response(&mut fourth).await.starts_with("HTTP/1.1 200 OK"));
    assert!(start.elapsed() <= Duration::from_secs(75), "an idle connection gives its place back");
}
