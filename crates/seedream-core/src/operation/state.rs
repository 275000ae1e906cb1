//! The states of an operation, each with what it holds, and the turn in which one input is taken.

use std::time::Duration;

use super::{Input, Operation, Record, Then, stream::Streaming, submit::Submitting, task::Collecting};
use crate::{Charge, Encoded, Event};

/// Where an operation is.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing was sent yet.
    Ready { prepared: Box<Encoded> },
    /// The request is under way.
    Submitting(Submitting),
    /// The request provably did no work, and is sent again at a moment.
    BackingOff { prepared: Box<Encoded>, until: Duration },
    /// A stream of events is being read.
    Streaming(Box<Streaming>),
    /// A task of an earlier run, which was not asked for yet.
    Resumed(Collecting),
    /// A task is asked for at a moment.
    Waiting { collecting: Collecting, due: Duration },
    /// A poll is under way.
    Polling(Collecting),
    /// It has ended, and this is what it cost.
    Over { charge: Charge },
}

/// The state that follows, and what is to be done in it.
pub(super) type Next = (State, Then);

/// One input that is being taken: when it came, what the caller is told, and what is to be kept.
pub(super) struct Turn<'a> {
    pub(super) operation: &'a mut Operation,
    pub(super) now: Duration,
    pub(super) events: Vec<Event>,
    pub(super) record: Option<Record>,
}

impl Turn<'_> {
    pub(super) fn take(&mut self, state: State, input: Input) -> Next {
        match state {
            State::Ready { prepared } => self.ready(prepared, input),
            State::Submitting(sent) => self.submitting(sent, input),
            State::BackingOff { prepared, until } => self.backing_off(prepared, until, input),
            State::Streaming(streaming) => self.streaming(streaming, input),
            State::Resumed(collecting) => self.resumed(collecting, input),
            State::Waiting { collecting, due } => self.waiting(collecting, due, input),
            State::Polling(collecting) => self.polling(collecting, input),
            State::Over { charge } => self.fail(input.unexpected("Over"), charge),
        }
    }
}
