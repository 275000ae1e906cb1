//! What a response is: a whole body, or a stream of events that are passed on as they arrive.

use std::collections::VecDeque;

use seedream_core::{
    Blobs, Error, ImageData, Input, Response,
    sse::{Frame, Parser},
};

use super::incoming_response::IncomingResponse;
use crate::body::base64_stream::{BodySink, BodySyntax, ImageExtractor};

/// What kind of response a request can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpectedBody {
    /// The response to a poll: always whole.
    Poll,
    /// The response of a provider without streams: always whole.
    Whole,
    /// The provider has streams, but this request asks for none: one only if it says so.
    Either,
    /// The request asks for a stream: one unless it is plainly something else.
    Stream,
}

/// A response that was opened.
pub(super) struct OpenedResponse {
    pub(super) input: Input,
    /// The rest of it, where it is a stream.
    pub(super) frames: Option<Box<EventFrames>>,
}

impl OpenedResponse {
    fn whole(input: Input) -> Self {
        Self { input, frames: None }
    }
}

/// Reads a response to its end, or to its first event.
pub(super) async fn open(incoming: Box<IncomingResponse>, expect: ExpectedBody) -> OpenedResponse {
    if !incoming.status().is_success() || expect == ExpectedBody::Poll {
        return whole(incoming, &[], BodySyntax::Json).await;
    }
    let says_stream = incoming.content_type().trim_start().to_ascii_lowercase().starts_with("text/event-stream");
    peek(incoming, says_stream, expect).await
}

/// How many blanks may stand before a response, in bytes.
const LONGEST_BLANK: usize = 4096;

/// How a body begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyStart {
    /// As JSON or a web page.
    Document,
    /// With a field or a comment of an event.
    Event,
    /// With something else.
    Other,
}

impl BodyStart {
    /// What the first bytes that are not blank say; `None` where more of them are needed.
    fn of(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
        match body.first()? {
            b'{' | b'[' | b'<' | b'"' => return Some(Self::Document),
            b':' => return Some(Self::Event),
            _ => {}
        }
        let fields = [&b"data:"[..], b"event:", b"id:", b"retry:"];
        if fields.iter().any(|field| body.starts_with(field)) {
            return Some(Self::Event);
        }
        if fields.iter().any(|field| field.starts_with(body)) { None } else { Some(Self::Other) }
    }
}

/// Looks at the first bytes, since neither the type nor its absence can be trusted: validation errors come as JSON, and some
/// relays label a stream as JSON. The type counts only where the bytes do not decide.
async fn peek(mut incoming: Box<IncomingResponse>, says_stream: bool, expect: ExpectedBody) -> OpenedResponse {
    let mut start = Vec::new();
    let (beginning, ended) = loop {
        if let Some(beginning) = BodyStart::of(&start) {
            break (beginning, false);
        }
        // Blanks without end are no JSON, and are not looked at again and again.
        if start.len() > LONGEST_BLANK {
            break (BodyStart::Other, false);
        }
        match incoming.chunk().await {
            Ok(Some(bytes)) => start.extend_from_slice(&bytes),
            Ok(None) => break (BodyStart::Other, true),
            Err(error) => {
                return OpenedResponse::whole(Input::Broken { partial: Some(incoming.response(start)), error });
            }
        }
    };
    let streams = match (beginning, expect) {
        (BodyStart::Document, _) => return whole(incoming, &start, BodySyntax::Json).await,
        // A provider without streams has a reader that takes one as a whole.
        (BodyStart::Event, ExpectedBody::Whole) => return whole(incoming, &start, BodySyntax::Events).await,
        (BodyStart::Event, _) | (BodyStart::Other, ExpectedBody::Stream) => true,
        (BodyStart::Other, expect) => says_stream && expect == ExpectedBody::Either,
    };
    if !streams {
        return whole(incoming, &start, BodySyntax::Json).await;
    }
    // In a box, since most responses are no stream.
    Box::pin(begin_stream(incoming, &start, ended, says_stream)).await
}

/// Reads a stream to its first event.
async fn begin_stream(incoming: Box<IncomingResponse>, start: &[u8], ended: bool, says_stream: bool) -> OpenedResponse {
    let mut frames = Box::new(EventFrames::new(incoming));
    frames.take(start).await;
    if ended {
        frames.end().await;
    }
    // Only an event proves that it is a stream: the decoder of anything else gets all of it.
    while frames.events.ready.is_empty() && !frames.ended {
        frames.read().await;
    }
    if frames.events.ready.is_empty()
        && let Some(error) = frames.broken.take()
    {
        return OpenedResponse::whole(Input::Broken { partial: Some(frames.into_response()), error });
    }
    if frames.events.ready.is_empty() && !says_stream {
        return OpenedResponse::whole(Input::Response(frames.into_response()));
    }
    OpenedResponse { input: Input::Head(frames.incoming.response("")), frames: Some(frames) }
}

async fn whole(incoming: Box<IncomingResponse>, so_far: &[u8], syntax: BodySyntax) -> OpenedResponse {
    OpenedResponse::whole(match incoming.whole(so_far, syntax).await {
        Ok(response) => Input::Response(response),
        Err((partial, error)) => Input::Broken { partial: Some(partial), error },
    })
}

/// A stream of events that is being read.
#[derive(Debug)]
pub(super) struct EventFrames {
    incoming: Box<IncomingResponse>,
    extractor: ImageExtractor,
    events: EventAssembler,
    ended: bool,
    /// Why it broke off.
    broken: Option<Error>,
}

/// Makes events of what is left of a stream without its images, so that none is larger than its words.
#[derive(Debug, Default)]
struct EventAssembler {
    parser: Parser,
    /// The images of the event that is arriving.
    blobs: Blobs,
    ready: VecDeque<(Frame, Blobs)>,
    /// All that came, images left out.
    seen: Vec<u8>,
    /// The images of all events.
    all: Blobs,
}

impl EventFrames {
    fn new(incoming: Box<IncomingResponse>) -> Self {
        let extractor = incoming.extractor(BodySyntax::Events);
        Self { incoming, extractor, events: EventAssembler::default(), ended: false, broken: None }
    }

    /// Reads what comes next.
    async fn read(&mut self) {
        match self.incoming.chunk().await {
            Ok(Some(bytes)) => self.take(&bytes).await,
            Ok(None) => self.end().await,
            Err(error) => self.fail(error).await,
        }
    }

    async fn take(&mut self, bytes: &[u8]) {
        self.extractor.feed(bytes, &mut self.events).await;
        if let Err(error) = self.incoming.room_for_text(self.events.seen.len()) {
            self.fail(error).await;
        }
    }

    /// It ended, or broke off: what had arrived of the last event is an event all the same.
    async fn end(&mut self) {
        self.ended = true;
        self.extractor.finish(&mut self.events).await;
        for last in self.events.parser.finish() {
            self.events.complete(last);
        }
    }

    async fn fail(&mut self, error: Error) {
        self.end().await;
        self.broken = Some(error);
    }

    /// All of it as one response.
    fn into_response(self) -> Response {
        self.incoming.response(self.events.seen).with_blobs(self.events.all)
    }

    /// All that came, images left out, and the images.
    pub(super) fn into_seen(self) -> (Vec<u8>, Blobs) {
        (self.events.seen, self.events.all)
    }

    /// The next event, as soon as it is complete.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            if let Some((frame, blobs)) = self.events.ready.pop_front() {
                return Input::Frame(frame, blobs);
            }
            if let Some(error) = self.broken.take() {
                return Input::Broken { partial: Some(self.incoming.response("")), error };
            }
            if self.ended {
                return Input::StreamEnd;
            }
            self.read().await;
        }
    }
}

impl EventAssembler {
    fn complete(&mut self, frame: Frame) {
        self.ready.push_back((frame, std::mem::take(&mut self.blobs)));
    }
}

impl BodySink for EventAssembler {
    fn text(&mut self, bytes: &[u8]) {
        self.seen.extend_from_slice(bytes);
        for frame in self.parser.feed(bytes) {
            self.complete(frame);
        }
    }

    fn image(&mut self, token: &str, data: ImageData) {
        self.all.insert(token, data.clone());
        self.blobs.insert(token, data);
    }
}
