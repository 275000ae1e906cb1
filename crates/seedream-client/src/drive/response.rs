//! What a response is: a whole body, or a stream of events that are passed on as they arrive.

use std::collections::VecDeque;

use seedream_core::{
    Blobs, Error, ImageData, Input, Response,
    sse::{Frame, Parser},
};

use super::link::Incoming;
use crate::lift::{Grammar, Intake, Text};

/// What kind of response a request can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
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
pub(super) struct Opened {
    pub(super) input: Input,
    /// The rest of it, where it is a stream.
    pub(super) frames: Option<Frames>,
}

impl Opened {
    fn whole(input: Input) -> Self {
        Self { input, frames: None }
    }
}

/// Reads a response to its end, or to its first event.
pub(super) async fn open(incoming: Incoming, expect: Expect) -> Opened {
    if !incoming.status().is_success() || expect == Expect::Poll {
        return whole(incoming, &[], Grammar::Json).await;
    }
    let says_stream = incoming.content_type().trim_start().to_ascii_lowercase().starts_with("text/event-stream");
    peek(incoming, says_stream, expect).await
}

/// How many blanks may stand before a response, in bytes.
const LONGEST_BLANK: usize = 4096;

/// How a body begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// As JSON or a web page.
    Document,
    /// With a field or a comment of an event.
    Event,
    /// With something else.
    Other,
}

impl Beginning {
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
async fn peek(mut incoming: Incoming, says_stream: bool, expect: Expect) -> Opened {
    let mut start = Vec::new();
    let (beginning, ended) = loop {
        if let Some(beginning) = Beginning::of(&start) {
            break (beginning, false);
        }
        // Blanks without end are no JSON, and are not looked at again and again.
        if start.len() > LONGEST_BLANK {
            break (Beginning::Other, false);
        }
        match incoming.chunk().await {
            Ok(Some(bytes)) => start.extend_from_slice(&bytes),
            Ok(None) => break (Beginning::Other, true),
            Err(error) => return Opened::whole(Input::Broken { partial: Some(incoming.response(start)), error }),
        }
    };
    let streams = match (beginning, expect) {
        (Beginning::Document, _) => return whole(incoming, &start, Grammar::Json).await,
        // A provider without streams has a reader that takes one as a whole.
        (Beginning::Event, Expect::Whole) => return whole(incoming, &start, Grammar::Events).await,
        (Beginning::Event, _) | (Beginning::Other, Expect::Stream) => true,
        (Beginning::Other, expect) => says_stream && expect == Expect::Either,
    };
    if !streams {
        return whole(incoming, &start, Grammar::Json).await;
    }
    let mut frames = Frames::new(incoming);
    frames.take(&start).await;
    if ended {
        frames.end().await;
    }
    // Only an event proves that it is a stream: whoever decodes what is none should see all of it.
    while frames.events.ready.is_empty() && !frames.ended {
        frames.read().await;
    }
    if frames.events.ready.is_empty()
        && let Some(error) = frames.broken.take()
    {
        return Opened::whole(Input::Broken { partial: Some(frames.into_response()), error });
    }
    if frames.events.ready.is_empty() && !says_stream {
        return Opened::whole(Input::Response(frames.into_response()));
    }
    Opened { input: Input::Head(frames.incoming.response("")), frames: Some(frames) }
}

async fn whole(incoming: Incoming, so_far: &[u8], grammar: Grammar) -> Opened {
    Opened::whole(match incoming.whole(so_far, grammar).await {
        Ok(response) => Input::Response(response),
        Err((partial, error)) => Input::Broken { partial: Some(partial), error },
    })
}

/// A stream of events that is being read.
#[derive(Debug)]
pub(super) struct Frames {
    incoming: Incoming,
    intake: Intake,
    events: Events,
    ended: bool,
    /// Why it broke off.
    broken: Option<Error>,
}

/// Makes events of what is left of a stream without its images, so that none is larger than its words.
#[derive(Debug, Default)]
struct Events {
    parser: Parser,
    /// The images of the event that is arriving.
    blobs: Blobs,
    ready: VecDeque<(Frame, Blobs)>,
    /// All that came, images left out.
    seen: Vec<u8>,
    /// The images of all events.
    all: Blobs,
}

impl Frames {
    fn new(incoming: Incoming) -> Self {
        let intake = incoming.intake(Grammar::Events);
        Self { incoming, intake, events: Events::default(), ended: false, broken: None }
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
        self.intake.feed(bytes, &mut self.events).await;
        if let Err(error) = self.incoming.room_for_text(self.events.seen.len()) {
            self.fail(error).await;
        }
    }

    /// It ended, or broke off: what had arrived of the last event is an event all the same.
    async fn end(&mut self) {
        self.ended = true;
        self.intake.finish(&mut self.events).await;
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

impl Events {
    fn complete(&mut self, frame: Frame) {
        self.ready.push_back((frame, std::mem::take(&mut self.blobs)));
    }
}

impl Text for Events {
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
