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
    /// Ends after so many bytes of the request.
    CutRequest(usize, End),
    /// Writes this and resets the connection.
    Reset(Vec<u8>),
    /// Writes the first part, waits until the test says so, and writes the second.
    Gated(Vec<u8>, oneshot::Receiver<()>, Vec<u8>),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order: nothing more is written, and what still comes is read.
    Fin,
    /// At once, with everything that was on its way thrown away.
    Reset,
}

pub(crate) const ENDS: [End; 2] = [End::Fin, End::Reset];

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
                if let Some(Act::CutRequest(bytes, end)) = act {
                    let mut taken = vec![0; bytes];
                    let _ = socket.read_exact(&mut taken).await;
                    match end {
                        End::Fin => {
                            socket.shutdown().await.unwrap_or_default();
                            let _ = socket.read_to_end(&mut taken).await;
                        }
                        End::Reset => socket.set_zero_linger().unwrap_or_default(),
                    }
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
                    Some(Act::Reset(bytes)) => {
                        socket.write_all(&bytes).await.unwrap_or_default();
                        socket.set_zero_linger().unwrap_or_default();
                    }
                    Some(Act::Close | Act::CutRequest(..)) | None => {}
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

/// A response of which only the beginning comes.
pub(crate) fn cut(response: &[u8], at: usize, end: End) -> Act {
    match end {
        End::Fin => Act::Answer(response[..at].to_vec()),
        End::Reset => Act::Reset(response[..at].to_vec()),
    }
}

/// A response with a right length.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Answer(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
}

async fn read(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut whole = None;
    let mut buffer = vec![0; 1 << 16];
    while whole.is_none_or(|whole| bytes.len() < whole) {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
        whole = whole.or_else(|| length(&bytes));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How long a request is, once its head has arrived.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    Some(head + 4 + body.unwrap_or(0))
}
