//! What an answer is: a whole body, or a stream of events that are passed on as they arrive.

use std::collections::VecDeque;

use seedream_core::{
    Blobs, Error, ErrorKind, ImageData, Input, Reply,
    sse::{Frame, Parser},
};

use super::link::Incoming;
use crate::lift::{Grammar, Intake, Text};

/// What kind of answer a request can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The answer to a poll: always whole.
    Poll,
    /// The answer of a provider without streams: always whole.
    Whole,
    /// The provider has streams, but this request asks for none: one only if it says so.
    Either,
    /// The request asks for a stream: one unless it is plainly something else.
    Stream,
}

/// An answer that was opened.
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

/// Reads an answer to its end, or to its first event.
pub(super) async fn open(incoming: Incoming, expect: Expect) -> Opened {
    let says_stream = incoming.content_type().trim_start().to_ascii_lowercase().starts_with("text/event-stream");
    let may_stream = incoming.status().is_success()
        && match expect {
            Expect::Poll | Expect::Whole => false,
            Expect::Either => says_stream,
            Expect::Stream => true,
        };
    if may_stream { peek(incoming, says_stream, expect).await } else { whole(incoming, &[], expect).await }
}

/// How many blanks may stand before an answer, in bytes.
const LONGEST_BLANK: usize = 4096;

/// Looks at the first byte, since neither the type nor its absence can be trusted (providers.md 1.6.5): validation errors
/// come as JSON, and some relays label a stream as JSON.
async fn peek(mut incoming: Incoming, says_stream: bool, expect: Expect) -> Opened {
    let mut start = Vec::new();
    let ended = loop {
        match first_byte(&start) {
            // Blanks without end are no JSON, and are not looked at again and again.
            None if start.len() > LONGEST_BLANK => break false,
            None => {}
            Some(b'{' | b'[' | b'<') => return whole(incoming, &start, expect).await,
            Some(_) => break false,
        }
        match incoming.chunk().await {
            Ok(Some(bytes)) => start.extend_from_slice(&bytes),
            Ok(None) => break true,
            Err(error) => return Opened::whole(Input::Broken { partial: Some(incoming.reply(start)), error }),
        }
    };
    let mut frames = Frames::new(incoming);
    frames.take(&start).await;
    if ended {
        frames.end();
    }
    // Only an event proves that it is a stream: whoever decodes what is none should see all of it.
    while frames.events.ready.is_empty() && !frames.ended {
        match frames.incoming.chunk().await {
            Ok(Some(bytes)) => frames.take(&bytes).await,
            Ok(None) => frames.end(),
            Err(error) => frames.fail(error),
        }
    }
    if frames.events.ready.is_empty()
        && let Some(error) = frames.broken.take()
    {
        return Opened::whole(Input::Broken { partial: Some(frames.into_reply()), error });
    }
    if frames.events.ready.is_empty() && !says_stream {
        return Opened::whole(Input::Reply(frames.into_reply()));
    }
    // From here on every event is passed on, and what came before is held no longer.
    frames.events.seen = None;
    Opened { input: Input::Head(frames.incoming.reply("")), frames: Some(frames) }
}

/// The first byte that is neither white space nor of a byte order mark.
fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf))
}

async fn whole(incoming: Incoming, so_far: &[u8], expect: Expect) -> Opened {
    Opened::whole(match incoming.whole(so_far).await {
        Ok(reply) if expect != Expect::Poll && is_cut(&reply) => {
            let error = Error::new(ErrorKind::Transport, "the answer ended in the middle");
            Input::Broken { partial: Some(reply), error }
        }
        Ok(reply) => Input::Reply(reply),
        Err((partial, error)) => Input::Broken { partial: Some(partial), error },
    })
}

/// Whether a success is JSON without an end. A body without a length ends where the connection ends, and a gateway that lost
/// its upstream ends its own answer in good order: the pictures before the cut are there all the same.
fn is_cut(reply: &Reply) -> bool {
    let first = first_byte(&reply.body);
    let last = reply.body.iter().rev().copied().find(|byte| !byte.is_ascii_whitespace());
    reply.status.is_success() && matches!(first, Some(b'{' | b'[')) && !matches!(last, Some(b'}' | b']'))
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

/// Makes events of what is left of a stream without its pictures, so that none is larger than its words.
#[derive(Debug, Default)]
struct Events {
    parser: Parser,
    /// The pictures of the event that is arriving.
    blobs: Blobs,
    ready: VecDeque<(Frame, Blobs)>,
    /// All that came, until it is known to be a stream.
    seen: Option<(Vec<u8>, Blobs)>,
}

impl Frames {
    fn new(incoming: Incoming) -> Self {
        let intake = incoming.intake(Grammar::Events);
        let events = Events { seen: Some(Default::default()), ..Events::default() };
        Self { incoming, intake, events, ended: false, broken: None }
    }

    async fn take(&mut self, bytes: &[u8]) {
        self.intake.feed(bytes, &mut self.events).await;
    }

    fn end(&mut self) {
        self.ended = true;
        self.intake.finish(&mut self.events);
        if let Some(last) = self.events.parser.finish() {
            self.events.complete(last);
        }
    }

    /// It broke off: a last event whose data had arrived whole is an event all the same.
    fn fail(&mut self, error: Error) {
        self.ended = true;
        self.broken = Some(error);
        self.intake.finish(&mut self.events);
        let whole = |frame: &Frame| serde_json::from_str::<serde::de::IgnoredAny>(&frame.data).is_ok();
        if let Some(last) = self.events.parser.finish().filter(whole) {
            self.events.complete(last);
        }
    }

    /// All of it as one answer.
    fn into_reply(self) -> Reply {
        let (body, blobs) = self.events.seen.unwrap_or_default();
        self.incoming.reply(body).with_blobs(blobs)
    }

    /// The next event, as soon as it is complete.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            if let Some((frame, blobs)) = self.events.ready.pop_front() {
                return Input::Frame(frame, blobs);
            }
            if let Some(error) = self.broken.take() {
                return Input::Broken { partial: Some(self.incoming.reply("")), error };
            }
            if self.ended {
                return Input::StreamEnd;
            }
            match self.incoming.chunk().await {
                Ok(Some(bytes)) => self.take(&bytes).await,
                Ok(None) => self.end(),
                Err(error) => self.fail(error),
            }
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
        if let Some((seen, _)) = &mut self.seen {
            seen.extend_from_slice(bytes);
        }
        for frame in self.parser.feed(bytes) {
            self.complete(frame);
        }
    }

    fn picture(&mut self, token: &str, data: ImageData) {
        if let Some((_, blobs)) = &mut self.seen {
            blobs.insert(token, data.clone());
        }
        self.blobs.insert(token, data);
    }
}
