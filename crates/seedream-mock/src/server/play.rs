//! Playing a script over a connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::header::CONNECTION;
use http::{HeaderValue, Response, StatusCode, Version};
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::House;
use super::serve::Visit;
use super::wire::Wire;
use crate::clock::Clock;
use crate::engine::{Chunk, Content, Script};

/// What a head with a wrong length promises and the connection's end withholds.
const MISSING: &[u8] = &[b' '; 64];

/// Plays a script: waits, renders what is still to be rendered, and sends.
pub(super) async fn play(script: Script, visit: Arc<Visit>, clock: Clock) -> Response<Body> {
    let guest = Guest { visit: visit.clone(), ordinal: script.ordinal };
    let house = &visit.house;
    clock.sleep(script.delay).await;
    let mut wire = Wire::of(&script);
    let Script { status, headers, chunks, streamed, wrong_length, repeats, until_close, .. } = script;
    let mut response = if streamed {
        Response::new(stream(chunks, repeats, house, clock.clone(), guest).await)
    } else {
        let bytes = whole(chunks, house, &clock).await;
        let length = bytes.len() as u64;
        let body = if wrong_length {
            wire = wire.or_else(|| Some(Wire::closing_after(length)));
            Bytes::from([&bytes, MISSING].concat())
        } else {
            bytes
        };
        guest.served();
        Response::new(if until_close { Body::unmeasured(body) } else { Body::whole(body) })
    };
    if until_close {
        // Only this version may send a body without its length.
        *response.version_mut() = Version::HTTP_10;
    }
    visit.caller.plan(wire, clock);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    if until_close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// One body with its length.
async fn whole(mut chunks: Vec<Chunk>, house: &House, clock: &Clock) -> Bytes {
    // Nearly every body is one chunk, which need not be copied.
    if chunks.len() == 1
        && let Some(chunk) = chunks.pop()
    {
        clock.sleep(chunk.after).await;
        return render(chunk.content, house).await;
    }
    let mut body = BytesMut::new();
    for chunk in chunks {
        clock.sleep(chunk.after).await;
        body.extend_from_slice(&render(chunk.content, house).await);
    }
    body.freeze()
}

/// A body that comes chunk by chunk. The head waits for the first, as it does upstream for the first picture.
async fn stream(chunks: Vec<Chunk>, repeats: Option<Chunk>, house: &House, clock: Clock, guest: Guest) -> Body {
    let house = house.clone();
    let (sender, receiver) = mpsc::channel(1);
    let mut chunks = chunks.into_iter();
    let first = match chunks.next() {
        Some(chunk) => {
            clock.sleep(chunk.after).await;
            Some(render(chunk.content, &house).await)
        }
        None => None,
    };
    tokio::spawn(async move {
        if let Some(first) = first
            && sender.send(first).await.is_err()
        {
            return;
        }
        for chunk in chunks {
            clock.sleep(chunk.after).await;
            // Nobody renders for a caller who has gone.
            if sender.send(render(chunk.content, &house).await).await.is_err() {
                return;
            }
        }
        guest.served();
        if let Some(chunk) = repeats {
            let bytes = render(chunk.content, &house).await;
            loop {
                clock.sleep(chunk.after).await;
                if sender.send(bytes.clone()).await.is_err() {
                    return;
                }
            }
        }
    });
    Body(Source::Flow(receiver))
}

/// The bytes of a content; rendering leaves the threads that serve connections alone.
pub(super) async fn render(content: Content, house: &House) -> Bytes {
    if !content.is_costly() {
        return content.bytes(|picture| picture.render());
    }
    // Nobody closes it, so there is always a permit to come; it is held for as long as rendering takes, whoever still waits.
    let permit = house.renderers.clone().acquire_owned().await;
    let engine = house.engine.clone();
    let rendering = tokio::task::spawn_blocking(move || {
        let bytes = content.bytes(|picture| engine.render(picture));
        drop(permit);
        bytes
    });
    rendering.await.unwrap_or_default()
}

/// Somebody who waits for an answer. Dropped before he is served, he has left.
struct Guest {
    visit: Arc<Visit>,
    ordinal: Option<u64>,
}

impl Guest {
    /// Everything is on its way to him.
    fn served(mut self) {
        self.ordinal = None;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(ordinal) = self.ordinal {
            self.visit.house.engine.left(ordinal);
            self.visit.house.rings.journal.send_replace(());
        }
    }
}

/// The body of an answer.
pub(super) struct Body(Source);

enum Source {
    /// All of it, until it is taken.
    Whole(Bytes),
    /// All of it, without its length.
    Unmeasured(Bytes),
    /// Its parts come through a channel.
    Flow(mpsc::Receiver<Bytes>),
}

impl Body {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(Source::Whole(bytes))
    }

    fn unmeasured(bytes: Bytes) -> Self {
        Self(Source::Unmeasured(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let part = match &mut self.0 {
            Source::Whole(bytes) | Source::Unmeasured(bytes) => {
                Poll::Ready(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()))
            }
            Source::Flow(parts) => parts.poll_recv(cx),
        };
        part.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Source::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Unmeasured(_) | Source::Flow(_) => SizeHint::default(),
        }
    }
}
