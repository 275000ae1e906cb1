//! Playing a script over a connection.

use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "record")]
use std::task::ready;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::header::CONNECTION;
use http::{HeaderValue, Response, StatusCode, Version};
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

#[cfg(feature = "record")]
use crate::record::forward::{ForwardedBody, ForwardedPart};
use crate::response::chunk::Chunk;
use crate::response::error::mock_error;
use crate::response::script::Script;
use crate::server::byte_schedule::ByteSchedule;
use crate::server::connection_watch::{ConnectionWatch, RequestWatch};
use crate::server::faulty_socket::ConnectionSchedule;
use crate::server::shared::Shared;
use crate::state::clock::Clock;

/// Bytes that never come: those that a head with a wrong length promises, and those after a connection ends.
const MISSING: &[u8] = &[b' '; 64];

/// One connection of a server.
pub(crate) struct Connection {
    pub(crate) shared: Shared,
    pub(crate) caller: ConnectionSchedule,
    pub(crate) watch: ConnectionWatch,
    pub(crate) is_http2: bool,
}

/// Plays a script: waits, renders what is still to be rendered, and sends.
pub(crate) async fn play(script: Script, connection: Arc<Connection>, clock: Clock) -> Response<MockBody> {
    let guard = DisconnectGuard { connection: connection.clone(), ordinal: script.ordinal };
    let shared = &connection.shared;
    clock.sleep(script.delay).await;
    let script = if connection.is_http2 { over_http2(script) } else { script };
    let mut schedule = ByteSchedule::of(&script);
    let Script { status, headers, chunks, streamed, wrong_length, repeats, until_close, .. } = script;
    let mut response = if streamed {
        Response::new(stream(chunks, repeats, shared, clock.clone(), guard).await)
    } else {
        let bytes = whole(chunks, shared, &clock).await;
        let length = bytes.len() as u64;
        let body = if wrong_length {
            schedule = schedule.or_else(|| Some(ByteSchedule::closing_after(length)));
            Bytes::from([&bytes, MISSING].concat())
        } else {
            bytes
        };
        guard.served();
        Response::new(if until_close { MockBody::unmeasured(body) } else { MockBody::whole(body) })
    };
    if until_close {
        // Only this version may send a body without its length.
        *response.version_mut() = Version::HTTP_10;
    }
    connection.caller.plan(schedule, clock);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    if until_close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A script as HTTP/2 can play it: what it cannot play is an error, so that no test passes because its fault did not happen.
fn over_http2(script: Script) -> Script {
    if ByteSchedule::of(&script).is_none() && !script.wrong_length && !script.until_close {
        return script;
    }
    let message = "the fault of this request is about the bytes of HTTP/1, and this connection is HTTP/2: add the fault to a session \
                   before the client connects, or use a client without HTTP/2";
    Script { ordinal: script.ordinal, ..Script::json(501, &mock_error("mock_needs_http1", message)) }
}

/// Passes on the response of an upstream.
#[cfg(feature = "record")]
pub(crate) fn pass_on(response: Response<ForwardedBody>, connection: &Connection) -> Response<MockBody> {
    connection.caller.plan(Some(ByteSchedule::open()), Clock::real());
    response.map(|body| MockBody::new(BodySource::Forwarded(body.parts, connection.caller.clone())))
}

/// One body with its length.
async fn whole(mut chunks: Vec<Chunk>, shared: &Shared, clock: &Clock) -> Bytes {
    // Nearly every body is one chunk, which need not be copied.
    if chunks.len() == 1
        && let Some(chunk) = chunks.pop()
    {
        clock.sleep(chunk.after).await;
        return shared.render(chunk.content).await;
    }
    let mut body = BytesMut::new();
    for chunk in chunks {
        clock.sleep(chunk.after).await;
        body.extend_from_slice(&shared.render(chunk.content).await);
    }
    body.freeze()
}

/// A body that comes chunk by chunk. The head waits for the first, as it does upstream for the first image.
async fn stream(
    chunks: Vec<Chunk>,
    repeats: Option<Chunk>,
    shared: &Shared,
    clock: Clock,
    guard: DisconnectGuard,
) -> MockBody {
    let shared = shared.clone();
    let (sender, receiver) = mpsc::channel(1);
    let mut chunks = chunks.into_iter();
    let first = match chunks.next() {
        Some(chunk) => {
            clock.sleep(chunk.after).await;
            Some(shared.render(chunk.content).await)
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
            // Nothing is rendered for a client that has disconnected.
            if sender.send(shared.render(chunk.content).await).await.is_err() {
                return;
            }
        }
        guard.served();
        if let Some(chunk) = repeats {
            let bytes = shared.render(chunk.content).await;
            loop {
                clock.sleep(chunk.after).await;
                if sender.send(bytes.clone()).await.is_err() {
                    return;
                }
            }
        }
    });
    MockBody::flow(receiver)
}

/// Detects that a client disconnects: dropped before [`DisconnectGuard::served`], the response was not complete.
struct DisconnectGuard {
    connection: Arc<Connection>,
    ordinal: Option<u64>,
}

impl DisconnectGuard {
    /// The whole response has been handed over.
    fn served(mut self) {
        self.ordinal = None;
    }
}

impl Drop for DisconnectGuard {
    fn drop(&mut self) {
        if let Some(ordinal) = self.ordinal {
            self.connection.shared.services().sessions.disconnected(ordinal);
            self.connection.shared.notifiers.journal_grew();
        }
    }
}

/// The body of a response.
pub(crate) struct MockBody {
    source: BodySource,
    /// Ends when the whole body has been taken.
    watch: Option<RequestWatch>,
}

enum BodySource {
    /// All of it, until it is taken.
    Whole(Bytes),
    /// All of it, without its length.
    Unmeasured(Bytes),
    /// Its parts come through a channel.
    Flow(mpsc::Receiver<Bytes>),
    /// Its parts come from an upstream, and so may the end of the connection.
    #[cfg(feature = "record")]
    Forwarded(mpsc::UnboundedReceiver<ForwardedPart>, ConnectionSchedule),
    /// It was lost: its connection ends before its next bytes.
    #[cfg(feature = "record")]
    Lost,
}

impl MockBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::new(BodySource::Whole(bytes))
    }

    /// A body whose parts come through a channel.
    pub(crate) fn flow(parts: mpsc::Receiver<Bytes>) -> Self {
        Self::new(BodySource::Flow(parts))
    }

    fn unmeasured(bytes: Bytes) -> Self {
        Self::new(BodySource::Unmeasured(bytes))
    }

    fn new(source: BodySource) -> Self {
        Self { source, watch: None }
    }

    /// The same body, with which a request ends.
    pub(crate) fn watched(mut self, watch: RequestWatch) -> Self {
        self.watch = Some(watch);
        self
    }
}

impl http_body::Body for MockBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let part = match &mut self.source {
            BodySource::Whole(bytes) | BodySource::Unmeasured(bytes) => {
                Poll::Ready(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()))
            }
            BodySource::Flow(parts) => parts.poll_recv(cx),
            #[cfg(feature = "record")]
            BodySource::Forwarded(parts, caller) => match ready!(parts.poll_recv(cx)) {
                Some(ForwardedPart::Bytes(bytes)) => Poll::Ready(Some(bytes)),
                Some(ForwardedPart::Lost(ending, place)) => {
                    caller.end_at(ending, place);
                    self.source = BodySource::Lost;
                    Poll::Ready(Some(Bytes::from_static(MISSING)))
                }
                None => Poll::Ready(None),
            },
            #[cfg(feature = "record")]
            BodySource::Lost => Poll::Pending,
        };
        part.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.source, BodySource::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            BodySource::Unmeasured(_) | BodySource::Flow(_) => SizeHint::default(),
            #[cfg(feature = "record")]
            BodySource::Forwarded(..) | BodySource::Lost => SizeHint::default(),
        }
    }
}
