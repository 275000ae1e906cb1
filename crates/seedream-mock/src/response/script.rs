//! What the engine decides: a head, a body in parts, and how it ends.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::faults::grammar::Fault;
use crate::faults::shape_words::LengthFault;
use crate::faults::word_values::{BytePosition, ByteRate, ConnectionEnd};
use crate::headers;
use crate::image::test_image::TestImage;
use crate::response::chunk::Chunk;
use crate::response::endpoint_response::EndpointResponse;

/// A response, ready to be played over a socket or read in process.
#[derive(Debug, Clone)]
pub struct Script {
    /// The place of its request in the journal; `None` for the admin API.
    pub ordinal: Option<u64>,
    /// Whether a task of its session has a callback that is still to be sent.
    pub(crate) awaits: bool,
    /// The pause before the head.
    pub delay: Duration,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub chunks: Vec<Chunk>,
    /// How it ends.
    pub end: ScriptEnd,
    /// Where it stalls, and for how long; `None` is without an end.
    pub stall: Option<(BytePosition, Option<Duration>)>,
    /// The rate of its body, if it is limited.
    pub drip: Option<ByteRate>,
    /// Whether the head promises more bytes than come.
    pub wrong_length: bool,
    /// Whether each chunk is a flush of its own, as in a stream of events.
    pub streamed: bool,
    /// The chunk that follows the others repeatedly, without an end; not part of [`Script::body`].
    pub repeats: Option<Chunk>,
    /// Whether its body has no length and ends with the connection.
    pub until_close: bool,
}

/// The most headers that a response has beside the documented ones.
const OWN: usize = 5;

impl Script {
    /// The script of a response under a fault, with the request id in these headers.
    pub(crate) fn of(response: EndpointResponse, fault: &Fault, id_headers: &[String], id: String) -> Self {
        let mut all = HeaderMap::with_capacity(response.headers.len() + id_headers.len() + OWN);
        for (name, value) in &response.headers {
            append(&mut all, name, value);
        }
        let documented = all.len();
        let id = HeaderValue::try_from(id).ok();
        for (name, id) in id_headers.iter().zip(std::iter::repeat(id).flatten()) {
            // A documented id of a request stands for the live one.
            if let Ok(name) = HeaderName::try_from(name)
                && (documented == 0 || !all.contains_key(&name))
            {
                all.append(name, id);
            }
        }
        let joined = |texts: &[String]| (!texts.is_empty()).then(|| Cow::Owned(printable(&texts.join("; "))));
        let own = [
            (CONTENT_TYPE, Some(response.content_type).filter(|name| !name.is_empty())),
            (headers::FIXTURE, Some(response.fixture.map_or(Cow::Borrowed("-"), Cow::Owned))),
            (headers::EVIDENCE, Some(response.evidence.as_str().into())),
            (headers::NOTE, joined(&response.notes)),
            (headers::VIOLATION, joined(&response.violations)),
        ];
        for (name, value) in own {
            let value = value.and_then(|value| match value {
                Cow::Borrowed(text) => Some(HeaderValue::from_static(text)),
                Cow::Owned(text) => HeaderValue::try_from(text).ok(),
            });
            if let Some(value) = value {
                all.append(name, value);
            }
        }
        Self {
            ordinal: None,
            awaits: false,
            delay: fault.delay.unwrap_or_default(),
            status: response.status,
            headers: all,
            chunks: response.chunks,
            end: match fault.end.or(response.closes) {
                None => ScriptEnd::Complete,
                // A whole request that is to be cut off gets nothing.
                Some((ConnectionEnd::Reset, BytePosition::Before | BytePosition::Request(_))) => ScriptEnd::Reset,
                Some((ending, BytePosition::Request(_))) => ScriptEnd::Cut(ending, BytePosition::Before),
                Some((ending, place)) => ScriptEnd::Cut(ending, place),
            },
            stall: fault.stall.map(|place| (place, fault.stall_for)),
            drip: fault.drip,
            wrong_length: fault.length == Some(LengthFault::Wrong),
            streamed: response.streamed,
            repeats: response.repeats,
            until_close: response.until_close || fault.length == Some(LengthFault::None),
        }
    }

    /// A response of the admin API.
    pub(crate) fn plain(response: EndpointResponse) -> Self {
        Self::of(response, &Fault::default(), &[], String::new())
    }

    /// A JSON body of the mock's own.
    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self {
            ordinal: None,
            awaits: false,
            delay: Duration::ZERO,
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]),
            chunks: vec![Chunk::text(value.to_string())],
            end: ScriptEnd::Complete,
            stall: None,
            drip: None,
            wrong_length: false,
            streamed: false,
            repeats: None,
            until_close: false,
        }
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The whole body. Renders the images in it, which takes milliseconds each.
    pub fn body(&self) -> Bytes {
        let mut body = BytesMut::new();
        for chunk in &self.chunks {
            body.extend_from_slice(&chunk.content.bytes(TestImage::render));
        }
        body.freeze()
    }
}

/// A documented header that HTTP does not allow cannot be sent; the rest still can.
fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.append(name, value);
    }
}

/// A header takes visible ASCII only, and not too much of it.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(1000).collect()
}

/// How a response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptEnd {
    /// In order.
    Complete,
    /// The connection is reset before the head.
    Reset,
    /// The connection ends at a place.
    Cut(ConnectionEnd, BytePosition),
}
