//! The interface of every provider, whichever dialect it speaks.

use async_trait::async_trait;
use seedream_core::{Capabilities, Descriptor, Generation, ImageRequest, ModelId, Plan, Result, Task};

use super::{event_stream::EventStream, prepared::Prepared};
use crate::{client::Client, job::JobContext};

/// A provider of images, ready for requests: an adapter with its endpoint, its key and a transport.
#[async_trait]
pub trait ImageProvider: std::fmt::Debug + Send + Sync {
    /// The provider.
    fn descriptor(&self) -> &Descriptor;

    /// The rules of a model.
    fn capabilities(&self, model: &ModelId) -> Capabilities;

    /// Checks a request and encodes it, once for all that follows. Does no I/O.
    ///
    /// # Errors
    /// The rules that it breaks.
    fn prepare(&self, request: ImageRequest) -> Result<Prepared>;

    /// What a request would send and cost. Does no I/O.
    ///
    /// # Errors
    /// As [`ImageProvider::prepare`].
    fn plan(&self, request: &ImageRequest) -> Result<Plan> {
        self.prepare(request.clone())?.plan()
    }

    /// The events of a prepared request, which is sent at the first call of `next`; the last event is
    /// [`Event::Finished`](seedream_core::Event::Finished), or an error. Its attempts go on the record of the job that `context` belongs
    /// to.
    ///
    /// # Errors
    /// What was found before anything was sent.
    ///
    /// # Cancel safety
    /// Dropping the stream stops everything at once: a request that is under way may be billed, and a task that was accepted is known
    /// only where its event was read or the context has a record. [`Job::spawn`](crate::Job::spawn) does not end with its caller.
    fn open(&self, prepared: Prepared, context: JobContext) -> Result<EventStream>;

    /// The events of a task that was accepted earlier. Never submits.
    ///
    /// # Errors
    /// The task is another provider's, or was accepted at another place. The error holds the task.
    fn open_task(&self, task: Task, context: JobContext) -> Result<EventStream>;

    /// The client that fetches the images of a provider, if there is one.
    fn client(&self, provider: &str) -> Option<Client> {
        let _ = provider;
        None
    }

    /// The events of a request that belongs to no job; nothing is recorded.
    ///
    /// # Errors
    /// As [`ImageProvider::prepare`].
    async fn events(&self, request: ImageRequest) -> Result<EventStream> {
        self.open(self.prepare(request)?, JobContext::default())
    }

    /// Sends a request that belongs to no job and returns its images; nothing is recorded.
    ///
    /// # Errors
    /// [`Error::charge`](seedream_core::Error::charge) says whether it may have cost something.
    ///
    /// # Cancel safety
    /// As [`ImageProvider::open`]: a caller that sets a time limit of its own around this loses what was bought. Set
    /// [`Policy::deadline`](seedream_core::Policy::deadline), or use a [`Job`](crate::Job).
    async fn generate(&self, request: ImageRequest) -> Result<Generation> {
        self.events(request).await?.finished().await
    }

    /// Collects an accepted task, which belongs to no job. Never submits.
    ///
    /// # Errors
    /// As [`ImageProvider::generate`]; the error holds the task while it can still be collected.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: a poll costs nothing.
    async fn collect(&self, task: Task) -> Result<Generation> {
        self.open_task(task, JobContext::default())?.finished().await
    }
}
