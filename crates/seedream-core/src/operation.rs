//! The machine that owns the money: the life of one paid request, without any I/O.
//!
//! A driver sends what [`Then::Send`] holds, waits as long as [`Then::WaitUntil`] says, and reports what happened as an [`Input`].
//! The operation decides what that means. A paid request is sent again only when it provably did no work: the connection was
//! never made, or the provider refused with a code that passes by itself.
//!
//! Each state is a value that holds what it needs ([`state`]); each input is taken in one [`Turn`]. What each state waits for and does
//! is in the docs of [`Operation`], which are in `operation/states.md`.

mod count;
mod end;
mod input;
mod place;
mod policy;
mod poll;
mod record;
mod response;
mod state;
mod step;
mod stream;
mod submit;
mod task;

use std::{sync::Arc, time::Duration};

use crate::{Attempt, Charge, Dialect, Encoded, Error, ErrorKind, Result, Task};

pub use input::Input;
use place::Places;
use policy::Jitter;
pub use policy::{Backoff, Pace, Policy};
pub use record::Record;
use state::{State, Turn};
pub use step::{Exchange, Purpose, Step, Then};
use task::Collecting;

/// The life of one paid request.
#[doc = include_str!("operation/states.md")]
#[derive(Debug)]
pub struct Operation {
    dialect: Arc<dyn Dialect>,
    /// Where it is sent, and where a task is asked for.
    places: Places,
    policy: Policy,
    jitter: Jitter,
    attempts: Vec<Attempt>,
    /// What earlier submits may have cost, where an ambiguous one was sent again.
    owed: Charge,
    /// The most images that were asked for; `None` where only a task is known.
    most: Option<u32>,
    state: State,
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
        let id = dialect.descriptor().id;
        if task.provider != id {
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
            places: Places::one(endpoint),
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
        self.places.add(urls);
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

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::Words;
