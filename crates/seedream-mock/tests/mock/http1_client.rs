//! A tiny HTTP/1.1 client: one request a connection, every byte of the response visible.

use std::io;
use std::time::Duration;

use seedream_mock::MockServer;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Waits for what comes at once if all is well, so that a broken mock fails a test instead of hanging it.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it does not come")
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The sizes of the chunks, where the body came in chunks.
    pub(crate) chunks: Vec<usize>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// One request; headers are extra ones. What is posted is JSON unless they say otherwise.
pub(crate) async fn send(
    mock: &MockServer,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Received> {
    let target = target.strip_prefix(&mock.url()).unwrap_or(target);
    let mut stream = TcpStream::connect(mock.address()).await?;
    let host = if headers.iter().any(|(name, _)| *name == "host") {
        String::new()
    } else {
        format!("host: {}\r\n", mock.address())
    };
    let mut head =
        format!("{method} {target} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {}\r\n", body.len());
    if method == "POST" && headers.iter().all(|(name, _)| *name != "content-type") {
        head.push_str("content-type: application/json\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no complete head"))
}

/// A POST of JSON with an ordinary key.
pub(crate) async fn post(mock: &MockServer, target: &str, body: &Value) -> Received {
    send(mock, "POST", target, &[("authorization", "Bearer sk-test")], body.to_string().as_bytes()).await.unwrap()
}

/// A GET with an ordinary key.
pub(crate) async fn get(mock: &MockServer, target: &str) -> Received {
    send(mock, "GET", target, &[("authorization", "Bearer sk-test")], b"").await.unwrap()
}

/// A GET without a key, as images are downloaded.
pub(crate) async fn download(mock: &MockServer, url: &str) -> Received {
    send(mock, "GET", url, &[], b"").await.unwrap()
}

pub(crate) fn parse(bytes: &[u8]) -> Option<Received> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let (body, chunks) = if chunked { dechunk(rest)? } else { (rest.to_vec(), Vec::new()) };
    Some(Received { status, headers, body, chunks })
}

fn dechunk(mut rest: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    let (mut body, mut chunks) = (Vec::new(), Vec::new());
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some((body, chunks));
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
        chunks.push(size);
        rest = rest.get(line + 4 + size..)?;
    }
}

/// A time as the mock writes it.
pub(crate) fn rfc3339(at: std::time::SystemTime) -> String {
    jiff::Timestamp::try_from(at).unwrap().to_string()
}
