//! One request on its way: reserved, sent, its response passed on as it comes, and recorded.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use seedream_fixtures::{
    EvidenceKind, FactSource, OperationKind, RecordedChunk, RecordedImage, RecordedWire, RouteName, WireEnd,
    WireFraming,
};
use tokio::sync::{mpsc, oneshot};

use crate::engine::Engine;
use crate::faults::word_values::{BytePosition, ConnectionEnd};
use crate::record::budget::Reservation;
use crate::record::exchange_file::{ExchangeFile, FoundUrl, ReceivedResponse, request_file};
use crate::record::image_bound::image_bound;
use crate::record::kept_headers;
use crate::record::recorder::Recorder;
use crate::record::upstream::{SendFailure, ending};
use crate::recording::delivered_images::DeliveredImages;
use crate::recording::redaction::Secrets;
use crate::recording::request_form::RequestForm;
use crate::recording::wire_length::wire_length;
use crate::request::address;
use crate::request::address::{Address, RouteQuestion};
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::mock_error;
use crate::response::script::{Script, ScriptEnd};

/// The most URLs of one response that are fetched.
const MOST_URLS: usize = 500;

/// What comes back for a request.
pub(crate) enum Forwarded {
    /// A response of the mock: nothing was sent, or there was no response.
    Script(Box<Script>),
    /// The response of the upstream, and its body as it comes.
    Response(Response<ForwardedBody>),
}

/// A body that is passed on.
pub(crate) struct ForwardedBody {
    pub(crate) framing: WireFraming,
    /// Without a limit, since the upstream never waits for the client: what was paid for arrives whole, at its own pace.
    pub(crate) parts: mpsc::UnboundedReceiver<ForwardedPart>,
}

/// A part of a body, or that the connection was lost, and where.
pub(crate) enum ForwardedPart {
    Bytes(Bytes),
    Lost(ConnectionEnd, BytePosition),
}

/// A request, ready to be sent.
struct Exchange {
    recorder: Recorder,
    request: Request<Bytes>,
    /// The path below the base URL.
    path: String,
    reservation: Option<Reservation>,
    secrets: Secrets,
    file: ExchangeFile,
    /// The headers that carry the id of a request.
    ids: Vec<String>,
}

/// Sends a request to the upstream, unless the budget does not suffice. What was sent is recorded to its end, also where the client
/// disconnects: it may have been paid for.
pub(crate) async fn forward(recorder: &Recorder, engine: &Engine, request: Request<Bytes>) -> Forwarded {
    let address = Address::read(request.uri().path());
    let library = &engine.services().library;
    let Some(provider) = library.provider(address.prefix).filter(|provider| provider.id == recorder.provider) else {
        return refused(404, "mock_not_recording", &format!("this mock records {} only", recorder.provider));
    };
    let Some(path) =
        address.below.strip_prefix(provider.base_path()).filter(|path| path.is_empty() || path.starts_with('/'))
    else {
        let base = format!("/{}{}", provider.id, provider.base_path());
        return refused(
            404,
            "mock_not_recording",
            &format!("the path is not below the base URL {base}, so it has no place at the upstream"),
        );
    };
    let Some(under_way) = recorder.begin() else {
        return refused(503, "mock_stopping", "nothing was sent: the recorder is being stopped");
    };
    let question = RouteQuestion {
        method: request.method().as_str(),
        path: address.below,
        query: request.uri().query(),
        json: None,
    };
    let route = address::find(provider, &question).map(|(route, _)| route.name);
    let bound = image_bound(library, provider, route, question.method, request.body());
    let reservation = match bound.map(|images| recorder.budget.reserve(images)).transpose() {
        Ok(reservation) => reservation,
        Err(exceeded) => {
            recorder.refused();
            let message = format!(
                "nothing was sent: the request may give {} images, and {} of the budget of {} are reserved; record with a higher --budget",
                exceeded.wanted, exceeded.reserved, exceeded.limit
            );
            return Forwarded::Script(Box::new(engine.refusal(
                Timestamp::now(),
                &request,
                StatusCode::PAYMENT_REQUIRED.as_u16(),
                &message,
            )));
        }
    };
    let secrets = Secrets::of(request.headers(), request.uri().query());
    let form = RequestForm::of(provider, address.below, &request, &secrets);
    let exchange = Exchange {
        recorder: recorder.clone(),
        path: path.to_owned(),
        reservation,
        file: ExchangeFile {
            source: source(recorder),
            operation: operation(route),
            request: request_file(&form, &request, &secrets),
            response: None,
            wire: RecordedWire { end: WireEnd::Closed, ..RecordedWire::default() },
        },
        secrets,
        ids: provider.request_id_headers.clone(),
        request,
    };
    let (answer, answered) = oneshot::channel();
    tokio::spawn(async move {
        exchange.run(answer).await;
        drop(under_way);
    });
    answered.await.unwrap_or_else(|_| refused(500, "mock_recording_failed", "the recorder ended without a response"))
}

fn refused(status: u16, code: &str, message: &str) -> Forwarded {
    Forwarded::Script(Box::new(Script::plain(EndpointResponse::value(status, &mock_error(code, message)))))
}

fn source(recorder: &Recorder) -> FactSource {
    let day = Timestamp::now().to_string();
    FactSource {
        kind: EvidenceKind::Observed,
        url: Some(recorder.upstream.base().to_owned()),
        read: day.get(..10).map(str::to_owned),
        ..FactSource::default()
    }
}

fn operation(route: Option<RouteName>) -> OperationKind {
    match route {
        Some(RouteName::Create) => OperationKind::Create,
        Some(RouteName::Task) => OperationKind::Poll,
        Some(RouteName::Models) => OperationKind::Models,
        Some(RouteName::Credits) => OperationKind::Credits,
        None => OperationKind::Other,
    }
}

impl Exchange {
    async fn run(mut self, answer: oneshot::Sender<Forwarded>) {
        // On disk before anything is sent: what may have been bought is known after a crash.
        let file = match self.recorder.folder.next(&self.recorder.provider, &self.file) {
            Ok(file) => file,
            Err(error) => {
                self.free();
                let message = format!("nothing was sent: the recording cannot be written: {error}");
                self.recorder.failed(message.clone());
                drop(answer.send(refused(507, "mock_recording_failed", &message)));
                return;
            }
        };
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{}/recorded/{name}", self.recorder.provider);
        let began = Instant::now();
        let sent = self.recorder.upstream.send(&self.path, &self.request).await;
        let response = match sent {
            Ok(response) => response,
            Err(SendFailure::NotSent(why)) => {
                self.free();
                drop(std::fs::remove_file(&file));
                let why = self.plain(&why);
                let message = format!(
                    "nothing was sent: the upstream {} cannot be reached: {why}",
                    self.recorder.upstream.base()
                );
                self.recorder.failed(message.clone());
                drop(answer.send(refused(502, "mock_upstream_unreachable", &message)));
                return;
            }
            Err(SendFailure::Lost(end)) => {
                self.file.wire = RecordedWire { head_ms: elapsed(began), end, ..RecordedWire::default() };
                self.write(&file, &name, true);
                drop(answer.send(lost(end)));
                return;
            }
        };
        let (head, body) = response.into_parts();
        if is_rejection(head.status) {
            self.free();
        }
        let framing = framing(&head.headers, self.request.method() == http::Method::HEAD || has_no_body(head.status));
        let (sender, parts) = mpsc::unbounded_channel();
        drop(answer.send(Forwarded::Response(passed_on(head.status, &head.headers, ForwardedBody { framing, parts }))));
        let wire = RecordedWire { head_ms: elapsed(began), framing, ..RecordedWire::default() };
        self.secrets.add_response(&head.headers);
        let received = receive(body, wire, &sender, &head).await;
        self.keep(received, &file, &name, sender).await;
    }

    /// Writes the exchange before the client sees its end, and its images after that.
    async fn keep(
        mut self,
        received: ReceivedResponse,
        file: &Path,
        name: &str,
        sender: mpsc::UnboundedSender<ForwardedPart>,
    ) {
        let lost = lost_at(&received.wire);
        let mut found = match self.file.add(received, &self.secrets, self.request.body(), &self.ids) {
            Ok(found) => found,
            Err(why) => {
                drop(std::fs::remove_file(file));
                self.recorder.failed(format!("{name}: not recorded: {why}, so its secrets cannot be taken out"));
                end(lost, sender);
                return;
            }
        };
        self.settle(&found);
        if found.len() > MOST_URLS {
            let more = found.split_off(MOST_URLS).len();
            self.recorder.failed(format!("{name}: more than {MOST_URLS} URLs: {more} were not fetched"));
        }
        // Until the images are fetched they are not there.
        let pending = |url: &FoundUrl| RecordedImage {
            url: url.kept.clone(),
            failure: Some(String::from("it was not fetched yet")),
            ..RecordedImage::default()
        };
        self.file.add_images(found.iter().map(pending).collect());
        self.write(file, name, found.is_empty());
        end(lost, sender);
        if found.is_empty() {
            return;
        }
        let mut images = Vec::with_capacity(found.len());
        for url in found {
            images.push(self.recorder.keep(name, url).await);
        }
        self.file.add_images(images);
        self.write(file, name, true);
    }

    fn write(&self, file: &Path, name: &str, counts: bool) {
        match self.recorder.folder.write(file, &self.file) {
            Ok(()) if counts => self.recorder.recorded(),
            Ok(()) => {}
            Err(error) => self.recorder.failed(format!("{name}: cannot be written: {error}")),
        }
    }

    /// Gives back what was reserved: nothing was bought.
    fn free(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            self.recorder.budget.settle(reservation, 0);
        }
    }

    /// Keeps reserved what a whole response states that it bills, or shows, if that is more.
    fn settle(&mut self, urls: &[FoundUrl]) {
        let response = self.file.response.as_ref().filter(|response| (200..300).contains(&response.status));
        let Some(response) = response.filter(|_| self.file.wire.end == WireEnd::Complete) else { return };
        let DeliveredImages { stated: Some(stated), inline } = DeliveredImages::of(&response.body) else { return };
        if let Some(reservation) = self.reservation.take() {
            let urls: BTreeSet<&str> = urls.iter().map(|found| found.url.as_str()).collect();
            let shown = u32::try_from(urls.len()).unwrap_or(u32::MAX).saturating_add(inline);
            // Not every URL is an image.
            let bought = stated.max(shown.min(reservation.images()));
            self.recorder.budget.settle(reservation, bought);
        }
    }

    fn plain(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.secrets.covered(text.as_bytes())).into_owned()
    }
}

/// Whether a status says that the request did nothing. After these four, and after every error of the server, it may have.
fn is_rejection(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 408 | 409 | 425 | 499)
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status.as_u16(), 204 | 304)
}

fn framing(headers: &HeaderMap, is_empty: bool) -> WireFraming {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        WireFraming::Chunked
    } else if is_empty || headers.contains_key(header::CONTENT_LENGTH) {
        WireFraming::Length
    } else {
        WireFraming::Close
    }
}

/// The head as the client gets it.
fn passed_on(status: StatusCode, headers: &HeaderMap, body: ForwardedBody) -> Response<ForwardedBody> {
    let closes = body.framing == WireFraming::Close;
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = kept_headers::passed_on(headers);
    if closes {
        // Only this version may send a body without its length.
        *response.version_mut() = Version::HTTP_10;
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn lost(end: WireEnd) -> Forwarded {
    let mut script = Script::plain(EndpointResponse::new(502, "", Vec::new()));
    script.end = match end {
        WireEnd::Reset => ScriptEnd::Reset,
        WireEnd::Closed | WireEnd::Complete => ScriptEnd::Cut(ConnectionEnd::Close, BytePosition::Before),
    };
    Forwarded::Script(Box::new(script))
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Receives a body to its end, and passes it on while the client is there.
async fn receive(
    mut body: reqwest::Body,
    mut wire: RecordedWire,
    sender: &mpsc::UnboundedSender<ForwardedPart>,
    head: &http::response::Parts,
) -> ReceivedResponse {
    let (mut bytes, began) = (Vec::new(), Instant::now());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                let Ok(data) = frame.into_data() else { continue };
                if data.is_empty() {
                    continue;
                }
                wire.chunks.push(RecordedChunk(elapsed(began), data.len() as u64));
                bytes.extend_from_slice(&data);
                // A client that has disconnected has paid all the same.
                drop(sender.send(ForwardedPart::Bytes(data)));
            }
            Err(error) => {
                wire.end = ending(&error);
                let promised =
                    head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
                wire.missing = promised.unwrap_or_default().saturating_sub(bytes.len() as u64);
                break;
            }
        }
    }
    ReceivedResponse { status: head.status, headers: head.headers.clone(), body: bytes, wire }
}

/// Where a body was lost, if it was.
fn lost_at(wire: &RecordedWire) -> Option<ForwardedPart> {
    let ending = match wire.end {
        WireEnd::Complete => return None,
        WireEnd::Closed => ConnectionEnd::Close,
        WireEnd::Reset => ConnectionEnd::Reset,
    };
    let lengths = wire.chunks.iter().map(|chunk| usize::try_from(chunk.1).unwrap_or(usize::MAX));
    Some(ForwardedPart::Lost(ending, BytePosition::Body(wire_length(wire.framing, lengths))))
}

/// Ends the body for the client.
fn end(lost: Option<ForwardedPart>, sender: mpsc::UnboundedSender<ForwardedPart>) {
    if let Some(lost) = lost {
        drop(sender.send(lost));
    }
    drop(sender);
}
