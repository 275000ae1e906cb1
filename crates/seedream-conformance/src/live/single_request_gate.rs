//! Lets one request pass, and keeps the exchange.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use seedream_client::{Reached, ResponseBody, Transport, TransportError};

use super::QuestionKind;

/// The most bytes of a response; an error or a list has less.
const MOST: usize = 4 << 20;

/// A transport for one question: the first request that is the question goes out, and nothing else ever.
pub(super) struct SingleRequestGate {
    ask: QuestionKind,
    inner: Arc<dyn Transport>,
    passed: Mutex<bool>,
    captured: OnceLock<CapturedExchange>,
}

/// The request and its response.
#[derive(Debug)]
pub(super) struct CapturedExchange {
    pub(super) asked: http::Request<Bytes>,
    pub(super) head: http::response::Parts,
    pub(super) body: Bytes,
}

impl SingleRequestGate {
    pub(super) fn new(ask: QuestionKind, inner: Arc<dyn Transport>) -> Self {
        Self { ask, inner, passed: Mutex::new(false), captured: OnceLock::new() }
    }

    /// The exchange, after it took place.
    pub(super) fn captured(&self) -> Option<&CapturedExchange> {
        self.captured.get()
    }

    /// Whether a request may go out; the next may not.
    fn passes(&self, request: &http::Request<Bytes>) -> bool {
        let Ok(mut passed) = self.passed.lock() else { return false };
        !std::mem::replace(&mut *passed, true) && self.ask.admits(request)
    }
}

impl fmt::Debug for SingleRequestGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SingleRequestGate")
    }
}

#[async_trait]
impl Transport for SingleRequestGate {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        if !self.passes(&request) {
            return Err(TransportError::new(
                Reached::NotSent,
                "a run that must cost nothing sends one request, and not this",
            ));
        }
        let asked = request.clone();
        let (head, body) = self.inner.send(request).await?.into_parts();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|error| TransportError::new(Reached::Sent, error.to_string()))?.to_bytes();
        // The first is the only one.
        let _ = self.captured.set(CapturedExchange { asked, head: head.clone(), body: body.clone() });
        Ok(http::Response::from_parts(head, ResponseBody::from(body)))
    }
}

#[cfg(test)]
mod tests {
    use seedream_core::ImageRequest;

    use super::{
        super::free_question::{CreateRequest, INVALID_KEY},
        *,
    };
    use crate::{
        Subject,
        harness::{in_process_mock::InProcessMock, recording_transport::RecordingTransport},
    };

    fn post(key: &str, body: &'static str) -> http::Request<Bytes> {
        let request = http::Request::post("http://mock.localhost/ark/api/v3/images/generations");
        request.header("authorization", format!("Bearer {key}")).body(body.into()).unwrap()
    }

    #[tokio::test]
    async fn one_request_passes_and_it_is_the_question() {
        let ark = Subject::new(seedream::dialect("ark").unwrap());
        let create = || CreateRequest { request: ImageRequest::new("m", "p"), body: "{}".into() };
        let list = || http::Request::get("http://mock.localhost/ark/api/v3/models").body(Bytes::new()).unwrap();
        for (ask, right, wrong) in [
            (
                QuestionKind::WrongKey(create()),
                post(INVALID_KEY, "{}"),
                vec![post("sk-customer", "{}"), post(INVALID_KEY, "{ }"), list()],
            ),
            (QuestionKind::IllegalSize(create()), post("sk-customer", "{}"), vec![post("sk-customer", "{ }"), list()]),
            (QuestionKind::Models, list(), vec![post("sk-customer", "{}")]),
        ] {
            for wrong in wrong {
                let mock = Arc::new(RecordingTransport::new(Arc::new(InProcessMock::new(&ark))));
                let gate = SingleRequestGate::new(ask.clone(), mock.clone());
                assert_eq!(gate.send(wrong).await.unwrap_err().reached(), Reached::NotSent, "{ask:?}");
                // What was no question may be followed by none.
                assert!(gate.send(right.clone()).await.is_err());
                assert_eq!((mock.sent().all, gate.captured().is_none()), (0, true));
            }
            let mock = Arc::new(RecordingTransport::new(Arc::new(InProcessMock::new(&ark))));
            let gate = SingleRequestGate::new(ask.clone(), mock.clone());
            assert!(gate.send(right.clone()).await.is_ok() && gate.send(right).await.is_err(), "{ask:?}");
            assert_eq!((mock.sent().all, gate.captured().is_some()), (1, true));
        }
    }
}
