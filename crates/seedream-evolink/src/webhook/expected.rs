//! A task that is waited for.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use seedream_client::{Client, ImageProvider as _, JobContext};
use seedream_core::{Error, ErrorKind, Event, EventStream, Generation, Result, Task, Warning};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

use super::{Webhooks, paid};

/// A task that is expected: a callback that names it is heard from now on, until this is dropped.
///
/// Dropping it stops everything; the task can still be collected.
#[must_use = "the task is paid for: wait for it"]
pub struct Expected {
    place: Place,
    /// What the client's own machine says of the task. It asks gently, and only while this is polled.
    events: EventStream,
    /// Whether that machine is to ask at once, and has not been answered yet.
    asking: bool,
    warnings: Vec<Warning>,
}

/// A task's place among the expected, given back when it is dropped.
pub(super) struct Place {
    pub(super) webhooks: Webhooks,
    pub(super) task: Task,
    pub(super) hint: Arc<Notify>,
}

impl Place {
    /// Of a request that has just been accepted: what it is asked for by goes on.
    pub(super) fn submitted(self, events: EventStream, warnings: Vec<Warning>) -> Expected {
        Expected { place: self, events, asking: false, warnings }
    }

    /// Of a task of old, which may have ended: it is asked for at once.
    pub(super) fn resumed(self, events: EventStream) -> Expected {
        Expected { place: self, events, asking: true, warnings: Vec::new() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.webhooks.expected().remove(self.task.id.as_str());
    }
}

impl Expected {
    /// The task: store it, and it can be collected after a crash.
    pub fn task(&self) -> &Task {
        &self.place.task
    }

    /// Waits for its images, for at most the deadline of the client's policy.
    ///
    /// A callback makes it ask at once. Until one comes, and if none ever does, it asks as gently as the client always does.
    ///
    /// # Errors
    /// As [`Job::resumed`](seedream_client::Job::resumed).
    pub async fn wait(self) -> Result<Generation> {
        let task = self.place.task.clone();
        let deadline = self.place.webhooks.0.client.policy().deadline;
        timeout(deadline, self.outcome()).await.unwrap_or_else(|_| {
            let message = format!("the deadline of {} s has passed", deadline.as_secs_f64());
            Err(paid(Error::new(ErrorKind::Timeout, message).with_task(task)))
        })
    }

    async fn outcome(mut self) -> Result<Generation> {
        let client = self.place.webhooks.0.client.clone();
        let mut quiet_until = Instant::now();
        loop {
            let event = tokio::select! {
                biased;
                event = self.events.next() => event,
                // Whoever is being answered is not interrupted: a flood of hints would keep it from ever hearing the response.
                () = hinted(&self.place.hint, quiet_until), if !self.asking => {
                    self.ask_now(&client)?;
                    quiet_until = Instant::now() + spacing(&client);
                    continue;
                }
            };
            match event {
                Some(Ok(Event::Finished(mut generation))) => {
                    self.warnings.retain(|warning| !generation.warnings.contains(warning));
                    generation.warnings.splice(0..0, self.warnings);
                    return Ok(generation);
                }
                Some(Ok(Event::Progress { .. })) => self.asking = false,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => {
                    let error = Error::new(ErrorKind::TaskFailed, "the task was left without an outcome");
                    return Err(paid(error.with_task(self.place.task.clone())));
                }
            }
        }
    }

    /// Begins anew to collect the task, which begins with asking.
    fn ask_now(&mut self, client: &Client) -> Result<()> {
        self.events = client.open_task(self.place.task.clone(), JobContext::default())?;
        self.asking = true;
        Ok(())
    }
}

/// The next hint, once the response to the last has been left to stand for a while.
async fn hinted(hint: &Notify, quiet_until: Instant) {
    sleep_until(quiet_until).await;
    hint.notified().await;
}

/// The least time between two questions that hints lead to.
fn spacing(client: &Client) -> Duration {
    client.policy().pace.shortest.min(Duration::from_secs(10))
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").field("task", &self.place.task).field("asking", &self.asking).finish_non_exhaustive()
    }
}
