//! The part of an operation in which pictures arrive one by one.

use std::time::Duration;

use super::{Input, Operation, State, Then, cancelled, count::reconcile, floor, incomplete};
use crate::{Charge, Error, Event, Generation, Reply, StreamDecoder, StreamItem, Warning, WarningKind};

/// How long a stream that is complete is read on for its end mark: some gateways keep it open for ever.
const LINGER: Duration = Duration::from_secs(3);

/// A stream that is being read.
#[derive(Debug)]
pub(super) struct Streaming {
    pub(super) head: Reply,
    pub(super) decoder: Box<dyn StreamDecoder>,
    /// When reading ends, once it is complete.
    pub(super) until: Option<Duration>,
}

impl Operation {
    pub(super) fn streaming(
        &mut self,
        mut streaming: Box<Streaming>,
        input: Input,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Then {
        match input {
            Input::Frame(frame, _) if frame.is_done() => self.stream_over(*streaming, End::Marked, events),
            Input::Frame(frame, blobs) => {
                events.extend(streaming.decoder.event(&frame, &blobs).into_iter().map(|item| match item {
                    StreamItem::Image(image) => Event::Image(image),
                    StreamItem::Failed(failure) => Event::ImageFailed(failure),
                }));
                if streaming.until.is_none() && streaming.decoder.is_complete() {
                    streaming.until = Some(now.saturating_add(LINGER));
                }
                self.read_on(streaming)
            }
            Input::Broken { error, .. } => self.stream_over(*streaming, End::Broken(error), events),
            Input::Cancelled => self.stream_over(*streaming, End::Broken(cancelled()), events),
            Input::StreamEnd => self.stream_over(*streaming, End::Silent, events),
            Input::Woke if streaming.until.is_some_and(|until| now >= until) => {
                self.stream_over(*streaming, End::Marked, events)
            }
            _ => self.read_on(streaming),
        }
    }

    fn read_on(&mut self, streaming: Box<Streaming>) -> Then {
        let then = streaming.until.map_or(Then::Read, Then::ReadUntil);
        self.state = State::Streaming(streaming);
        then
    }

    fn stream_over(&mut self, streaming: Streaming, end: End, events: &mut Vec<Event>) -> Then {
        let Streaming { mut head, decoder, .. } = streaming;
        head.truncated = matches!(end, End::Broken(_));
        match (decoder.finish(&head), end) {
            (Ok(mut generation), end) => {
                generation.warnings.extend(self.cut_short(&generation, &end));
                let came = generation.outcomes.len();
                reconcile(&mut generation);
                events.extend(generation.outcomes[came..].iter().cloned().map(Event::of));
                self.succeed(generation)
            }
            // Failures and usage that had arrived are told beside the reason why no more came.
            (Err(seen), End::Broken(error)) => self.fail(error.with_what_arrived(seen), Charge::Unknown),
            (Err(error), _) => {
                let floor = floor(&head, &error);
                self.fail(error, floor)
            }
        }
    }

    /// Whether more may have been on its way. A stream may end without a mark (Ark leaves `completed` out for one picture, relays
    /// leave `[DONE]` out), but not with fewer pictures than were asked for and nothing said about it.
    fn cut_short(&self, generation: &Generation, end: &End) -> Option<Warning> {
        let asked = self.checked.as_ref().map_or(0, |checked| checked.ceiling() as usize);
        match end {
            End::Broken(error) => Some(incomplete(error)),
            // An error among the events has said why already.
            End::Silent if generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete) => None,
            End::Silent if generation.usage.is_empty() && generation.outcomes.len() < asked => {
                let came = generation.outcomes.len();
                let message = format!(
                    "the stream ended without its mark after {came} of up to {asked} pictures: it may have been cut off"
                );
                Some(Warning::new(WarningKind::Incomplete, None, message))
            }
            End::Silent | End::Marked => None,
        }
    }
}

/// How a stream ended.
enum End {
    /// With `[DONE]`.
    Marked,
    /// Without a word.
    Silent,
    /// Before its end.
    Broken(Error),
}
