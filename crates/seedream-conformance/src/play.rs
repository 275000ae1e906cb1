//! Plays a paid request against a wire that is made up, on a clock of its own.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use seedream_core::{
    Checked, Encoded, Error, Event, Exchange, Generation, Input, Operation, Purpose, Step, Task, Then,
};

use crate::{Failure, Subject};

/// Where everything is sent.
pub(crate) const ENDPOINT: &str = "https://api.example";

/// How long an exchange takes.
const LATENCY: Duration = Duration::from_millis(100);

/// More steps than any run needs.
const STEPS: usize = 20_000;

/// What came of it, seen from the wire.
pub(crate) struct Played {
    /// When each submit was sent, and its body.
    pub(crate) submits: Vec<(Duration, Bytes)>,
    /// When each poll was sent, and its path.
    pub(crate) polls: Vec<(Duration, String)>,
    /// What the caller was told.
    pub(crate) events: Vec<Event>,
    /// How it ended.
    pub(crate) result: Result<Generation, Error>,
    /// When.
    pub(crate) ended: Duration,
}

impl Played {
    /// The task that the caller was told of.
    pub(crate) fn task(&self) -> Option<&Task> {
        self.events.iter().find_map(|event| match event {
            Event::Submitted(task) => Some(task),
            _ => None,
        })
    }
}

/// A request that is being played.
pub(crate) struct Play {
    operation: Operation,
    hear: fn(Input) -> Input,
    say: fn(Step) -> Step,
    cancel_at: Option<Duration>,
}

impl Play {
    /// A request that is to be bought.
    ///
    /// # Errors
    /// Where it cannot be encoded.
    pub(crate) fn submit(subject: &Subject, checked: Checked, seed: u64) -> Result<Self, Failure> {
        let policy = subject.driver().policy.clone();
        let prepared = Encoded::new(&**subject.dialect(), checked).map_err(|error| Failure::new(error.to_string()))?;
        let operation = Operation::submit(subject.dialect().clone(), prepared, ENDPOINT, policy, seed);
        // Whatever there is to fall back to, nothing is bought twice.
        let mirrors = (seed % 2 == 1).then(|| "https://mirror.example".to_owned());
        Ok(Self::of(subject, operation.with_mirrors(mirrors)))
    }

    /// A task that is to be collected.
    ///
    /// # Errors
    /// Where it cannot be one of this provider's.
    pub(crate) fn resume(subject: &Subject, task: Task, seed: u64) -> Result<Self, Error> {
        let policy = subject.driver().policy.clone();
        let task = (subject.driver().resume)(task, subject.id());
        Operation::resume(subject.dialect().clone(), task, policy, seed).map(|operation| Self::of(subject, operation))
    }

    fn of(subject: &Subject, operation: Operation) -> Self {
        let driver = subject.driver();
        Self { operation, hear: driver.hear, say: driver.say, cancel_at: None }
    }

    /// The caller loses patience at a moment: in a wait, or while a response is on its way.
    pub(crate) fn cancelled_at(mut self, at: Duration) -> Self {
        self.cancel_at = Some(at);
        self
    }

    /// Plays it; `wire` says what comes of each exchange.
    ///
    /// # Errors
    /// Where it does not end, or reads on where nothing comes.
    pub(crate) fn against(
        mut self,
        mut wire: impl FnMut(&Exchange, Duration) -> Vec<Input>,
    ) -> Result<Played, Failure> {
        let (mut submits, mut polls, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let (mut coming, mut now) = (VecDeque::from([Input::Begin]), Duration::ZERO);
        for _ in 0..STEPS {
            let Some(input) = coming.pop_front() else {
                return Err(Failure::new("it reads on although nothing comes any more"));
            };
            let step = (self.say)(self.operation.on((self.hear)(input), now));
            events.extend(step.events);
            match step.then {
                Then::Send(exchange) => {
                    match exchange.purpose {
                        Purpose::Submit => submits.push((now, exchange.request.body().clone())),
                        Purpose::Poll => polls.push((now, exchange.request.uri().to_string())),
                    }
                    coming = wire(&exchange, now).into();
                    now += LATENCY;
                    if self.cancel_at.take_if(|at| *at < now).is_some() {
                        coming.push_front(Input::Cancelled);
                    }
                }
                Then::Read | Then::Continue => {}
                Then::ReadUntil(until) if coming.is_empty() => {
                    now = now.max(until);
                    coming = [Input::Woke].into();
                }
                Then::ReadUntil(_) => {}
                Then::WaitUntil(until) => {
                    let is_cancelled = self.cancel_at.take_if(|at| *at <= until).is_some();
                    coming = [if is_cancelled { Input::Cancelled } else { Input::Woke }].into();
                    now = now.max(until);
                }
                Then::Done(result) => return Ok(Played { submits, polls, events, result: *result, ended: now }),
            }
        }
        Err(Failure::new(format!("it does not end: {} submits, {} polls", submits.len(), polls.len())))
    }
}
