//! Clients that fetch images wrongly, by a transport that alters what they send and get.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    Request, Response, StatusCode,
    header::{CONTENT_LENGTH, RANGE, RETRY_AFTER},
    response::Parts,
};
use http_body_util::BodyExt as _;
use seedream_client::{ResponseBody, Transport, TransportError};

use super::mutant::{Mutant, client};

pub(super) fn all() -> Vec<Mutant> {
    vec![
        client("gives-up-at-404", "treats an image that is not there yet as gone", |hooks| {
            hooks.download = |inner| AlteringTransport::of(inner).head(|head| becomes(head, &[404], StatusCode::GONE));
        }),
        client("hurries-a-source", "requests an image again before the time in `Retry-After`", |hooks| {
            hooks.download = |inner| {
                AlteringTransport::of(inner).head(|head| {
                    head.headers.remove(RETRY_AFTER);
                })
            };
        }),
        client("gives-up-at-a-reset", "does not retry a download after a reset", |hooks| {
            hooks.download = |inner| Arc::new(AlteringTransport { forgives: false, ..AlteringTransport::of(inner) });
        }),
        client("never-resumes", "downloads a partly downloaded image from its start", |hooks| {
            hooks.download = |inner| {
                let asked = |request: &mut Request<Bytes>| {
                    request.headers_mut().remove(RANGE);
                };
                Arc::new(AlteringTransport { asked, ..AlteringTransport::of(inner) })
            };
        }),
        client("unpacks-nothing", "saves a compressed image without decompressing it", |hooks| {
            hooks.download =
                |inner| Arc::new(AlteringTransport { whole: Some(as_it_came), ..AlteringTransport::of(inner) });
        }),
        client("completes-a-cut-image", "saves a truncated image as whole", |hooks| {
            hooks.download =
                |inner| Arc::new(AlteringTransport { whole: Some(completed), ..AlteringTransport::of(inner) });
        }),
        client("asks-for-what-is-gone", "retries an image that is gone", |hooks| {
            hooks.download = |inner| {
                AlteringTransport::of(inner).head(|head| becomes(head, &[401, 403, 410], StatusCode::NOT_FOUND))
            };
        }),
    ]
}

/// A transport that alters requests and responses.
struct AlteringTransport {
    inner: Arc<dyn Transport>,
    asked: fn(&mut Request<Bytes>),
    head: fn(&mut Parts),
    /// Changes a body that has arrived whole.
    whole: Option<fn(&mut Parts, Bytes) -> Bytes>,
    /// Whether a connection that breaks may be made again.
    forgives: bool,
}

impl AlteringTransport {
    fn of(inner: Arc<dyn Transport>) -> Self {
        Self { inner, asked: |_| (), head: |_| (), whole: None, forgives: true }
    }

    fn head(self, head: fn(&mut Parts)) -> Arc<dyn Transport> {
        Arc::new(Self { head, ..self })
    }
}

impl fmt::Debug for AlteringTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlteringTransport")
    }
}

fn becomes(head: &mut Parts, statuses: &[u16], status: StatusCode) {
    if statuses.contains(&head.status.as_u16()) {
        head.status = status;
    }
}

/// A compressed body whose form is hidden, so that it is not unpacked.
fn as_it_came(head: &mut Parts, body: Bytes) -> Bytes {
    head.headers.remove(http::header::CONTENT_ENCODING);
    if body.starts_with(b"\x1f\x8b") { [b"packed".as_slice(), &body].concat().into() } else { body }
}

/// A PNG that is cut off, with an end.
fn completed(head: &mut Parts, body: Bytes) -> Bytes {
    let end = b"\0\0\0\0IEND\xae\x42\x60\x82";
    if !body.starts_with(b"\x89PNG") || body.ends_with(end) {
        return body;
    }
    head.headers.remove(CONTENT_LENGTH);
    // Its header is all that is whole.
    [&body[..33], end].concat().into()
}

#[async_trait]
impl Transport for AlteringTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        (self.asked)(&mut request);
        let response = match self.inner.send(request).await {
            Err(_) if !self.forgives => {
                let body = ResponseBody::from(Bytes::new());
                let mut response = Response::new(body);
                *response.status_mut() = StatusCode::GONE;
                response
            }
            other => other?,
        };
        let (mut head, mut body) = response.into_parts();
        (self.head)(&mut head);
        if let Some(whole) = self.whole {
            let came = body.collect().await?.to_bytes();
            body = ResponseBody::from(whole(&mut head, came));
        }
        Ok(Response::from_parts(head, body))
    }
}
