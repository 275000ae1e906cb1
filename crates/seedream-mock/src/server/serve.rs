//! The connections: accepting them, reading what is asked, and ending them when the mock stops.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
#[cfg(feature = "tls")]
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

#[cfg(feature = "record")]
use crate::endpoints::replay;
#[cfg(feature = "record")]
use crate::record::{forward, forward::Forwarded, recorder::Recorder};
#[cfg(feature = "record")]
use crate::request::address::Address;
use crate::request::context::OverTls;
use crate::response::chunk::ChunkContent;
use crate::response::script::Script;
use crate::server::connection_watch::{ConnectionWatch, WaitLimits};
use crate::server::cors::Page;
use crate::server::faulty_socket::{ConnectionSchedule, FaultySocket};
use crate::server::respond::{Connection, MockBody};
use crate::server::shared::Shared;
#[cfg(feature = "tls")]
use crate::server::tls::Http2;
use crate::server::transport::Transport;
use crate::server::{admin, events, page, respond};
use crate::state::clock::Clock;

/// The largest request body: fourteen references of ten megabytes, in base64.
const LARGEST_BODY: usize = 200 * 1024 * 1024;

/// Accepts connections until the stop signal, or until its sender is dropped. Responses in progress are finished. Beyond the limit
/// of open connections, further ones wait in the backlog of the system.
pub(crate) async fn serve(listener: TcpListener, shared: Shared, stopped: oneshot::Receiver<()>) {
    let connections = GracefulShutdown::new();
    let settings = shared.engine.settings();
    let (limits, most) = (WaitLimits::of(settings), settings.connections.get().min(Semaphore::MAX_PERMITS));
    let places = Arc::new(Semaphore::new(most));
    let mut stopped = pin!(stopped);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await;
            (accept(&listener).await, place)
        };
        let (stream, place) = tokio::select! {
            _ = &mut stopped => break,
            accepted = accepted => accepted,
        };
        let (shared, watcher) = (shared.clone(), connections.watcher());
        tokio::spawn(async move {
            let watch = ConnectionWatch::new();
            tokio::select! {
                biased;
                // How a connection ends is its caller's to notice.
                () = connected(stream, shared, watch.clone(), watcher) => {}
                () = watch.overdue(limits) => {}
            }
            drop(place);
        });
    }
    drop(listener);
    shared.notifiers.stop();
    connections.shutdown().await;
}

/// Serves one connection: with TLS in the protocol that its client chooses, otherwise HTTP/1.
async fn connected(stream: TcpStream, shared: Shared, watch: ConnectionWatch, watcher: Watcher) {
    #[cfg(feature = "tls")]
    let (stream, is_http2) = match &shared.tls {
        None => (Transport::Tcp(stream), false),
        Some(identity) => {
            let http2 = if shared.needs_http1() { Http2::Withheld } else { Http2::Offered };
            watch.received();
            // A client that does not trust the authority learns that by itself.
            let Ok(stream) = identity.accept(stream, http2).await else { return };
            watch.opened();
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            (Transport::Tls(Box::new(stream)), is_http2)
        }
    };
    #[cfg(not(feature = "tls"))]
    let (stream, is_http2) = (Transport::Tcp(stream), false);
    let caller = ConnectionSchedule::default();
    let socket = TokioIo::new(FaultySocket::new(stream, caller.clone(), watch.clone()));
    let connection = Arc::new(Connection { shared, caller, watch, is_http2 });
    let service = service_fn({
        let connection = connection.clone();
        move |request| respond(connection.clone(), request)
    });
    #[cfg(feature = "tls")]
    if is_http2 {
        connection.watch.multiplexes();
        let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(socket, service);
        drop(watcher.watch(http2).await);
        return;
    }
    drop(watcher.watch(http1::Builder::new().serve_connection(socket, service)).await);
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Out of file descriptors, say: asking again at once would only spin.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The one handler: reads the body, asks the engine, plays what it says.
async fn respond(connection: Arc<Connection>, request: Request<Incoming>) -> Result<Response<MockBody>, Infallible> {
    let began = Instant::now();
    let watch = connection.watch.reads_body();
    let origin = Page::of(&connection.shared.engine.settings().cors, &request);
    let settings = connection.shared.engine.settings();
    let mut response = match origin.preflight(&request).or_else(|| page::respond(settings.page, &request)) {
        Some(response) => response,
        None => answer(connection, request, began).await,
    };
    origin.allow(response.headers_mut());
    Ok(response.map(|body| body.watched(watch)))
}

async fn answer(connection: Arc<Connection>, request: Request<Incoming>, began: Instant) -> Response<MockBody> {
    let (mut head, body) = request.into_parts();
    if connection.shared.has_tls() {
        head.extensions.insert(OverTls);
    }
    let most = connection.shared.cut_after(&mut head);
    let Some(body) = whole(body, most).await else {
        let mut refusal = Response::new(MockBody::whole(Bytes::new()));
        *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return refusal;
    };
    connection.watch.responds();
    let request = Request::from_parts(head, body);
    if let Some(subscription) = events::respond(&connection.shared, &request) {
        return match subscription {
            Ok(response) => response,
            Err(refusal) => respond::play(refusal, connection.clone(), connection.shared.clocks.mock().clone()).await,
        };
    }
    #[cfg(feature = "record")]
    if let Some(recorder) =
        connection.shared.recorder.as_ref().filter(|recorder| is_forwarded(&connection, recorder, &request))
    {
        return match forward::forward(recorder, &connection.shared.engine, request).await {
            Forwarded::Script(script) => respond::play(*script, connection.clone(), Clock::real()).await,
            Forwarded::Response(response) => respond::pass_on(response, &connection),
        };
    }
    let (script, clock) = script(&connection.shared, &request).await;
    // Over the admin routes a task may have been ended.
    connection.shared.notify(script.awaits || script.ordinal.is_none());
    let counts = script.ordinal.is_some();
    let response = respond::play(script, connection.clone(), clock).await;
    if counts {
        connection.shared.services().metrics.responded(began.elapsed());
    }
    response
}

/// Whether a request goes to the upstream: all to providers, or those that no loaded recording answers and that ask nothing of the mock
/// itself.
#[cfg(feature = "record")]
fn is_forwarded(connection: &Connection, recorder: &Recorder, request: &Request<Bytes>) -> bool {
    let services = connection.shared.services();
    let prefix = Address::read(request.uri().path()).prefix;
    if services.library.provider(prefix).is_none() {
        return false;
    }
    services.recordings.is_empty() || (prefix == recorder.provider && !replay::is_the_mocks(services, request))
}

/// The script of a request, and the clock by which it is played.
async fn script(shared: &Shared, request: &Request<Bytes>) -> (Script, Clock) {
    let Some(session) = shared.engine.session_of(request) else {
        let script = admin::respond(shared, request).await;
        let clock = shared.clocks.mock();
        return (script.unwrap_or_else(|| shared.engine.respond(clock.timestamp(), request)), clock.clone());
    };
    let clock = shared.enter(&session);
    if let Some(image) = shared.partial_image(clock.timestamp(), request) {
        shared.render(ChunkContent::Image(image)).await;
    }
    (shared.engine.respond(clock.timestamp(), request), clock)
}

/// A request's body, if it comes to its end and is not too large, or the beginning of it that is wanted at `most`. Nearly
/// every one comes in one piece, which is not copied.
async fn whole(mut body: Incoming, most: Option<u64>) -> Option<Bytes> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let enough = |length: usize| most.is_some_and(|most| length as u64 >= most);
    while !enough(first.len().max(rest.len()))
        && let Some(frame) = body.frame().await
    {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
        if rest.len() > LARGEST_BODY {
            return None;
        }
    }
    Some(if rest.is_empty() { first } else { rest.freeze() })
}
