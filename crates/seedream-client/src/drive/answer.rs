//! What an answer is: a whole body, or a stream of events that are passed on as they arrive.

use std::collections::VecDeque;

use seedream_core::{
    Blobs, Error, ErrorKind, Input, Reply,
    sse::{Frame, Parser},
};

use super::link::Incoming;

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
    if may_stream { peek(incoming, says_stream, expect).await } else { whole(incoming, Vec::new(), expect).await }
}

/// Looks at the first byte, since neither the type nor its absence can be trusted (providers.md 1.6.5): validation errors
/// come as JSON, and some relays label a stream as JSON.
async fn peek(mut incoming: Incoming, says_stream: bool, expect: Expect) -> Opened {
    let (mut parser, mut body, mut fed) = (Parser::new(), Vec::new(), 0);
    loop {
        match incoming.chunk().await {
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            Ok(None) => {
                let last = parser.finish();
                if last.is_none() && !says_stream {
                    // Neither JSON nor events: whoever decodes it should see all of it.
                    return Opened::whole(Input::Reply(incoming.reply(body)));
                }
                return Frames::begin(incoming, parser, last, true);
            }
            Err(error) => return Opened::whole(Input::Broken { partial: Some(incoming.reply(body)), error }),
        }
        match first_byte(&body) {
            None => continue,
            Some(b'{' | b'[' | b'<') => return whole(incoming, body, expect).await,
            Some(_) => {}
        }
        let frames = parser.feed(&body[fed..]);
        fed = body.len();
        if !frames.is_empty() {
            return Frames::begin(incoming, parser, frames, false);
        }
    }
}

/// The first byte that is neither white space nor of a byte order mark.
fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf))
}

async fn whole(incoming: Incoming, so_far: Vec<u8>, expect: Expect) -> Opened {
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
    parser: Parser,
    ready: VecDeque<Frame>,
    ended: bool,
}

impl Frames {
    fn begin(incoming: Incoming, parser: Parser, ready: impl IntoIterator<Item = Frame>, ended: bool) -> Opened {
        let input = Input::Head(incoming.reply(""));
        let ready = ready.into_iter().collect();
        Opened { input, frames: Some(Self { incoming, parser, ready, ended }) }
    }

    /// The next event, as soon as it is complete.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Input::Frame(frame, Blobs::default());
            }
            if self.ended {
                return Input::StreamEnd;
            }
            match self.incoming.chunk().await {
                Ok(Some(bytes)) => self.ready.extend(self.parser.feed(&bytes)),
                Ok(None) => {
                    self.ended = true;
                    self.ready.extend(self.parser.finish());
                }
                Err(error) => return Input::Broken { partial: Some(self.incoming.reply("")), error },
            }
        }
    }
}
