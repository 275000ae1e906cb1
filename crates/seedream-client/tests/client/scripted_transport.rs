//! A transport that follows a script, for tests with a clock that stands still.

use std::{
    collections::VecDeque,
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
use seedream_core::ErrorKind;
use tokio::time::Instant;

pub(crate) enum Act {
    /// Answers.
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    /// Answers after a while.
    Late(Duration, &'static str),
    /// Begins a response that never ends.
    Endless(&'static [(&'static str, &'static str)], &'static str),
    /// Never gets a connection.
    NoConnection,
    /// Sends, and never hears anything.
    Silence,
    /// Fails.
    Fail(Reached),
    /// Cannot be sent from this machine.
    Misconfigured,
}

#[derive(Clone, Debug)]
pub(crate) struct Script(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    acts: Mutex<VecDeque<Act>>,
    sent: Mutex<Vec<(Duration, Request<Bytes>)>>,
}

impl std::fmt::Debug for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Act")
    }
}

impl Script {
    /// Follows the acts; the last is repeated for ever.
    pub(crate) fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        let acts = Mutex::new(acts.into_iter().collect());
        Self(Arc::new(Inner { start: Instant::now(), acts, sent: Mutex::default() }))
    }

    /// When each request came, and what it was.
    pub(crate) fn sent(&self) -> Vec<(Duration, Request<Bytes>)> {
        self.0.sent.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.sent().iter().map(|(_, request)| format!("{} {}", request.method(), request.uri())).collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        let departure = request.extensions().get::<Departure>().cloned().unwrap_or_default();
        departure.watch();
        self.0.sent.lock().unwrap().push((self.0.start.elapsed(), request));
        let act = {
            let mut acts = self.0.acts.lock().unwrap();
            match acts.front() {
                Some(Act::Answer(status, headers, body)) if acts.len() == 1 => Act::Answer(*status, headers, body),
                _ => acts.pop_front().expect("the script goes on"),
            }
        };
        match act {
            Act::NoConnection => std::future::pending().await,
            Act::Fail(Reached::NotSent) => Err(TransportError::new(Reached::NotSent, "no connection")),
            Act::Fail(Reached::Sent) => {
                assert!(departure.leave());
                Err(TransportError::new(Reached::Sent, "lost"))
            }
            Act::Misconfigured => {
                Err(TransportError::new(Reached::NotSent, "no certificates").with_kind(ErrorKind::Config))
            }
            Act::Silence => {
                assert!(departure.leave());
                std::future::pending().await
            }
            Act::Answer(status, headers, body) => {
                assert!(departure.leave());
                Ok(response(status, headers, whole(body)))
            }
            Act::Late(wait, body) => {
                assert!(departure.leave());
                tokio::time::sleep(wait).await;
                Ok(response(200, &[], whole(body)))
            }
            Act::Endless(headers, body) => {
                assert!(departure.leave());
                let begun = Frame::data(Bytes::from_static(body.as_bytes()));
                let frames = stream::iter([Ok(begun)]).chain(stream::pending());
                Ok(response(200, headers, ResponseBody::new(StreamBody::new(frames))))
            }
        }
    }
}

fn whole(body: &'static str) -> ResponseBody {
    ResponseBody::from(Bytes::from_static(body.as_bytes()))
}

fn response(status: u16, headers: &[(&str, &str)], body: ResponseBody) -> Response<ResponseBody> {
    let response = Response::builder().status(status);
    headers.iter().fold(response, |response, (name, value)| response.header(*name, *value)).body(body).unwrap()
}
