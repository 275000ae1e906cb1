//! A task that is waited for.

use std::{fmt, future::pending, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use seedream_core::{Charge, Error, ErrorKind, Event, Generation, Result, Task, Warning};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

use super::registry::Registration;
use crate::{
    client::Client,
    job::JobContext,
    provider::{EventStream, ImageProvider as _},
};

/// A task that is expected: a callback that names it makes this poll, until it is dropped.
///
/// Dropping it stops everything; the task can still be collected.
#[must_use = "the task is billed: wait for it"]
pub struct PendingTask {
    client: Client,
    task: Task,
    registration: Registration,
    /// The operation of the task, which polls at its own pace, and only while this is waited for.
    events: EventStream,
    /// Whether the operation polls at once, and its response has not come.
    is_polling: bool,
    warnings: Vec<Warning>,
}

impl PendingTask {
    pub(super) fn new(
        client: Client,
        task: Task,
        registration: Registration,
        events: EventStream,
        is_polling: bool,
    ) -> Self {
        Self { client, task, registration, events, is_polling, warnings: Vec::new() }
    }

    pub(super) fn with_warnings(self, warnings: Vec<Warning>) -> Self {
        Self { warnings, ..self }
    }

    /// The task: store it, and it can be collected after a crash.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Waits for its images, for at most the deadline of the client's policy.
    ///
    /// A callback leads to a poll at once. Without one the task is polled at the pace of the client's policy.
    ///
    /// # Errors
    /// As [`ImageProvider::collect`](crate::ImageProvider::collect).
    ///
    /// # Cancel safety
    /// Dropped, it sends nothing any more; the task can still be collected.
    pub async fn wait(self) -> Result<Generation> {
        let (client, task) = (self.client.clone(), self.task.clone());
        let deadline = client.policy().deadline;
        timeout(deadline, self.outcome()).await.unwrap_or_else(|_| {
            let message = format!("the deadline of {} s has passed", deadline.as_secs_f64());
            Err(maybe_billed(&client, Error::new(ErrorKind::Timeout, message).with_task(task)))
        })
    }

    async fn outcome(mut self) -> Result<Generation> {
        let mut quiet_until = Instant::now();
        loop {
            let Some(event) = self.next(quiet_until).await else {
                // Collecting begins with a poll.
                self.events = self.client.open_task(self.task.clone(), JobContext::default())?;
                self.is_polling = true;
                quiet_until = Instant::now() + spacing(&self.client);
                continue;
            };
            match event {
                Some(Ok(Event::Finished(mut generation))) => {
                    self.warnings.retain(|warning| !generation.warnings.contains(warning));
                    generation.warnings.splice(0..0, self.warnings);
                    return Ok(generation);
                }
                Some(Ok(Event::Progress { .. })) => self.is_polling = false,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => {
                    let error = Error::new(ErrorKind::TaskFailed, "the task was left without an outcome");
                    return Err(maybe_billed(&self.client, error.with_task(self.task)));
                }
            }
        }
    }

    /// The next event of the operation; `None` where a hint comes first.
    async fn next(&mut self, quiet_until: Instant) -> Option<Option<Result<Event>>> {
        let (is_polling, hint) = (self.is_polling, &self.registration.hint);
        // A poll under way is not interrupted: a flood of hints would keep its response from ever being read.
        let hinted = pin!(async { if is_polling { pending().await } else { hinted(hint, quiet_until).await } });
        match select(self.events.next(), hinted).await {
            Either::Left((event, _)) => Some(event),
            Either::Right(_) => None,
        }
    }
}

/// An error of something that was accepted, or may have been.
pub(super) fn maybe_billed(client: &Client, error: Error) -> Error {
    error.with_charge(Charge::Unknown).with_provider(&client.descriptor().id)
}

/// The next hint, at the earliest some time after the last.
async fn hinted(hint: &Notify, quiet_until: Instant) {
    sleep_until(quiet_until).await;
    hint.notified().await;
}

/// The least time between two polls that hints lead to.
fn spacing(client: &Client) -> Duration {
    client.policy().pace.shortest.min(Duration::from_secs(10))
}

impl fmt::Debug for PendingTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (task, is_polling) = (&self.task, &self.is_polling);
        f.debug_struct("PendingTask").field("task", task).field("is_polling", is_polling).finish_non_exhaustive()
    }
}
