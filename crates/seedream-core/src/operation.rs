//! The machine that owns the money: the life of one paid request, without any I/O.
//!
//! A driver sends what [`Then::Send`] holds, waits as long as [`Then::WaitUntil`] says, and reports what happened as an [`Input`].
//! The operation decides what that means. A paid request is sent again only when it provably did no work: the connection was
//! never made, or the provider refused with a code that passes by itself.

mod count;
mod place;
mod policy;
mod stream;
mod task;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    Acceptance, Attempt, Blobs, Charge, Checked, Dialect, Error, ErrorKind, Event, Generation, Outcome, Reply, Result,
    Task, Warning, WarningKind, charge_of, sse::Frame,
};

use count::reconcile;
use place::Places;
use policy::Jitter;
pub use policy::{Backoff, Pace, Policy};
use stream::Streaming;
use task::Polling;

/// The life of one paid request.
#[derive(Debug)]
pub struct Operation {
    dialect: Arc<dyn Dialect>,
    /// What is to be sent; `None` where a task is only collected, and once one was accepted: its pictures may be large.
    checked: Option<Box<Checked>>,
    /// What the check found, once the request is gone.
    warnings: Vec<Warning>,
    /// Where it is sent, and where a task is asked for.
    places: Places,
    policy: Policy,
    jitter: Jitter,
    attempts: Vec<Attempt>,
    /// What earlier submits may have cost, where an ambiguous one was sent again.
    owed: Charge,
    state: State,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "an operation has one state, and nearly all of its life it is that of a task"
)]
enum State {
    Ready,
    Submitting,
    BackingOff { until: Duration },
    Streaming(Box<Streaming>),
    Task(Polling),
    Over,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The driver is ready. The first input, once.
    Begin,
    /// The request could not be sent: no byte of its body left this machine.
    NotSent(Error),
    /// An answer arrived whole.
    Reply(Reply),
    /// A successful answer has begun that is a stream of events; its head, without a body.
    Head(Reply),
    /// An event of that stream, with the pictures that were lifted out of it.
    Frame(Frame, Blobs),
    /// That stream has ended.
    StreamEnd,
    /// The exchange broke after the body had begun to leave: what had arrived of the answer, and why.
    Broken {
        /// What had arrived, if at least a head had.
        partial: Option<Reply>,
        /// Why.
        error: Error,
    },
    /// The time that was waited for has come.
    Woke,
    /// The caller wants no more.
    Cancelled,
}

/// What to do.
#[derive(Debug)]
pub struct Step {
    /// What to tell the caller first.
    pub events: Vec<Event>,
    /// What to do then.
    pub then: Then,
}

/// The next thing to do.
#[derive(Debug)]
pub enum Then {
    /// Send this and report what comes of it. In a box, since thousands of tasks may wait and none of them is being sent.
    Send(Box<Exchange>),
    /// Go on reading the stream.
    Read,
    /// Go on reading the stream until this moment, and report [`Input::Woke`] then: nothing more is expected.
    ReadUntil(Duration),
    /// Wait until this moment and report [`Input::Woke`].
    WaitUntil(Duration),
    /// It is over.
    Done(Box<Result<Generation>>),
}

/// A request to send.
#[derive(Debug)]
pub struct Exchange {
    /// Method, path below the base URL, headers and body, without the key.
    pub request: http::Request<Bytes>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where to send it: 0 is the endpoint, the mirrors follow in their order ([`Operation::with_mirrors`]).
    pub place: usize,
    /// When to give up and report [`Input::Broken`] with [`ErrorKind::Timeout`].
    pub until: Duration,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// It buys.
    Submit,
    /// It asks for a task and costs nothing.
    Poll,
}

impl Operation {
    /// An operation that submits a request and sees it through.
    pub fn submit(
        dialect: Arc<dyn Dialect>,
        checked: Checked,
        endpoint: impl Into<String>,
        policy: Policy,
        seed: u64,
    ) -> Self {
        Self {
            dialect,
            checked: Some(Box::new(checked)),
            warnings: Vec::new(),
            places: Places::one(endpoint.into()),
            policy,
            jitter: Jitter(seed),
            attempts: Vec::new(),
            owed: Charge::No,
            state: State::Ready,
        }
    }

    /// An operation that collects a task and never submits.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider has no tasks; [`ErrorKind::Config`] where the task is another's.
    pub fn resume(dialect: Arc<dyn Dialect>, task: Task, policy: Policy, seed: u64) -> Result<Self> {
        let id = dialect.descriptor().id;
        if task.provider != id {
            let message = format!("task {} belongs to {}, not to {id}", task.id, task.provider);
            return Err(Error::new(ErrorKind::Config, message));
        }
        if dialect.tasks().is_none() {
            let message = format!("{id} answers at once: it has no tasks to resume");
            return Err(Error::new(ErrorKind::Unsupported, message).with_provider(id));
        }
        let places = Places::one(task.endpoint.clone());
        let state = State::Task(Polling::resumed(task));
        Ok(Self {
            dialect,
            checked: None,
            warnings: Vec::new(),
            places,
            policy,
            jitter: Jitter(seed),
            attempts: Vec::new(),
            owed: Charge::No,
            state,
        })
    }

    /// Takes what happened at `now`, measured from the start of the operation, and says what to do.
    pub fn on(&mut self, input: Input, now: Duration) -> Step {
        let mut events = Vec::new();
        let then = match std::mem::replace(&mut self.state, State::Over) {
            State::Ready => self.ready(&input, now),
            State::Submitting => self.submitted(input, now, &mut events),
            State::BackingOff { until } => self.backing_off(&input, until, now),
            State::Streaming(streaming) => self.streaming(streaming, input, now, &mut events),
            State::Task(polling) => self.polling(polling, input, now, &mut events),
            State::Over => self.fail(Error::new(ErrorKind::Config, "the operation is already over"), Charge::Unknown),
        };
        Step { events, then }
    }

    fn ready(&mut self, input: &Input, now: Duration) -> Then {
        match input {
            Input::Cancelled => self.fail(cancelled(), Charge::No),
            _ => self.send(now),
        }
    }

    fn backing_off(&mut self, input: &Input, until: Duration, now: Duration) -> Then {
        match input {
            // Whatever was sent before was refused, so nothing is owed.
            Input::Cancelled => self.fail(cancelled(), Charge::No),
            _ if now < until => {
                self.state = State::BackingOff { until };
                Then::WaitUntil(until)
            }
            _ => self.send(now),
        }
    }

    fn send(&mut self, now: Duration) -> Then {
        let Some(checked) = &self.checked else {
            return self.fail(Error::new(ErrorKind::Config, "there is nothing to submit"), Charge::No);
        };
        if now >= self.policy.deadline {
            return self.fail(self.out_of_time(None), Charge::No);
        }
        match self.dialect.encode(checked) {
            Ok(request) => {
                self.state = State::Submitting;
                let (purpose, place, until) = (Purpose::Submit, self.places.at, self.policy.deadline);
                Then::Send(Box::new(Exchange { request, purpose, place, until }))
            }
            Err(error) => self.fail(error, Charge::No),
        }
    }

    fn submitted(&mut self, input: Input, now: Duration, events: &mut Vec<Event>) -> Then {
        match input {
            Input::NotSent(error) => self.not_sent(error, now, events),
            Input::Reply(reply) => {
                self.note(now, format!("HTTP {}", reply.status.as_u16()));
                self.answered(reply, now, events)
            }
            Input::Head(head) => {
                let decoder = self.checked.as_ref().and_then(|c| self.dialect.streaming().map(|s| s.decoder(c)));
                let Some(decoder) = decoder else {
                    let error =
                        Error::new(ErrorKind::MalformedResponse, "the answer is a stream, which nobody asked for");
                    return self.fail(error, Charge::Unknown);
                };
                self.note(now, format!("HTTP {}, a stream", head.status.as_u16()));
                self.state = State::Streaming(Box::new(Streaming { head, decoder, until: None }));
                Then::Read
            }
            Input::Broken { partial, error } => {
                self.note(now, format!("broken: {}", error.message()));
                match partial {
                    Some(partial) => {
                        let raw = partial.body.clone();
                        self.cut_off(partial.mended(), raw, error, now, events)
                    }
                    None if self.policy.resend_ambiguous => {
                        self.retry_or_fail(error, Charge::Unknown, None, now, events)
                    }
                    None => self.fail(error, Charge::Unknown),
                }
            }
            Input::Cancelled => self.fail(cancelled(), Charge::Unknown),
            Input::Begin | Input::Woke | Input::Frame(..) | Input::StreamEnd => {
                self.state = State::Submitting;
                Then::Read
            }
        }
    }

    /// A response that ended in good order.
    fn answered(&mut self, reply: Reply, now: Duration, events: &mut Vec<Event>) -> Then {
        let raw = reply.body.clone();
        let reply = reply.mended();
        // A body without a length ends where its connection ends, and a gateway that lost its upstream ends its own response in
        // good order: only the JSON shows that more was meant to come.
        if reply.truncated && reply.status.is_success() {
            return self.cut_off(reply, raw, Error::new(ErrorKind::Transport, CUT), now, events);
        }
        match self.decode(&reply) {
            Ok(Outcome::Done(mut generation)) => {
                generation.raw = raw;
                self.done(generation, events)
            }
            Ok(Outcome::Accepted(acceptance)) => self.taken(acceptance, &reply, raw, now, events),
            Err(error) => {
                let floor = floor(&reply, &error);
                let error = if reply.is_whole() { error } else { error.with_body(raw) };
                self.retry_or_fail(error, floor, Some(&reply), now, events)
            }
        }
    }

    /// A response that was cut off, its JSON closed: whatever it holds is kept, and nothing is sent again.
    fn cut_off(
        &mut self,
        mut partial: Reply,
        raw: Bytes,
        error: Error,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Then {
        partial.truncated = true;
        match self.decode(&partial) {
            Ok(Outcome::Done(mut generation)) => {
                generation.raw = raw;
                generation.warnings.push(incomplete(&error));
                self.done(generation, events)
            }
            Ok(Outcome::Accepted(acceptance)) => self.taken(acceptance, &partial, raw, now, events),
            // The head alone says that it was refused.
            Err(refused) if !partial.status.is_success() => {
                let floor = floor(&partial, &refused);
                self.retry_or_fail(refused, floor, Some(&partial), now, events)
            }
            Err(seen) => self.fail(error.with_what_arrived(seen).with_body(raw), Charge::Unknown),
        }
    }

    /// A job that was accepted: it is collected, or where the provider is not known to have tasks, told as an error that holds it.
    fn taken(
        &mut self,
        acceptance: Acceptance,
        reply: &Reply,
        raw: Bytes,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Then {
        let task = self.new_task(acceptance, reply);
        if self.dialect.tasks().is_some() {
            return self.accepted(Polling::accepted(task), now, events);
        }
        let ids =
            std::iter::once(&task.id).chain(&task.other_ids).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!(
            "the response accepts task {ids} instead of holding images; the provider's document describes no tasks, so the task cannot be collected here"
        );
        let error = Error::from_reply(ErrorKind::UnexpectedTask, message, reply).with_body(raw).with_task(task);
        self.fail(error, Charge::Unknown)
    }

    fn decode(&self, reply: &Reply) -> Result<Outcome> {
        match &self.checked {
            Some(checked) => self.dialect.decode(checked, reply),
            None => Err(Error::new(ErrorKind::Config, "there was nothing to submit")),
        }
    }

    fn new_task(&self, acceptance: Acceptance, reply: &Reply) -> Task {
        let model = self.checked.as_ref().map_or_else(|| "".into(), |checked| checked.model().clone());
        let mut task = Task::new(self.dialect.descriptor().id, self.places.url(), acceptance.id, model);
        task.other_ids = acceptance.other_ids;
        task.submitted_at = acceptance.created.or(Some(reply.received_at));
        (task.estimated_seconds, task.can_cancel) = (acceptance.estimated_seconds, acceptance.can_cancel);
        task.usage = acceptance.usage;
        task
    }

    /// Sends again where that is safe, allowed and in time.
    fn retry_or_fail(
        &mut self,
        error: Error,
        floor: Charge,
        reply: Option<&Reply>,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Then {
        let charge = error.charge().max(floor);
        // Without an answer only the way there can have failed, and a wrong setting does not pass.
        let slow_down =
            |reply: &Reply| matches!(reply.status.as_u16(), 429 | 503) && reply.should_retry() != Some(false);
        let passes = (reply.is_none() && error.kind() != ErrorKind::Config)
            || (error.kind().passes() && reply.is_some_and(slow_down));
        let safe = charge == Charge::No || (self.policy.resend_ambiguous && reply.is_none());
        let attempt = self.next_attempt();
        if reply.is_some() {
            self.places.reached();
        }
        if !passes || !safe || attempt > self.policy.max_submits {
            return self.fail(error, floor);
        }
        let asked = error.retry_after().unwrap_or_default();
        let wait = self.policy.backoff.wait(attempt, self.jitter.next()).max(asked);
        let until = now.saturating_add(wait);
        if until >= self.policy.deadline {
            return self.fail(error.with_advice(NO_TIME_TO_WAIT), floor);
        }
        self.owed = self.owed.max(charge);
        events.push(Event::Retrying { attempt, wait, kind: error.kind() });
        self.state = State::BackingOff { until };
        Then::WaitUntil(until)
    }

    /// Pictures that arrived at once.
    fn done(&mut self, mut generation: Generation, events: &mut Vec<Event>) -> Then {
        reconcile(&mut generation);
        events.extend(generation.outcomes.iter().cloned().map(Event::of));
        self.succeed(generation)
    }

    fn succeed(&mut self, mut generation: Generation) -> Then {
        let warnings = self.checked.as_ref().map_or(self.warnings.as_slice(), |checked| checked.warnings());
        generation.warnings.splice(0..0, warnings.iter().cloned());
        Then::Done(Box::new(Ok(generation)))
    }

    /// Ends with an error whose charge is at least `floor`.
    fn fail(&mut self, error: Error, floor: Charge) -> Then {
        let charge = error.charge().max(floor).max(self.owed);
        let error = error
            .with_charge(charge)
            .with_provider(self.dialect.descriptor().id)
            .with_attempts(std::mem::take(&mut self.attempts));
        Then::Done(Box::new(Err(error)))
    }

    fn out_of_time(&self, last_poll: Option<&str>) -> Error {
        let mut message = format!("the deadline of {} s has passed", self.policy.deadline.as_secs_f64());
        if let Some(said) = last_poll {
            message.push_str(", and the last poll said: ");
            message.push_str(said);
        }
        Error::new(ErrorKind::Timeout, message)
    }
}

/// What to do where a refusal passes by itself, but not soon enough.
const NO_TIME_TO_WAIT: &str =
    "waiting for it to pass would take longer than the deadline: try later, or with a longer one";

/// What is said of a response that ended in good order and too early.
const CUT: &str = "the response ended in the middle";

/// The least that an answer's own status lets an error's charge be: an adapter can only be more cautious.
fn floor(reply: &Reply, error: &Error) -> Charge {
    let told_free = error.generation().is_some_and(|generation| generation.charge() == Charge::No) && reply.is_whole();
    if reply.status.is_success() && told_free { Charge::No } else { charge_of(reply.status, error.kind()) }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled by the caller")
}

fn incomplete(error: &Error) -> Warning {
    let message = format!("the answer was cut off ({}): what had arrived was kept", error.message());
    Warning::new(WarningKind::Incomplete, None, message)
}

#[cfg(test)]
mod tests;
