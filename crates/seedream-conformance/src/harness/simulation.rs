//! Runs an operation against a simulated wire and clock.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use seedream_core::{Encoded, Error, Event, Exchange, Generation, Input, Operation, Purpose, Task, Then};

use crate::{
    CaseFailure,
    subject::{OperationHooks, Subject},
};

/// Where everything is sent.
pub(crate) const ENDPOINT: &str = "https://api.example";

/// How long an exchange takes.
const LATENCY: Duration = Duration::from_millis(100);

/// More steps than any run needs.
const STEPS: usize = 20_000;

/// What a poll asks for: its path, its query, and its body where it has one. The id of the task is in one of them.
pub(crate) fn poll_target(request: &http::Request<Bytes>) -> String {
    format!("{} {}", request.uri(), String::from_utf8_lossy(request.body())).trim_end().to_owned()
}

/// Whether a poll asks for this task: its id is all of a segment of the path, of a value in the query, or of a text in the body.
pub(crate) fn asks_for(target: &str, id: &str) -> bool {
    target.split(['/', '?', '&', '=', '#', '"', ' ']).any(|part| part == id)
}

/// What was sent, and how the operation ended.
pub(crate) struct SimulatedRun {
    /// When each submit was sent, and its body.
    pub(crate) submits: Vec<(Duration, Bytes)>,
    /// When each poll was sent, and its target.
    pub(crate) polls: Vec<(Duration, String)>,
    /// The events that the caller got.
    pub(crate) events: Vec<Event>,
    /// How it ended.
    pub(crate) result: Result<Generation, Error>,
    /// When.
    pub(crate) ended: Duration,
}

impl SimulatedRun {
    /// The task of the event that announces one.
    pub(crate) fn task(&self) -> Option<&Task> {
        self.events.iter().find_map(|event| match event {
            Event::Submitted(task) => Some(task),
            _ => None,
        })
    }
}

/// A request that is being run.
pub(crate) struct Simulation {
    operation: Operation,
    hooks: OperationHooks,
    cancel_at: Option<Duration>,
}

impl Simulation {
    /// A request that is to be bought.
    pub(crate) fn submit(subject: &Subject, request: Encoded, seed: u64) -> Self {
        let policy = subject.hooks().policy.clone();
        let operation = Operation::submit(subject.dialect().clone(), request, ENDPOINT, policy, seed);
        // Also with a mirror, nothing is bought twice.
        let mirrors = (seed % 2 == 1).then(|| "https://mirror.example".to_owned());
        Self::of(subject, operation.with_mirrors(mirrors))
    }

    /// A task that is to be collected.
    ///
    /// # Errors
    /// Where it cannot be one of this provider's.
    pub(crate) fn resume(subject: &Subject, task: Task, seed: u64) -> Result<Self, Error> {
        let policy = subject.hooks().policy.clone();
        let task = (subject.hooks().resume)(task, subject.id());
        Operation::resume(subject.dialect().clone(), task, policy, seed).map(|operation| Self::of(subject, operation))
    }

    fn of(subject: &Subject, operation: Operation) -> Self {
        Self { operation, hooks: subject.hooks().clone(), cancel_at: None }
    }

    /// The caller cancels at a moment: in a wait, or while a response is on its way.
    pub(crate) fn cancelled_at(mut self, at: Duration) -> Self {
        self.cancel_at = Some(at);
        self
    }

    /// Runs it; `wire` gives the inputs of each exchange.
    ///
    /// # Errors
    /// The operation does not end, or reads on after the last input.
    pub(crate) fn against(
        mut self,
        mut wire: impl FnMut(&Exchange, Duration) -> Vec<Input>,
    ) -> Result<SimulatedRun, CaseFailure> {
        let (mut submits, mut polls, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let (mut coming, mut now) = (VecDeque::from([Input::Begin]), Duration::ZERO);
        for _ in 0..STEPS {
            let Some(input) = coming.pop_front() else {
                return Err(CaseFailure::new("it reads on although nothing comes any more"));
            };
            let step = (self.hooks.step)(self.operation.on((self.hooks.input)(input), now));
            events.extend(step.events);
            match step.then {
                Then::Send(exchange) => {
                    match exchange.purpose {
                        Purpose::Submit => submits.push((now, exchange.request.body().clone())),
                        Purpose::Poll => polls.push((now, poll_target(&exchange.request))),
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
                Then::Done(result) => return Ok(SimulatedRun { submits, polls, events, result: *result, ended: now }),
            }
        }
        Err(CaseFailure::new(format!("it does not end: {} submits, {} polls", submits.len(), polls.len())))
    }
}
