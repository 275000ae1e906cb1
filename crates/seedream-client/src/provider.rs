//! What embedders hold: one interface, whichever dialect is behind it.

use async_trait::async_trait;
use seedream_core::{
    Capabilities, Descriptor, Error, ErrorKind, EventStream, Generation, ImageRequest, ModelId, Plan, Result, Task,
    Warning,
};

use crate::{Client, Job, JobContext, drive, fallback::Refused};

/// A provider of images, ready to be asked: an adapter with its endpoint, its key and a transport.
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

    /// The events of a prepared request, which is sent when they are first asked for; the last event is
    /// [`Event::Finished`](seedream_core::Event::Finished), or an error. Its attempts go on the record of the job that `context` belongs
    /// to.
    ///
    /// # Errors
    /// What was found before anything was sent.
    ///
    /// # Cancel safety
    /// Dropping the stream stops everything at once: a request that is under way may be billed, and a task that was accepted is known
    /// only where its event was read or the context has a record. [`Job::spawn`] does not end with its caller.
    fn open(&self, prepared: Prepared, context: JobContext) -> Result<EventStream>;

    /// The events of a task that was accepted earlier. Never submits.
    ///
    /// # Errors
    /// The task is another provider's, or was accepted at another place. The error holds the task.
    fn open_task(&self, task: Task, context: JobContext) -> Result<EventStream>;

    /// The client that fetches the images of a provider, where there is one.
    fn client(&self, provider: &str) -> Option<Client> {
        let _ = provider;
        None
    }

    /// A job: the request with a record before each POST, its images saved, one outcome. See [`Job`].
    fn job(&self, request: ImageRequest) -> Job;

    /// A job that goes on with the record of one that did not end: it collects what was bought, and never sends a POST. `record` is
    /// the id that the store knows it by; of a [`FolderStore`](crate::FolderStore) the path of the file.
    fn resume(&self, record: &str) -> Job;

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
    /// [`Policy::deadline`](seedream_core::Policy::deadline), or use [`ImageProvider::job`].
    async fn generate(&self, request: ImageRequest) -> Result<Generation> {
        drive::outcome(self.events(request).await?).await
    }

    /// Collects an accepted task, which belongs to no job. Never submits.
    ///
    /// # Errors
    /// As [`ImageProvider::generate`]; the error holds the task while it can still be collected.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: asking costs nothing.
    async fn collect(&self, task: Task) -> Result<Generation> {
        drive::outcome(self.open_task(task, JobContext::default())?).await
    }
}

/// A request that was checked and encoded.
#[derive(Clone, Debug)]
pub struct Prepared {
    request: ImageRequest,
    /// What the user should know beside what the plan says.
    warnings: Vec<Warning>,
    pub(crate) form: Form,
}

/// What a provider made of a request.
#[expect(clippy::large_enum_variant, reason = "nearly every one is encoded")]
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Nothing yet.
    Plain,
    /// It is encoded for a client.
    Encoded { client: Client, encoded: seedream_core::Encoded },
    /// A provider of a list takes it; those before refuse it.
    Chosen { place: usize, refused: Refused, inner: Box<Prepared> },
}

impl Prepared {
    /// A request that a provider takes as it is, for those that are not made of a [`Client`].
    pub fn unchecked(request: ImageRequest) -> Self {
        Self::new(request, Form::Plain)
    }

    pub(crate) fn new(request: ImageRequest, form: Form) -> Self {
        Self { request, warnings: Vec::new(), form }
    }

    /// Adds warnings, which the plan and the outcome begin with.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings = warnings;
        self
    }

    /// The request as it was asked for.
    pub fn request(&self) -> &ImageRequest {
        &self.request
    }

    /// The model id that is sent, as far as it is known.
    pub(crate) fn model(&self) -> &ModelId {
        match &self.form {
            Form::Plain => &self.request.model,
            Form::Encoded { encoded, .. } => encoded.checked().model(),
            Form::Chosen { inner, .. } => inner.model(),
        }
    }

    /// What the user should know, as a plan says it.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        match &self.form {
            Form::Plain => {}
            Form::Encoded { client, encoded } => warnings.extend(client.warnings_of(encoded.checked())),
            Form::Chosen { refused, inner, .. } => {
                warnings.extend_from_slice(&refused.warnings);
                warnings.extend(inner.warnings());
            }
        }
        warnings
    }

    /// What it would send and cost.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider has not encoded it.
    pub fn plan(&self) -> Result<Plan> {
        let mut plan = match &self.form {
            Form::Plain => return Err(Error::new(ErrorKind::Unsupported, "this provider makes no plan")),
            Form::Encoded { client, encoded } => client.plan_of(encoded)?,
            Form::Chosen { refused, inner, .. } => {
                let mut plan = inner.plan()?;
                plan.warnings.splice(0..0, refused.warnings.iter().cloned());
                plan
            }
        };
        plan.warnings.splice(0..0, self.warnings.iter().cloned());
        Ok(plan)
    }
}
