//! Submits: the request is sent, and sent again only if it provably did no work.

use std::time::Duration;

use super::{
    Exchange, Input, Purpose, Record, Then,
    end::{cancelled, refused},
    input::because,
    machine::{Next, State, Submitting, Turn},
};
use crate::{Attempt, Charge, Encoded, Error, ErrorKind, Event, Response};

/// Advice if a temporary refusal lasts longer than the deadline.
const NO_TIME_TO_WAIT: &str =
    "the necessary wait is longer than the deadline: try again later, or set a longer deadline";

impl Turn<'_> {
    pub(super) fn ready(&mut self, prepared: Box<Encoded>, input: Input) -> Next {
        match input {
            Input::Begin => self.send(prepared),
            Input::Cancelled => self.fail(cancelled(), Charge::No),
            other => self.fail(other.unexpected("Ready"), Charge::No),
        }
    }

    pub(super) fn backing_off(&mut self, prepared: Box<Encoded>, until: Duration, input: Input) -> Next {
        match input {
            Input::Woke if self.now < until => (State::BackingOff { prepared, until }, Then::WaitUntil(until)),
            Input::Woke => self.send(prepared),
            Input::Cancelled => self.fail(cancelled(), Charge::No),
            other => self.fail(other.unexpected("BackingOff"), Charge::No),
        }
    }

    /// Sends the request, which may be billed.
    fn send(&mut self, prepared: Box<Encoded>) -> Next {
        let until = self.operation.policy.deadline;
        if self.now >= until {
            let error = self.out_of_time(None);
            return self.fail(error, Charge::No);
        }
        let (encoded, id) = (prepared.provider(), &self.operation.dialect.descriptor().id);
        if encoded != id {
            let message = format!("this request was encoded for {encoded}, not for {id}");
            return self.fail(Error::new(ErrorKind::Config, message), Charge::No);
        }
        let (purpose, place) = (Purpose::Submit, self.operation.endpoints.at);
        let exchange = Exchange { request: prepared.request().clone(), purpose, place, until };
        (State::Submitting(Submitting { prepared, cancelled: false }), Then::Send(Box::new(exchange)))
    }

    pub(super) fn submitting(&mut self, sent: Submitting, input: Input) -> Next {
        match input {
            Input::NotSent(error) => self.not_sent(sent, error),
            // A mirror would be another attempt, which the store would refuse too.
            Input::Vetoed(error) => {
                self.record = Some(Record::NotSent);
                self.fail(error, Charge::No)
            }
            Input::Response(response) => {
                self.note(format!("HTTP {}", response.status.as_u16()));
                self.on_response(sent, response)
            }
            Input::Head(head) => self.begun(sent, head),
            Input::Broken { partial, error } => {
                self.note(format!("broken: {}", error.message()));
                match partial {
                    Some(partial) => {
                        let raw = partial.body.clone();
                        self.cut_off(sent, partial.mended(), raw, error)
                    }
                    None => self.retry_or_fail(sent, error, Charge::Unknown, None),
                }
            }
            Input::Cancelled if sent.cancelled => self.lose(cancelled(), Charge::Unknown),
            Input::Cancelled => (State::Submitting(Submitting { cancelled: true, ..sent }), Then::Continue),
            other @ (Input::Begin | Input::Woke | Input::Frame(..) | Input::StreamEnd) => {
                self.lose(other.unexpected("Submitting"), Charge::Unknown)
            }
        }
    }

    /// A submit that provably was not sent: the next mirror is tried at once; after all mirrors, the first one after a wait.
    fn not_sent(&mut self, sent: Submitting, error: Error) -> Next {
        self.note(format!("not sent: {}", error.message()));
        self.record = Some(Record::NotSent);
        let (another, attempt) = (self.operation.endpoints.next(), self.next_attempt());
        let policy = &self.operation.policy;
        let hopeless = error.kind() == ErrorKind::Config || attempt > policy.max_submits;
        if another && !hopeless && !sent.cancelled && self.now < policy.deadline {
            self.events.push(Event::Retrying { attempt, wait: Duration::ZERO, kind: error.kind() });
            return self.send(sent.prepared);
        }
        self.retry_or_fail(sent, error, Charge::No, None)
    }

    /// Sends again if that is safe, allowed and before the deadline.
    pub(super) fn retry_or_fail(
        &mut self,
        sent: Submitting,
        error: Error,
        floor: Charge,
        response: Option<&Response>,
    ) -> Next {
        let charge = error.charge().max(floor);
        self.record.get_or_insert_with(|| refused(&error, floor));
        // Without a response only the connection failed; an invalid setting is not temporary.
        let slow_down = |response: &Response| {
            matches!(response.status.as_u16(), 429 | 503) && response.should_retry() != Some(false)
        };
        let passes = (response.is_none() && error.kind() != ErrorKind::Config)
            || (error.kind().passes() && response.is_some_and(slow_down));
        let attempt = self.next_attempt();
        let operation = &mut *self.operation;
        let safe = charge == Charge::No || (operation.policy.resend_ambiguous && response.is_none());
        if response.is_some() {
            operation.endpoints.reached();
        }
        if !passes || !safe || attempt > operation.policy.max_submits {
            return self.fail(error, floor);
        }
        if sent.cancelled {
            let stopped = because(cancelled().adding(", so it was not sent again"), &error);
            return self.fail(stopped, charge);
        }
        let asked = error.retry_after().unwrap_or_default();
        let wait = operation.policy.backoff.wait(attempt, operation.jitter.next()).max(asked);
        let until = self.now.saturating_add(wait);
        if until >= operation.policy.deadline {
            return self.fail(error.with_advice(NO_TIME_TO_WAIT), floor);
        }
        operation.owed = operation.owed.max(charge);
        self.events.push(Event::Retrying { attempt, wait, kind: error.kind() });
        (State::BackingOff { prepared: sent.prepared, until }, Then::WaitUntil(until))
    }

    /// The number of the next attempt, from 1.
    fn next_attempt(&self) -> u32 {
        u32::try_from(self.operation.attempts.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Records how an attempt ended.
    pub(super) fn note(&mut self, outcome: String) {
        let attempt = Attempt::new(self.next_attempt(), self.now, self.operation.endpoints.url(), outcome);
        self.operation.attempts.push(attempt);
    }
}
