//! The operation, its states with their data, and the handling of one input.

use std::{sync::Arc, time::Duration};

use super::{Input, Policy, Record, Step, Then, endpoints::Endpoints, policy::Jitter};
use crate::{
    Attempt, Charge, Checked, Dialect, Encoded, Error, ErrorKind, Event, Generation, Response, Result, StreamDecoder,
    Task, Warning,
};

/// Sans-I/O state machine for one billable request: when to send, retry and poll, and whether a failed request may have been billed.
#[doc = include_str!("states.md")]
#[derive(Debug)]
pub struct Operation {
    pub(super) dialect: Arc<dyn Dialect>,
    /// Where submits and polls are sent.
    pub(super) endpoints: Endpoints,
    pub(super) policy: Policy,
    pub(super) jitter: Jitter,
    pub(super) attempts: Vec<Attempt>,
    /// The charge of earlier submits, if one with an unknown outcome was sent again.
    pub(super) owed: Charge,
    /// The most images that were requested; `None` if only a task is known.
    pub(super) most: Option<u32>,
    pub(super) state: State,
}

impl Operation {
    /// Creates an operation that submits a request and follows it to its end.
    pub fn submit(
        dialect: Arc<dyn Dialect>,
        prepared: Encoded,
        endpoint: impl Into<String>,
        policy: Policy,
        seed: u64,
    ) -> Self {
        let most = Some(prepared.checked().ceiling());
        let state = State::Ready { prepared: Box::new(prepared) };
        Self { most, ..Self::new(dialect, endpoint.into(), policy, seed, state) }
    }

    /// Creates an operation that collects a task. It never submits.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the provider has no tasks; [`ErrorKind::Config`] if the task belongs to another provider.
    pub fn resume(dialect: Arc<dyn Dialect>, task: Task, policy: Policy, seed: u64) -> Result<Self> {
        let id = &dialect.descriptor().id;
        if task.provider != *id {
            let message =
                format!("task {} belongs to provider {}, not to {id}: resume it there", task.id, task.provider);
            return Err(Error::new(ErrorKind::Config, message));
        }
        if dialect.tasks().is_none() {
            let message = "this provider has no tasks: it returns images directly; resume a record instead";
            return Err(Error::new(ErrorKind::Unsupported, message).with_provider(id));
        }
        let endpoint = task.endpoint.clone();
        Ok(Self::new(dialect, endpoint, policy, seed, State::Resumed(Collecting::resumed(task))))
    }

    fn new(dialect: Arc<dyn Dialect>, endpoint: String, policy: Policy, seed: u64, state: State) -> Self {
        Self {
            dialect,
            endpoints: Endpoints::one(endpoint),
            policy,
            jitter: Jitter(seed),
            attempts: Vec::new(),
            owed: Charge::No,
            most: None,
            state,
        }
    }

    /// Adds the provider's mirrors. A submit switches to the next one only if it provably was not sent, and immediately; that is
    /// another attempt of [`Policy::max_submits`]. A failed poll switches too. A refusal by an endpoint other than the one that
    /// accepted the task is not the task's status.
    #[must_use]
    pub fn with_mirrors(mut self, urls: impl IntoIterator<Item = String>) -> Self {
        self.endpoints.add(urls);
        self
    }

    /// The deadline of the whole operation, since its start.
    pub fn deadline(&self) -> Duration {
        self.policy.deadline
    }

    /// The finished attempts. After an error, [`Error::attempts`] has them.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The task that is being collected.
    pub fn task(&self) -> Option<&Task> {
        match &self.state {
            State::Resumed(collecting) | State::Waiting { collecting, .. } | State::Polling(collecting) => {
                Some(&collecting.task)
            }
            _ => None,
        }
    }

    /// Handles an input that occurred at `now`, since the start of the operation, and returns the next step.
    pub fn on(&mut self, input: Input, now: Duration) -> Step {
        // After a panic of an adapter the operation is over, and its charge is not `no`.
        let state = std::mem::replace(&mut self.state, State::Over { charge: Charge::Unknown });
        let mut turn = Turn { operation: self, now, events: Vec::new(), record: None };
        let (state, then) = turn.take(state, input);
        let Turn { events, record, .. } = turn;
        self.state = state;
        Step { events, record, then }
    }
}

/// The state of an operation.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing has been sent.
    Ready { prepared: Box<Encoded> },
    /// The request is in progress.
    Submitting(Submitting),
    /// The request provably did no work and is sent again at a known moment.
    BackingOff { prepared: Box<Encoded>, until: Duration },
    /// An event stream is being read.
    Streaming(Box<Streaming>),
    /// A task of an earlier run, not yet polled.
    Resumed(Collecting),
    /// A task is polled at a known moment.
    Waiting { collecting: Collecting, due: Duration },
    /// A poll is in progress.
    Polling(Collecting),
    /// The operation has ended, with this charge.
    Over { charge: Charge },
}

/// The next state, and what to do in it.
pub(super) type Next = (State, Then);

/// The handling of one input: its time, the events for the caller, and the record to keep.
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

/// A request in progress.
#[derive(Debug)]
pub(super) struct Submitting {
    pub(super) prepared: Box<Encoded>,
    /// Whether the caller cancelled: the response is awaited, and nothing is sent after it.
    pub(super) cancelled: bool,
}

/// A stream in progress.
#[derive(Debug)]
pub(super) struct Streaming {
    pub(super) checked: Checked,
    pub(super) head: Response,
    pub(super) decoder: Box<dyn StreamDecoder>,
    /// When reading ends, once the stream is complete.
    pub(super) until: Option<Duration>,
    /// Whether the caller cancelled: the stream is read to its end, since it is billed.
    pub(super) cancelled: bool,
}

/// A task in progress.
#[derive(Debug)]
pub(super) struct Collecting {
    pub(super) task: Task,
    /// The warnings of the check.
    pub(super) warnings: Vec<Warning>,
    /// The number of polls so far.
    pub(super) polls: u32,
    /// Whether this run submitted it: a new task may not be visible at once.
    pub(super) fresh: bool,
    /// Why the last poll had no result.
    pub(super) last: Option<String>,
    /// The images of a poll before the task ended, or of a truncated response.
    pub(super) found: Option<Box<Generation>>,
    /// How many rounds found none of its ids.
    pub(super) missed: u8,
    /// How many responses in a row were truncated although they report an ended task.
    pub(super) cut: u8,
}

impl Collecting {
    pub(super) fn accepted(task: Task, warnings: Vec<Warning>) -> Self {
        Self { task, warnings, polls: 0, fresh: true, last: None, found: None, missed: 0, cut: 0 }
    }

    /// A task of an earlier run.
    pub(super) fn resumed(task: Task) -> Self {
        Self { fresh: false, ..Self::accepted(task, Vec::new()) }
    }

    /// How many polls of a new task may return "not found".
    pub(super) const GRACE: u32 = 3;

    /// How many truncated responses of an ended task lead to another poll.
    pub(super) const CUTS: u8 = 3;

    /// Keeps the images found, unless more are already known.
    pub(super) fn keep(&mut self, found: Box<Generation>) {
        let known = self.found.as_ref().map_or(0, |known| known.images().count());
        if found.images().count() > known {
            self.found = Some(found);
        }
    }

    /// Switches to another id of the task; returns whether it was not yet tried in this round.
    pub(super) fn next_id(&mut self) -> bool {
        let ids = self.task.other_ids.len();
        if ids == 0 {
            return false;
        }
        let next = self.task.other_ids.remove(0);
        self.task.other_ids.push(std::mem::replace(&mut self.task.id, next));
        self.missed = self.missed.wrapping_add(1);
        usize::from(self.missed) % (ids + 1) != 0
    }

    /// Whether a failed poll would fail again: every refusal except a rate limit, a timeout, and "not found" for a new task.
    pub(super) fn is_final(&self, response: &Response) -> bool {
        let status = response.status.as_u16();
        let ids = u32::try_from(self.task.other_ids.len()).unwrap_or(u32::MAX).saturating_add(1);
        let not_yet = status == 404 && self.fresh && self.polls <= Self::GRACE.saturating_mul(ids);
        (300..500).contains(&status) && !matches!(status, 408 | 425 | 429 | 499) && !not_yet
    }

    pub(super) fn estimated(&self) -> Option<Duration> {
        self.task.estimated_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}
