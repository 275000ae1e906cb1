//! The part of an operation in which pictures arrive one by one.

use super::{Input, Operation, State, Then, cancelled, floor, incomplete};
use crate::{Charge, Error, Event, Generation, Reply, StreamDecoder, StreamItem, Warning, WarningKind};

impl Operation {
    pub(super) fn streaming(
        &mut self,
        input: Input,
        head: Reply,
        mut decoder: Box<dyn StreamDecoder>,
        events: &mut Vec<Event>,
    ) -> Then {
        match input {
            Input::Frame(frame, _) if frame.is_done() => self.stream_over(head, decoder, End::Marked),
            Input::Frame(frame, blobs) => {
                events.extend(decoder.event(&frame, &blobs).into_iter().map(|item| match item {
                    StreamItem::Image(image) => Event::Image(image),
                    StreamItem::Failed(failure) => Event::ImageFailed(failure),
                }));
                self.state = State::Streaming { head, decoder };
                Then::Read
            }
            Input::Broken { error, .. } => self.stream_over(head, decoder, End::Broken(error)),
            Input::Cancelled => self.stream_over(head, decoder, End::Broken(cancelled())),
            Input::StreamEnd => self.stream_over(head, decoder, End::Silent),
            _ => {
                self.state = State::Streaming { head, decoder };
                Then::Read
            }
        }
    }

    fn stream_over(&mut self, mut head: Reply, decoder: Box<dyn StreamDecoder>, end: End) -> Then {
        head.truncated = matches!(end, End::Broken(_));
        match (decoder.finish(&head), end) {
            (Ok(mut generation), end) => {
                generation.warnings.extend(self.cut_short(&generation, &end));
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
