//! A transport for whole jobs: requests, polls and downloads, with a turn of the runtime before and after each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use seedream_client::{Departure, Reached, ResponseBody, Transport, TransportError};
use tokio::{task::yield_now, time::Instant};

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A response, in pieces with a turn between them.
    Response(u16, Vec<Bytes>),
    /// No connection is made.
    Refuse,
    /// A connection is made after this long.
    Connect(Duration, Box<Act>),
    /// It leaves, and is answered after this long.
    Late(Duration, Box<Act>),
    /// It leaves, and is never answered.
    Silence,
    /// A response that begins with this and does not end.
    Endless(Bytes),
}

impl Act {
    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self::Response(200, vec![body.into()])
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Response(status, vec![Bytes::from_static(b"no")])
    }
}

type Answers = dyn Fn(&str, usize) -> Act + Send + Sync;
type Seen = dyn Fn(&str) + Send + Sync;

/// What went over the wire: `POST …` and `GET …` once its first byte left, `piece of …` with each piece of its response, and `end of …`
/// once that was read.
#[derive(Clone)]
pub(crate) struct Wire {
    start: Instant,
    responses: Arc<Answers>,
    seen: Arc<Seen>,
    lines: Arc<Mutex<Vec<(Duration, String)>>>,
    counts: Arc<Mutex<HashMap<String, usize>>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// Answers each request by its line and its number among those of this line, from 0.
    pub(crate) fn new(responses: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> Self {
        let (lines, counts) = (Arc::default(), Arc::default());
        Self { start: Instant::now(), responses: Arc::new(responses), seen: Arc::new(|_| ()), lines, counts }
    }

    /// Calls this with every line, before anything follows.
    pub(crate) fn seen(mut self, seen: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.seen = Arc::new(seen);
        self
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().iter().map(|(_, line)| line.clone()).collect()
    }

    pub(crate) fn times(&self, part: &str) -> Vec<Duration> {
        self.lines.lock().unwrap().iter().filter(|(_, line)| line.contains(part)).map(|(at, _)| *at).collect()
    }

    pub(crate) fn posts(&self) -> usize {
        self.lines().iter().filter(|line| line.starts_with("POST")).count()
    }

    /// How many pieces of a response were taken.
    pub(crate) fn pieces(&self, line: &str) -> usize {
        self.lines().iter().filter(|seen| seen.starts_with("piece of") && seen.contains(line)).count()
    }

    pub(crate) fn has_read(&self, line: &str) -> bool {
        self.lines().iter().any(|seen| seen.starts_with("end of") && seen.contains(line))
    }

    fn note(&self, line: &str) {
        (self.seen)(line);
        self.lines.lock().unwrap().push((self.start.elapsed(), line.to_owned()));
    }

    fn response(&self, line: &str, status: u16, pieces: Vec<Bytes>, ends: bool) -> Response<ResponseBody> {
        let (wire, of) = (self.clone(), line.to_owned());
        let pieces = stream::iter(pieces).then(move |piece| {
            let (wire, of) = (wire.clone(), of.clone());
            async move {
                // What came before is dealt with by then; the clock stands still.
                tokio::time::sleep(Duration::from_millis(10)).await;
                wire.lines.lock().unwrap().push((wire.start.elapsed(), format!("piece of {of}")));
                Ok(Frame::data(piece))
            }
        });
        let (wire, line) = (self.clone(), line.to_owned());
        let end = stream::poll_fn(move |_| {
            if !ends {
                return std::task::Poll::Pending;
            }
            wire.note(&format!("end of {line}"));
            std::task::Poll::Ready(None)
        });
        let body = ResponseBody::new(StreamBody::new(pieces.chain(end)));
        Response::builder().status(status).body(body).unwrap()
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        let line = format!("{} {}", request.method(), request.uri());
        let number = {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(line.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let departure = request.extensions().get::<Departure>().cloned().unwrap_or_default();
        departure.watch();
        let mut act = (self.responses)(&line, number);
        yield_now().await;
        if let Act::Connect(wait, next) = act {
            tokio::time::sleep(wait).await;
            act = *next;
        }
        if matches!(act, Act::Refuse) {
            return Err(TransportError::new(Reached::NotSent, "connection refused"));
        }
        if !departure.leave() {
            return Err(TransportError::new(Reached::NotSent, "too late"));
        }
        self.note(&line);
        yield_now().await;
        if let Act::Late(wait, next) = act {
            tokio::time::sleep(wait).await;
            act = *next;
        }
        match act {
            Act::Response(status, pieces) => Ok(self.response(&line, status, pieces, true)),
            Act::Endless(begun) => Ok(self.response(&line, 200, vec![begun], false)),
            Act::Silence => std::future::pending().await,
            Act::Refuse | Act::Connect(..) | Act::Late(..) => panic!("this comes first"),
        }
    }
}
