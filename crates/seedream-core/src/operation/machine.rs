//! The operation, its states with what each holds, and the turn in which one input is taken.

use std::{sync::Arc, time::Duration};

use super::{Input, Policy, Record, Step, Then, endpoints::Endpoints, policy::Jitter};
use crate::{
    Attempt, Charge, Checked, Dialect, Encoded, Error, ErrorKind, Event, Generation, Response, Result, StreamDecoder,
    Task, Warning,
};

/// The life of one paid request.
#[doc = include_str!("states.md")]
#[derive(Debug)]
pub struct Operation {
    pub(super) dialect: Arc<dyn Dialect>,
    /// Where it is sent, and where a task is asked for.
    pub(super) endpoints: Endpoints,
    pub(super) policy: Policy,
    pub(super) jitter: Jitter,
    pub(super) attempts: Vec<Attempt>,
    /// What earlier submits may have cost, where an ambiguous one was sent again.
    pub(super) owed: Charge,
    /// The most images that were asked for; `None` where only a task is known.
    pub(super) most: Option<u32>,
    pub(super) state: State,
}

impl Operation {
    /// An operation that submits a request and sees it through.
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

    /// An operation that collects a task and never submits.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider has no tasks; [`ErrorKind::Config`] where the task is another's.
    pub fn resume(dialect: Arc<dyn Dialect>, task: Task, policy: Policy, seed: u64) -> Result<Self> {
        let id = &dialect.descriptor().id;
        if task.provider != *id {
            let message = format!("task {} belongs to {}, not to {id}", task.id, task.provider);
            return Err(Error::new(ErrorKind::Config, message));
        }
        if dialect.tasks().is_none() {
            let message = format!("{id} answers at once: it has no tasks to resume");
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

    /// Adds the provider's other base URLs. A submit goes to the next one only when it provably was not sent, and at once: that
    /// is another attempt of [`Policy::max_submits`]. A poll that fails goes there too. A refusal of another place than the one
    /// that accepted a task says nothing of the task.
    #[must_use]
    pub fn with_mirrors(mut self, urls: impl IntoIterator<Item = String>) -> Self {
        self.endpoints.add(urls);
        self
    }

    /// When the job is given up, measured from its start.
    pub fn deadline(&self) -> Duration {
        self.policy.deadline
    }

    /// The attempts that have ended. Those of an operation that ended with an error are in the error.
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

    /// Takes what happened at `now`, measured from the start of the operation, and says what to do.
    pub fn on(&mut self, input: Input, now: Duration) -> Step {
        // What a panic of an adapter leaves behind is over, and not free.
        let state = std::mem::replace(&mut self.state, State::Over { charge: Charge::Unknown });
        let mut turn = Turn { operation: self, now, events: Vec::new(), record: None };
        let (state, then) = turn.take(state, input);
        let Turn { events, record, .. } = turn;
        self.state = state;
        Step { events, record, then }
    }
}

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

/// A request that is under way.
#[derive(Debug)]
pub(super) struct Submitting {
    pub(super) prepared: Box<Encoded>,
    /// Whether the caller wants no more: its response is waited for, and nothing is sent after it.
    pub(super) cancelled: bool,
}

/// A stream that is being read.
#[derive(Debug)]
pub(super) struct Streaming {
    pub(super) checked: Checked,
    pub(super) head: Response,
    pub(super) decoder: Box<dyn StreamDecoder>,
    /// When reading ends, once it is complete.
    pub(super) until: Option<Duration>,
    /// Whether the caller wants no more: it is read to its end all the same, since it is paid for.
    pub(super) cancelled: bool,
}

/// A task that is being collected.
#[derive(Debug)]
pub(super) struct Collecting {
    pub(super) task: Task,
    /// What the check found, before the request was sent.
    pub(super) warnings: Vec<Warning>,
    /// How many polls were made.
    pub(super) polls: u32,
    /// Whether it was accepted in this run: a provider may need a moment until it knows it everywhere.
    pub(super) fresh: bool,
    /// Why the last poll said nothing.
    pub(super) last: Option<String>,
    /// The images that a poll found before the task ended, or in a response that was cut off.
    pub(super) found: Option<Box<Generation>>,
    /// How often none of its ids was known.
    pub(super) missed: u8,
    /// How many responses in a row were cut off although they say that the task has ended.
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

    /// How many polls of a task that was just accepted may find nothing.
    pub(super) const GRACE: u32 = 3;

    /// How many cut responses of a task that has ended are worth asking again for.
    pub(super) const CUTS: u8 = 3;

    /// Keeps images that are there, unless more are known already.
    pub(super) fn keep(&mut self, found: Box<Generation>) {
        let known = self.found.as_ref().map_or(0, |known| known.images().count());
        if found.images().count() > known {
            self.found = Some(found);
        }
    }

    /// Takes another of the task's ids; whether there is one that was not taken in this round.
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

    /// Whether a failed poll would fail again: every refusal but "slow down", "took too long", and "not known" right at the start.
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
