//! A server that sends any bytes, in any pieces, and ends its connections as it likes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request for images.
#[derive(Debug, Clone, Default)]
pub(super) struct Reply {
    /// The pieces of the response, its head included; each is written by itself.
    pub(super) pieces: Vec<Vec<u8>>,
    /// Whether the connection is reset at the end.
    pub(super) resets: bool,
}

impl Reply {
    pub(super) fn of<const N: usize>(pieces: [&[u8]; N]) -> Self {
        Self { pieces: pieces.into_iter().map(<[u8]>::to_vec).collect(), resets: false }
    }

    /// A whole JSON response.
    pub(super) fn json(status: &str, body: &str) -> Self {
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::of([head.as_bytes(), body.as_bytes()])
    }
}

/// A server of replies, in their order. A GET of a path that ends in `.jpg` is an image: below `/moved/` elsewhere, below `/late/` with its
/// second download. It ends with the test.
pub(super) struct RawServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    serving: tokio::task::JoinHandle<()>,
}

/// The image that it serves.
pub(super) const IMAGE: &[u8] = b"\xff\xd8\xff\xe0 an image, as far as its first bytes say\x00\x01\x02";

impl RawServer {
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, replies) =
            (Arc::<Mutex<Vec<String>>>::default(), Arc::new(Mutex::new(replies.into_iter().collect())));
        let (seen, next) = (requests.clone(), replies.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), next.clone()));
            }
        });
        Self { address, requests, replies, serving }
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}/api/v3", self.address)
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a reply, which may name the server itself.
    pub(super) fn then(&self, reply: Reply) {
        self.replies.lock().unwrap().push_back(reply);
    }

    /// The requests for anything but images, as they came, and the paths of late images.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, replies: Arc<Mutex<VecDeque<Reply>>>) {
    stream.set_nodelay(true).unwrap();
    let mut request = Vec::new();
    let mut block = [0; 65536];
    let body = loop {
        let length = stream.read(&mut block).await.unwrap_or_default();
        if length == 0 {
            return;
        }
        request.extend_from_slice(&block[..length]);
        if let Some(at) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = String::from_utf8_lossy(&request[..body]).to_ascii_lowercase();
    let length =
        head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
    while request.len() < body + length.unwrap_or_default() {
        let length = stream.read(&mut block).await.unwrap();
        request.extend_from_slice(&block[..length]);
    }
    let path = head.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
    if path.ends_with(".jpg") {
        let is_late = path.starts_with("/late/") && {
            let mut seen = seen.lock().unwrap();
            let asked = seen.contains(&path);
            seen.push(path.clone());
            !asked
        };
        let instead = match path.strip_prefix("/moved/") {
            Some(place) => format!("302 Found\r\nlocation: /{place}"),
            None => String::from("404 Not Found"),
        };
        if is_late || path.starts_with("/moved/") {
            stream.write_all(format!("HTTP/1.1 {instead}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
            return;
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: {}\r\n\r\n", IMAGE.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(IMAGE).await.unwrap();
        return;
    }
    seen.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
    let reply = replies.lock().unwrap().pop_front().expect("a reply");
    for piece in reply.pieces {
        // The other side may have left.
        if stream.write_all(&piece).await.is_err() {
            return;
        }
        stream.flush().await.unwrap();
    }
    if reply.resets {
        stream.set_zero_linger().unwrap();
    }
}
