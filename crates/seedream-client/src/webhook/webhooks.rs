//! What receives callbacks.

use std::{fmt, sync::Arc};

use seedream_core::{Error, ErrorKind, Event, ImageRequest, Result, Task};

use super::{
    pending_task::{PendingTask, maybe_billed},
    registry::TaskRegistry,
    token::CallbackToken,
};
use crate::{
    client::Client,
    job::JobContext,
    provider::{EventStream, ImageProvider as _},
};

/// Receives the callbacks of one client's tasks. Cheap to clone; clones share tasks and token.
///
/// The token is made when this is: after a restart the provider calls a path that is no longer served, and earlier tasks are
/// collected by polling. A log of request paths holds the token, which allows its reader to make this program poll tasks that it
/// waits for, and nothing else.
#[derive(Clone)]
pub struct Webhooks(pub(super) Arc<WebhookState>);

pub(super) struct WebhookState {
    client: Client,
    pub(super) token: CallbackToken,
    pub(super) expected: TaskRegistry,
}

impl Webhooks {
    /// Callbacks for the tasks of a client.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the provider has no tasks, or the system gives no random numbers.
    pub fn new(client: Client) -> Result<Self> {
        let provider = client.descriptor().id.clone();
        if client.dialect().tasks().is_none() {
            let message = format!("{provider} has no tasks, so it sends no callbacks");
            return Err(Error::new(ErrorKind::Config, message).with_provider(provider));
        }
        let token = CallbackToken::random().map_err(|error| error.with_provider(&provider))?;
        Ok(Self(Arc::new(WebhookState { client, token, expected: TaskRegistry::default() })))
    }

    /// What to set as [`ImageRequest::callback_url`]: `base`, which is where the server is as the internet sees it, and
    /// `/seedream/callbacks/<provider>/<token>`. The check of the request holds it to the provider's rules.
    pub fn url(&self, base: &str) -> String {
        format!("{}{}{}", base.trim_end_matches('/'), self.path(), self.0.token.as_str())
    }

    /// The path of callbacks, before the token.
    pub(super) fn path(&self) -> String {
        format!("/seedream/callbacks/{}/", self.0.client.descriptor().id)
    }

    /// Sends a request and returns as soon as its task is accepted: the task is expected from then on.
    ///
    /// # Errors
    /// As [`ImageProvider::generate`](crate::ImageProvider::generate).
    ///
    /// # Cancel safety
    /// As [`ImageProvider::open`](crate::ImageProvider::open): dropped before the task is accepted, it loses what may have been
    /// bought.
    pub async fn submit(&self, request: ImageRequest) -> Result<PendingTask> {
        let mut events = self.0.client.events(request.clone()).await?;
        while let Some(event) = events.next().await {
            match event? {
                Event::Submitted(task) => {
                    let warnings = self.0.client.plan(&request).map(|plan| plan.warnings).unwrap_or_default();
                    // The operation that submitted the task goes on polling it.
                    return self.expected(task, events, false).map(|expected| expected.with_warnings(warnings));
                }
                Event::Finished(generation) => {
                    let error = Error::new(ErrorKind::MalformedResponse, "the response holds images and no task");
                    return Err(maybe_billed(&self.0.client, error.with_generation(generation)));
                }
                _ => {}
            }
        }
        let error = Error::new(ErrorKind::MalformedResponse, "the request ended without a task");
        Err(maybe_billed(&self.0.client, error))
    }

    /// Expects a task that was submitted elsewhere, such as by this program before a restart. Sends nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the task is of another provider or endpoint, or is expected already. The error holds the task.
    pub fn expect(&self, task: Task) -> Result<PendingTask> {
        let events = self.0.client.open_task(task.clone(), JobContext::default())?;
        // It may have ended: it is polled at once.
        self.expected(task, events, true)
    }

    fn expected(&self, task: Task, events: EventStream, polls_now: bool) -> Result<PendingTask> {
        let client = self.0.client.clone();
        match self.0.expected.register(&task.id) {
            Some(registration) => Ok(PendingTask::new(client, task, registration, events, polls_now)),
            None => {
                let error = Error::new(ErrorKind::Config, format!("task {} is expected already", task.id));
                Err(maybe_billed(&client, error.with_task(task)))
            }
        }
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = self.0.expected.len();
        f.debug_struct("Webhooks").field("client", &self.0.client).field("expected", &expected).finish_non_exhaustive()
    }
}
