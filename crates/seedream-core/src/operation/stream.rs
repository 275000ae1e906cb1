//! Handles event streams, in which images arrive one by one.

use std::time::Duration;

use super::{
    Input, Record, Then,
    end::{cancelled, floor, incomplete, succeed},
    image_counts::reconcile,
    machine::{Next, State, Streaming, Submitting, Turn},
};
use crate::{Charge, Checked, Error, ErrorKind, Event, Generation, Response, StreamItem, Warning, WarningKind};

/// How long to wait for the end mark of a complete stream: some gateways never close the connection.
const LINGER: Duration = Duration::from_secs(3);

impl Turn<'_> {
    /// The response to a submit is a stream.
    pub(super) fn begun(&mut self, sent: Submitting, head: Response) -> Next {
        let Some(streams) = self.operation.dialect.streaming() else {
            let message = "the response is an event stream, which was not requested";
            return self.lose(Error::new(ErrorKind::MalformedResponse, message), Charge::Unknown);
        };
        let decoder = streams.decoder(sent.prepared.checked());
        self.note(format!("HTTP {}, a stream", head.status.as_u16()));
        let Submitting { prepared, cancelled } = sent;
        let streaming = Streaming { checked: prepared.into_checked(), head, decoder, until: None, cancelled };
        (State::Streaming(Box::new(streaming)), Then::Read)
    }

    pub(super) fn streaming(&mut self, mut streaming: Box<Streaming>, input: Input) -> Next {
        match input {
            Input::Frame(frame, _) if frame.is_done() => self.stream_over(*streaming, End::Marked),
            Input::Frame(frame, blobs) => {
                let items = streaming.decoder.event(&frame, &blobs);
                if items.iter().any(|item| matches!(item, StreamItem::Image(_))) {
                    self.record = Some(Record::Answered);
                }
                self.events.extend(items.into_iter().map(|item| match item {
                    StreamItem::Image(image) => Event::Image(image),
                    StreamItem::Failed(failure) => Event::ImageFailed(failure),
                }));
                if streaming.until.is_none() && streaming.decoder.is_complete() {
                    streaming.until = Some(self.now.saturating_add(LINGER));
                }
                read_on(streaming)
            }
            Input::Broken { error, .. } => self.stream_over(*streaming, End::Broken(error)),
            Input::Cancelled if streaming.cancelled => self.stream_over(*streaming, End::Broken(cancelled())),
            Input::Cancelled => {
                streaming.cancelled = true;
                (State::Streaming(streaming), Then::Continue)
            }
            Input::StreamEnd => self.stream_over(*streaming, End::Silent),
            Input::Woke if streaming.until.is_some_and(|until| self.now >= until) => {
                self.stream_over(*streaming, End::Marked)
            }
            // Woken early.
            Input::Woke if streaming.until.is_some() => read_on(streaming),
            other @ (Input::Begin
            | Input::NotSent(_)
            | Input::Vetoed(_)
            | Input::Response(_)
            | Input::Head(_)
            | Input::Woke) => self.stray(*streaming, other.unexpected("Streaming")),
        }
    }

    /// An input that a stream does not expect: the error keeps the images that arrived.
    fn stray(&mut self, streaming: Streaming, error: Error) -> Next {
        let Streaming { mut head, decoder, .. } = streaming;
        head.truncated = true;
        match decoder.finish(&head) {
            Ok(generation) => {
                let floor = generation.charge().max(Charge::Unknown);
                self.fail(error.with_generation(generation), floor)
            }
            Err(seen) => {
                let floor = seen.charge().max(Charge::Unknown);
                self.lose(error.with_what_arrived(seen), floor)
            }
        }
    }

    fn stream_over(&mut self, streaming: Streaming, end: End) -> Next {
        let Streaming { checked, mut head, decoder, .. } = streaming;
        head.truncated = matches!(end, End::Broken(_));
        match (decoder.finish(&head), end) {
            (Ok(mut generation), end) => {
                generation.warnings.extend(cut_short(&checked, &generation, &end));
                let came = generation.outcomes.len();
                reconcile(&mut generation, self.operation.most);
                self.record = Some(Record::Answered);
                self.events.extend(generation.outcomes[came..].iter().cloned().map(Event::of));
                succeed(generation, checked.into_warnings())
            }
            // The error has the failures and the usage that arrived, and the cause.
            (Err(seen), End::Broken(error)) => self.lose(error.with_what_arrived(seen), Charge::Unknown),
            (Err(error), _) => {
                let floor = floor(&head, &error);
                self.lose(error, floor)
            }
        }
    }
}

fn read_on(streaming: Box<Streaming>) -> Next {
    let then = streaming.until.map_or(Then::Read, Then::ReadUntil);
    (State::Streaming(streaming), then)
}

/// Whether the stream may be truncated. A stream may end without a mark (Ark omits `completed` for one image, relays omit
/// `[DONE]`), but not with fewer images than requested and no reason.
fn cut_short(checked: &Checked, generation: &Generation, end: &End) -> Option<Warning> {
    match end {
        End::Broken(error) => Some(incomplete(error)),
        // An error event already states the reason.
        End::Silent if generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete) => None,
        End::Silent if generation.usage.is_empty() && generation.outcomes.len() < checked.ceiling() as usize => {
            let (came, asked) = (generation.outcomes.len(), checked.ceiling());
            let message = format!(
                "the stream ended without its end mark after {came} of up to {asked} images: it may be truncated"
            );
            Some(Warning::new(WarningKind::Incomplete, None, message))
        }
        End::Silent | End::Marked => None,
    }
}

/// How a stream ended.
enum End {
    /// With `[DONE]`.
    Marked,
    /// Without a mark.
    Silent,
    /// The connection broke.
    Broken(Error),
}
