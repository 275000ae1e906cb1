//! The one who asks: connections that stay open, each with one request at a time, and as little work as can be.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Result;

/// So many connections at a time.
pub(crate) const CONNECTIONS: usize = 64;

/// What is asked next, by the number of the request and the body of the last response on its connection.
pub(crate) type Next = Arc<dyn Fn(usize, &str) -> Vec<u8> + Send + Sync>;

/// What was seen of the responses.
pub(crate) struct Seen {
    pub(crate) elapsed: Duration,
    /// How long each response took, sorted.
    pub(crate) waits: Vec<Duration>,
}

impl Seen {
    pub(crate) fn per_second(&self) -> f64 {
        self.waits.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// What that share of the responses needed at most, in microseconds.
    pub(crate) fn wait(&self, share: f64) -> f64 {
        let at = (self.waits.len() as f64 * share) as usize;
        self.waits.get(at.min(self.waits.len().saturating_sub(1))).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e6)
    }
}

/// Asks the requests of these numbers, but none after that time. Every response must be a success.
pub(crate) fn ask(server: SocketAddr, numbers: std::ops::Range<usize>, most: Duration, next: &Next) -> Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut lines = Vec::new();
        for _ in 0..CONNECTIONS {
            lines.push(Line::open(server).await?);
        }
        let number = Arc::new(AtomicUsize::new(numbers.start));
        let started = Instant::now();
        let converse = |mut line: Line| {
            let (number, next) = (number.clone(), next.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let at = number.fetch_add(1, Ordering::Relaxed);
                    if at >= numbers.end || started.elapsed() > most {
                        return Result::Ok(waits);
                    }
                    let asked = Instant::now();
                    line.ask(&next(at, &line.last)).await?;
                    waits.push(asked.elapsed());
                }
            })
        };
        let talks: Vec<_> = lines.into_iter().map(converse).collect();
        let mut waits = Vec::new();
        for talk in talks {
            waits.extend(talk.await??);
        }
        let elapsed = started.elapsed();
        waits.sort_unstable();
        Ok(Seen { elapsed, waits })
    })
}

/// A request of an image, as a URL.
pub(crate) fn small(path: &str, prompt: &str) -> Vec<u8> {
    post(path, &format!(r#"{{"model":"doubao-seedream-4-0-250828","prompt":"{prompt}","size":"2048x2048"}}"#))
}

pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let head = head("POST", path);
    format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("{}\r\n", head("GET", path)).into_bytes()
}

fn head(method: &str, path: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:40000\r\nAccept: */*\r\nUser-Agent: bench\r\nAuthorization: Bearer sk-bench-0123456789\r\n"
    )
}

/// One connection.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The body of the last response, if it was a text.
    last: String,
}

impl Line {
    async fn open(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), last: String::new() })
    }

    async fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server has hung up".into());
            }
            let Some(head) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let (head, body) = (std::str::from_utf8(&self.buffer[..head])?, head + 4);
            if !head.starts_with("HTTP/1.1 200 ") {
                return Err(format!("not a success: {}", String::from_utf8_lossy(&self.buffer)).into());
            }
            let end = body + length(head)?;
            while self.buffer.len() < end {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err("the server has hung up".into());
                }
            }
            self.last.clear();
            self.last.push_str(std::str::from_utf8(&self.buffer[body..]).unwrap_or_default());
            return Ok(());
        }
    }
}

fn length(head: &str) -> Result<usize> {
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    };
    head.lines().find_map(named).ok_or_else(|| "no length".into())
}
