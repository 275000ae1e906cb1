//! The part of an operation in which pictures arrive one by one.

use super::{Input, Operation, State, Then, cancelled, floor, incomplete};
use crate::{Charge, Error, Event, Reply, StreamDecoder, StreamItem};

impl Operation {
    pub(super) fn streaming(
        &mut self,
        input: Input,
        head: Reply,
        mut decoder: Box<dyn StreamDecoder>,
        events: &mut Vec<Event>,
    ) -> Then {
        match input {
            Input::Frame(frame, _) if frame.is_done() => self.stream_over(head, decoder, None),
            Input::Frame(frame, blobs) => {
                events.extend(decoder.event(&frame, &blobs).into_iter().map(|item| match item {
                    StreamItem::Image(image) => Event::Image(image),
                    StreamItem::Failed(failure) => Event::ImageFailed(failure),
                }));
                self.state = State::Streaming { head, decoder };
                Then::Read
            }
            Input::Broken { error, .. } => self.stream_over(head, decoder, Some(error)),
            Input::Cancelled => self.stream_over(head, decoder, Some(cancelled())),
            Input::StreamEnd => self.stream_over(head, decoder, None),
            _ => {
                self.state = State::Streaming { head, decoder };
                Then::Read
            }
        }
    }

    fn stream_over(&mut self, mut head: Reply, decoder: Box<dyn StreamDecoder>, broken: Option<Error>) -> Then {
        head.truncated = broken.is_some();
        match (decoder.finish(&head), broken) {
            (Ok(mut generation), broken) => {
                generation.warnings.extend(broken.as_ref().map(incomplete));
                self.succeed(generation)
            }
            (Err(_), Some(error)) => self.fail(error, Charge::Unknown),
            (Err(error), None) => {
                let floor = floor(&head, &error);
                self.fail(error, floor)
            }
        }
    }
}
