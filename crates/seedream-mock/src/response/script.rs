//! What the engine decides: a head, a body in parts, and how it ends.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::endpoints::admin::journal::JournalPage;
use crate::endpoints::recorded;
use crate::faults::fault::Fault;
use crate::faults::shapes::{LengthFault, Truncation};
use crate::faults::words::{BytePosition, ByteRate, ConnectionEnd, ImageFault};
use crate::image::TestImage;
use crate::response::coding::PackedPiece;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::text_encoding::TextEncoding;

/// Says how sure an answer is.
const EVIDENCE: HeaderName = HeaderName::from_static("x-mock-evidence");

/// Names the broken rules.
const VIOLATION: HeaderName = HeaderName::from_static("x-mock-violation");

/// An answer, ready to be played over a socket or read in process.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its request's place in the journal; none for the mock's own routes.
    pub ordinal: Option<u64>,
    /// Whether a task of its session still has to call back.
    pub(crate) awaits: bool,
    /// How long to wait before the head.
    pub delay: Duration,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub chunks: Vec<Chunk>,
    /// How it ends.
    pub end: ScriptEnd,
    /// Where it stops, and for how long; without a time for ever.
    pub stall: Option<(BytePosition, Option<Duration>)>,
    /// How slowly its body comes.
    pub drip: Option<ByteRate>,
    /// Whether the head promises more bytes than come.
    pub wrong_length: bool,
    /// Whether each chunk is a flush of its own, as in a stream of events.
    pub streamed: bool,
    /// What follows its chunks again and again, for ever; not part of [`Script::body`].
    pub repeats: Option<Chunk>,
    /// Whether its body has no length and ends with the connection.
    pub until_close: bool,
}

impl Script {
    /// Puts an answer's head together, with the id of its request in these headers.
    pub(crate) fn of(response: EndpointResponse, fault: &Fault, id_headers: &[String], id: String) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        for (name, value) in &response.headers {
            append(&mut headers, name, value);
        }
        let documented = headers.len();
        let id = HeaderValue::try_from(id).ok();
        for (name, id) in id_headers.iter().zip(std::iter::repeat(id).flatten()) {
            // A documented id of a request stands for the live one.
            if let Ok(name) = HeaderName::try_from(name)
                && (documented == 0 || !headers.contains_key(&name))
            {
                headers.append(name, id);
            }
        }
        let violation = (!response.violations.is_empty()).then(|| printable(&response.violations.join("; ")));
        let own = [
            (CONTENT_TYPE, Some(response.content_type)),
            (recorded::HEADER, Some(response.fixture.map_or(Cow::Borrowed("-"), Cow::Owned))),
            (EVIDENCE, Some(response.evidence.as_str().into())),
            (VIOLATION, violation.map(Cow::Owned)),
        ];
        for (name, value) in own {
            let value = value.and_then(|value| match value {
                Cow::Borrowed(text) => Some(HeaderValue::from_static(text)),
                Cow::Owned(text) => HeaderValue::try_from(text).ok(),
            });
            if let Some(value) = value {
                headers.append(name, value);
            }
        }
        Self {
            ordinal: None,
            awaits: false,
            delay: fault.delay.unwrap_or_default(),
            status: response.status,
            headers,
            chunks: response.chunks,
            end: match fault.end.or(response.closes.map(|place| (ConnectionEnd::Close, place))) {
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

    /// The whole body. Renders the pictures in it, which takes milliseconds each.
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

/// One part of a body.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// How long to wait before it.
    pub after: Duration,
    /// What it is.
    pub content: ChunkContent,
}

impl Chunk {
    /// A part that comes at once.
    pub(crate) fn now(content: ChunkContent) -> Self {
        Self { after: Duration::ZERO, content }
    }

    /// Text that comes at once.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self::now(ChunkContent::Bytes(text.into()))
    }
}

/// What a part of a body is. Pictures are described and not rendered, so that deciding stays fast.
#[derive(Debug, Clone)]
pub enum ChunkContent {
    /// Bytes as they are.
    Bytes(Bytes),
    /// A picture's file.
    Image(TestImage),
    /// A picture's file in standard base64.
    Base64(TestImage),
    /// A picture's file, written in another way.
    Encoded(TestImage, TextEncoding),
    /// Several contents that belong to one chunk.
    Joined(Vec<ChunkContent>),
    /// A content whose pictures are wrong.
    Flawed(ImageFault, Box<ChunkContent>),
    /// A content up to a place.
    Beginning(Box<ChunkContent>, Truncation),
    /// A piece of a packed body.
    Packed(PackedPiece),
    /// A piece of the mock's journal.
    Journal(JournalPage),
}

impl ChunkContent {
    /// The bytes, with a way to render pictures.
    pub fn bytes(&self, render: impl Fn(&TestImage) -> Bytes) -> Bytes {
        self.read(&render)
    }

    fn read(&self, render: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Image(image) => render(image),
            Self::Base64(image) => STANDARD.encode(render(image)).into(),
            Self::Joined(parts) => {
                let mut joined = BytesMut::new();
                for part in parts {
                    joined.extend_from_slice(&part.read(render));
                }
                joined.freeze()
            }
            Self::Flawed(flaw, content) => content.read(&|image| flaw.file(image, render)),
            Self::Encoded(image, dress) => dress.write(&render(image)).into(),
            Self::Beginning(content, cut) => {
                let bytes = content.read(render);
                bytes.slice(..cut.of(&bytes))
            }
            Self::Packed(packed) => packed.read(render),
            Self::Journal(page) => page.read(),
        }
    }

    /// The same with its pictures wrong, if they are to be.
    pub(crate) fn flawed(self, flaw: Option<ImageFault>) -> Self {
        match flaw {
            Some(flaw) if self.is_costly() => Self::Flawed(flaw, Box::new(self)),
            _ => self,
        }
    }

    /// Whether reading the bytes takes its time.
    pub(crate) fn is_costly(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Image(_) | Self::Base64(_) | Self::Encoded(..) | Self::Packed(_) | Self::Journal(_) => true,
            Self::Joined(parts) => parts.iter().any(Self::is_costly),
            Self::Flawed(_, content) | Self::Beginning(content, _) => content.is_costly(),
        }
    }
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptEnd {
    /// In order.
    Complete,
    /// The connection is reset before the head.
    Reset,
    /// The connection ends at a place.
    Cut(ConnectionEnd, BytePosition),
}

/// The place of a picture inside a JSON text that is still being written; [`splice`] puts the base64 there.
pub(crate) fn inline_marker(index: usize) -> String {
    format!("@{index}")
}

/// Splits a JSON text at its markers.
///
/// A marker is recognised with its member's name and quotes: inside any other string of the text the quotes would be
/// escaped, so nothing a caller sent can look like one.
pub(crate) fn splice(text: &str, images: &[TestImage]) -> ChunkContent {
    const BEFORE: &str = "\"b64_json\":\"@";
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEFORE) {
        let digits = &rest[at + BEFORE.len()..];
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let Some(image) = digits[..length].parse().ok().and_then(|index: usize| images.get(index)) else { break };
        // Everything up to the opening quote stands before the picture, the marker itself does not.
        parts.push(ChunkContent::Bytes(Bytes::copy_from_slice(&rest.as_bytes()[..at + BEFORE.len() - 1])));
        parts.push(ChunkContent::Base64(image.clone()));
        rest = &digits[length..];
    }
    let tail = ChunkContent::Bytes(Bytes::copy_from_slice(rest.as_bytes()));
    if parts.is_empty() {
        return tail;
    }
    parts.push(tail);
    ChunkContent::Joined(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageFormat;

    #[test]
    fn markers_become_images_and_lookalikes_stay() {
        let image = TestImage {
            provider: "p".into(),
            key: 1,
            index: 0,
            width: 2,
            height: 2,
            format: ImageFormat::Png,
            mark: false,
            caption: String::new(),
        };
        let text = serde_json::json!({ "a": "\"b64_json\":\"@0\"", "b64_json": inline_marker(0) }).to_string();
        let body = splice(&text, std::slice::from_ref(&image)).bytes(TestImage::render);
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["a"], "\"b64_json\":\"@0\"");
        assert_eq!(value["b64_json"], STANDARD.encode(image.render()));
    }
}
