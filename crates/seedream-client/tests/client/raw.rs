//! A server of raw bytes, for what no HTTP library would answer.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

pub(crate) enum Act {
    /// Writes this and closes.
    Answer(Vec<u8>),
    /// Closes after the whole request was read.
    Close,
    /// Closes after so many bytes of the request.
    CloseAfter(usize),
    /// Writes the first part, waits until the test says so, and writes the second.
    Gated(Vec<u8>, oneshot::Receiver<()>, Vec<u8>),
}

pub(crate) struct Raw {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    /// One connection and one request for each act; later connections are closed unanswered.
    pub(crate) async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        tokio::spawn(async move {
            let mut acts = acts.into_iter();
            while let Ok((mut socket, _)) = listener.accept().await {
                let act = acts.next();
                if let Some(Act::CloseAfter(bytes)) = act {
                    let mut taken = vec![0; bytes];
                    let _ = socket.read_exact(&mut taken).await;
                    seen.lock().unwrap().push(String::from_utf8_lossy(&taken).into_owned());
                    continue;
                }
                let request = read(&mut socket).await;
                if !request.is_empty() {
                    seen.lock().unwrap().push(request);
                }
                match act {
                    Some(Act::Answer(bytes)) => socket.write_all(&bytes).await.unwrap_or_default(),
                    Some(Act::Gated(first, gate, second)) => {
                        socket.write_all(&first).await.unwrap_or_default();
                        gate.await.unwrap_or_default();
                        socket.write_all(&second).await.unwrap_or_default();
                    }
                    Some(Act::Close | Act::CloseAfter(_)) | None => {}
                }
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.requests().iter().filter(|request| request.starts_with(method)).count()
    }
}

/// An answer with a right length.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Answer(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
}

async fn read(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
