//! Recorded exchanges, played byte for byte: only the URLs of images lead to the mock, and lengths follow them.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use seedream_fixtures::{RecordedBody, RecordedExchange, RecordedResponse, RecordedWire, WireEnd, WireFraming};

use crate::endpoints::replayed_bill;
use crate::engine::services::Services;
#[cfg(feature = "record")]
use crate::faults::prompt_directive;
use crate::faults::word_values::{BytePosition, ConnectionEnd};
use crate::headers;
use crate::image::test_image::TestImage;
use crate::recording::image_urls;
use crate::recording::redaction::Secrets;
use crate::recording::request_form::RequestForm;
use crate::recording::wire_length::wire_length;
use crate::request::address::{Address, RECORDED, session_prefix};
use crate::request::context::{Rejection, RequestContext};
use crate::response::chunk::{Chunk, ChunkContent, DeferredBytes};
use crate::response::content_coding;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::mock_error;
use crate::settings::OnMiss;

/// What stands for the bytes that never came.
const MISSING: &[u8] = b" ";

/// The next response of the recorded sequence of a request, or that there is none where misses are errors.
pub(crate) fn respond(context: &RequestContext<'_>) -> Option<EndpointResponse> {
    let Services { recordings, library, .. } = context.services;
    let on_miss = on_miss(context.services);
    if recordings.is_empty() && on_miss == OnMiss::Rules {
        return None;
    }
    // A fault is about what the mock makes; a response that is asked for by its name is found there.
    let is_faulty = !context.fault.is_empty() || !context.later.is_empty();
    let is_forced = context.request.headers().contains_key(headers::FIXTURE);
    if is_faulty || is_forced || matches!(context.rejection, Some(Rejection::BadFault(_))) {
        return None;
    }
    let asked = form(context);
    let miss = match recordings.find(&context.provider.id, &asked) {
        Some((place, sequence)) => {
            let turn = context.services.sessions.with(context.session, context.now, |session| {
                let turn = session.plays.entry(place).or_default();
                *turn = turn.saturating_add(1);
                *turn
            });
            if let Some(id) = sequence.at(turn) {
                recordings.played(id);
                return play(context, library.exchange(id)?);
            }
            format!(
                "{} {} was recorded {} times ({} is the first) and is asked for {turn} times; another session begins at the first again",
                asked.method,
                asked.path,
                sequence.length(),
                sequence.first(),
            )
        }
        None if is_own(context) => return None,
        None => told(context, &asked),
    };
    recordings.missed(&miss);
    (on_miss == OnMiss::Error).then(|| EndpointResponse {
        notes: vec![miss.clone()],
        ..EndpointResponse::value(404, &mock_error("mock_not_recorded", &miss))
    })
}

/// Whether a request is the mock's own to answer: it would be played, or asks for an exchange or for a fault. Nothing is counted.
#[cfg(feature = "record")]
pub(crate) fn is_the_mocks(services: &Services, request: &http::Request<Bytes>) -> bool {
    let address = Address::read(request.uri().path());
    let session = address.session.unwrap_or(crate::request::address::DEFAULT_SESSION);
    let asks = [headers::FIXTURE, headers::FAULT].iter().any(|name| request.headers().contains_key(name));
    let faults = services.sessions.look(session, |session| !session.rules.list().is_empty());
    let has_faults = faults.unwrap_or_else(|| !services.settings.initial().faults.is_empty());
    let directs = std::str::from_utf8(request.body()).is_ok_and(prompt_directive::is_in);
    if asks || directs || has_faults {
        return true;
    }
    let Some(provider) = services.library.provider(address.prefix) else { return false };
    let secrets = Secrets::of(request.headers(), request.uri().query());
    let asked = RequestForm::of(provider, address.below, request, &secrets);
    services.recordings.find(&provider.id, &asked).is_some_and(|(place, sequence)| {
        let played = services.sessions.look(session, |session| session.plays.get(&place).copied());
        sequence.at(played.flatten().unwrap_or_default().saturating_add(1)).is_some()
    })
}

/// What happens to a request without an exchange: an error where anything was recorded, unless the settings say otherwise.
fn on_miss(services: &Services) -> OnMiss {
    let default = if services.recordings.is_empty() { OnMiss::Rules } else { OnMiss::Error };
    services.settings.initial().on_miss.unwrap_or(default)
}

fn form(context: &RequestContext<'_>) -> RequestForm {
    let secrets = Secrets::of(context.request.headers(), context.request.uri().query());
    RequestForm::of(context.provider, context.below, context.request, &secrets)
}

/// Whether an exchange that a user wrote by hand answers.
fn is_own(context: &RequestContext<'_>) -> bool {
    let asked = (context.below, context.request.uri().query());
    let method = context.request.method().as_str();
    context.services.index.find(context.provider, method, asked, context.json, context.body_hash, true).is_some()
}

/// What was asked for, and what comes nearest to it.
fn told(context: &RequestContext<'_>, asked: &RequestForm) -> String {
    const SHOWN: usize = 3;
    let begin = format!("no recorded exchange of {} is equal to {} {}", context.provider.id, asked.method, asked.path);
    let Some((id, differs)) = context.services.recordings.nearest(&context.provider.id, asked) else {
        return format!("{begin}; none was recorded");
    };
    let more = differs.len().saturating_sub(SHOWN);
    let differs: Vec<String> = differs.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{begin}; the nearest is {id}, which differs in {}{more}", differs.join(", "))
}

/// The response of a recorded exchange as it came; `None` where it was not recorded.
pub(crate) fn play(context: &RequestContext<'_>, exchange: &RecordedExchange) -> Option<EndpointResponse> {
    let wire = exchange.wire.as_ref()?;
    let ending = match wire.end {
        WireEnd::Complete => None,
        WireEnd::Closed => Some(ConnectionEnd::Close),
        WireEnd::Reset => Some(ConnectionEnd::Reset),
    };
    let Some(recorded) = &exchange.response else {
        return Some(EndpointResponse {
            closes: Some((ending.unwrap_or(ConnectionEnd::Close), BytePosition::Before)),
            fixture: Some(exchange.id().to_owned()),
            evidence: exchange.source.kind,
            ..EndpointResponse::new(0, "", Vec::new())
        });
    };
    let origin = format!("{}{}/{RECORDED}/{}", context.origin, session_prefix(context.session), exchange.id());
    let (body, moves) = body(recorded, wire, &origin);
    let pieces = pieces(&body, wire, &moves);
    let mut head: Vec<(String, String)> = recorded.headers.clone().into_iter().collect();
    let content_type = head.iter().position(|(name, _)| name == "content-type").map(|at| head.remove(at).1);
    if wire.framing == WireFraming::Length {
        head.push((String::from("content-length"), (body.len() as u64 + wire.missing).to_string()));
    }
    let sent = || wire_length(wire.framing, pieces.iter().map(|(_, piece)| piece.len()));
    let closes = ending.map(|ending| (ending, BytePosition::Body(sent())));
    let (mut chunks, mut before) = (Vec::with_capacity(pieces.len()), 0);
    for (at, piece) in pieces {
        let after = if context.settings.recorded_pace {
            Duration::from_millis(at.saturating_sub(before))
        } else {
            Duration::ZERO
        };
        before = at.max(before);
        chunks.push(Chunk { after, content: ChunkContent::Bytes(piece) });
    }
    if let (Some(first), true) = (chunks.first_mut(), context.settings.recorded_pace) {
        first.after += Duration::from_millis(wire.head_ms);
    }
    Some(EndpointResponse {
        headers: head,
        streamed: true,
        until_close: wire.framing == WireFraming::Close,
        // The body goes on, so that its connection ends where it did and not in order.
        repeats: ending.map(|_| Chunk::text(MISSING)),
        closes,
        fixture: Some(exchange.id().to_owned()),
        evidence: exchange.source.kind,
        billed: replayed_bill::images(context, exchange),
        ..EndpointResponse::new(recorded.status, content_type.unwrap_or_default(), chunks)
    })
}

/// A place in a body, and by how much what follows it moves.
struct Move {
    from: usize,
    to: usize,
    by: isize,
}

/// The body with its URLs leading to the mock, coded again if it was coded, and where places went.
fn body(recorded: &RecordedResponse, wire: &RecordedWire, origin: &str) -> (Bytes, Vec<Move>) {
    let plain: Vec<u8> = match &recorded.body {
        RecordedBody::Json(raw) => raw.get().as_bytes().to_vec(),
        RecordedBody::Text(text) | RecordedBody::Sse(text) => text.as_bytes().to_vec(),
        RecordedBody::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
    };
    let Some(coding) = &wire.coding else {
        let (body, moves) = moved(&plain, wire, origin);
        return (body.into(), moves);
    };
    let coded = wire.coded.as_ref().filter(|_| wire.images.is_empty()).and_then(|coded| STANDARD.decode(coded).ok());
    if let Some(coded) = coded {
        return (coded.into(), Vec::new());
    }
    let whole = wire.end == WireEnd::Complete;
    let (body, _) = moved(&plain, wire, origin);
    let body = Bytes::from(body);
    // Loading has refused codings that are not known.
    (content_coding::coded(coding, body.clone(), whole).unwrap_or(body), Vec::new())
}

/// The body with the URLs of its images replaced, in their order.
fn moved(body: &[u8], wire: &RecordedWire, origin: &str) -> (Vec<u8>, Vec<Move>) {
    let (mut written, mut moves, mut from) = (Vec::with_capacity(body.len()), Vec::new(), 0);
    for (place, image) in wire.images.iter().enumerate() {
        let Some(at) = memchr::memmem::find(&body[from..], image.url.as_bytes()) else { continue };
        let (begin, end) = (from + at, from + at + image.url.len());
        let url = image_urls::moved(&image.url, &format!("{origin}/{place}"));
        written.extend_from_slice(&body[from..begin]);
        written.extend_from_slice(url.as_bytes());
        moves.push(Move { from: begin, to: end, by: url.len() as isize - image.url.len() as isize });
        from = end;
    }
    written.extend_from_slice(&body[from..]);
    (written, moves)
}

/// The body in the pieces in which it came, each with its time.
fn pieces(body: &Bytes, wire: &RecordedWire, moves: &[Move]) -> Vec<(u64, Bytes)> {
    let recorded: u64 = wire.chunks.iter().map(|chunk| chunk.1).sum();
    let is_coded_again = wire.coding.is_some() && (wire.coded.is_none() || !wire.images.is_empty());
    let place = |at: u64| {
        if is_coded_again {
            // Other bytes: the pieces keep their share.
            return (body.len() as u128 * u128::from(at) / u128::from(recorded.max(1))) as usize;
        }
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let before = moves.iter().take_while(|moved| moved.to <= at);
        let by: isize = before.map(|moved| moved.by).sum();
        // A URL is not divided.
        let at = moves.iter().find(|moved| moved.from < at && at < moved.to).map_or(at, |moved| moved.from);
        at.saturating_add_signed(by).min(body.len())
    };
    let (mut found, mut from, mut at, mut last) = (Vec::new(), 0, 0, 0);
    for chunk in &wire.chunks {
        at += chunk.1;
        last = chunk.0;
        let end = if at == recorded { body.len() } else { place(at) };
        if end > from {
            found.push((last, body.slice(from..end)));
            from = end;
        }
    }
    if from < body.len() {
        found.push((last, body.slice(from..)));
    }
    found
}

/// The image of a recorded exchange, where a path leads to one.
pub(crate) fn image(services: &Services, address: &Address<'_>) -> Option<EndpointResponse> {
    if address.prefix != RECORDED {
        return None;
    }
    let mut parts = address.below.trim_start_matches('/').splitn(5, '/');
    let id = [parts.next()?, parts.next()?, parts.next()?].join("/");
    let place = parts.next()?.split('?').next()?.parse::<usize>().ok()?;
    let exchange = services.library.exchange(&id)?;
    let image = exchange.wire.as_ref()?.images.get(place)?;
    let head = EndpointResponse {
        fixture: Some(exchange.id().to_owned()),
        evidence: exchange.source.kind,
        ..EndpointResponse::new(
            image.status.unwrap_or_default(),
            image.media_type.clone().map_or(Cow::Borrowed(""), Cow::Owned),
            Vec::new(),
        )
    };
    Some(match (&image.path, image.status) {
        (Some(path), _) if !path.is_file() => {
            let message =
                format!("{} is not in the folder of the recording any more", image.file.as_deref().unwrap_or_default());
            EndpointResponse {
                notes: vec![message.clone()],
                ..EndpointResponse::value(500, &mock_error("mock_recording_changed", &message))
            }
        }
        (Some(path), _) => EndpointResponse {
            chunks: vec![Chunk::now(ChunkContent::Deferred(std::sync::Arc::new(ImageFile(path.clone()))))],
            ..head
        },
        (None, Some(_)) => head,
        // There was no response either when it was recorded.
        (None, None) => EndpointResponse { closes: Some((ConnectionEnd::Close, BytePosition::Before)), ..head },
    })
}

/// The file of an image, which is read when it is sent.
#[derive(Debug)]
struct ImageFile(PathBuf);

impl DeferredBytes for ImageFile {
    fn read(&self, _: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        std::fs::read(&self.0).map(Bytes::from).unwrap_or_default()
    }
}
