//! Recording a real upstream, and playing what was recorded: over real sockets on both sides.

mod budget;
mod crooked_bodies;
mod raw_server;
mod replaying;
mod secrets;

use std::path::Path;

use seedream_mock::{MockServer, RecordOptions, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The only path that buys at this provider.
const CREATE: &str = "/ark/api/v3/images/generations";

/// A recorder of Ark in front of an upstream.
async fn recorder(upstream: &str, budget: u32, folder: &Path) -> MockServer {
    recorder_of("ark", upstream, budget, folder).await
}

async fn recorder_of(provider: &str, upstream: &str, budget: u32, folder: &Path) -> MockServer {
    MockServer::builder().record(options(provider, upstream, budget, folder)).unwrap().start().await.unwrap()
}

fn options(provider: &str, upstream: &str, budget: u32, folder: &Path) -> RecordOptions {
    let (provider, upstream, folder) = (provider.to_owned(), upstream.to_owned(), folder.to_owned());
    RecordOptions { provider, upstream, budget, folder, ..RecordOptions::default() }
}

/// A mock that plays a recording.
async fn player(folder: &Path) -> MockServer {
    player_with(folder, Settings::default()).await
}

async fn player_with(folder: &Path, settings: Settings) -> MockServer {
    MockServer::builder().settings(settings).fixtures(folder).unwrap().start().await.unwrap()
}

/// Every byte of a response, also of one that breaks off, and whether the connection was reset.
async fn every_byte(mock: &MockServer, target: &str, headers: &str, body: &[u8]) -> (Vec<u8>, bool) {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
        mock.address(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let (mut received, mut block) = (Vec::new(), vec![0; 65536]);
    loop {
        match stream.read(&mut block).await {
            Ok(0) => return (received, false),
            Ok(length) => received.extend_from_slice(&block[..length]),
            Err(_) => return (received, true),
        }
    }
}

/// What follows the head of a response.
fn body_of(response: &[u8]) -> &[u8] {
    response.windows(4).position(|end| end == b"\r\n\r\n").map_or(&[][..], |at| &response[at + 4..])
}

/// Every file of a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// The exchange of Ark with this number, as it is in its file.
fn exchange(folder: &Path, number: u32) -> serde_json::Value {
    let file = folder.join(format!("ark/recorded/{number:04}.json"));
    serde_json::from_slice(&std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))).unwrap()
}
