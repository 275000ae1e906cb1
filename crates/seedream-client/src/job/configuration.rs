//! A job before it runs.

use std::{path::PathBuf, sync::Arc};

use seedream_core::{Error, ErrorKind, ImageRequest, Plan, Result, Task};

use super::{
    control::Control,
    outcome::{JobError, Outcome},
};
use crate::{
    output::{FolderOutput, Output},
    provider::{ImageProvider, Prepared},
    record::{FolderStore, JobStore},
};

/// One request of a user: a record before each POST, the response in it before the first download, the images saved, one
/// [`Outcome`].
///
/// A job that saves into a folder ([`Job::save_to`]) keeps its records there too, so that a process that ends at any moment, even by
/// `kill -9`, loses nothing: [`Job::resumed`](crate::Job::resumed) collects what was bought, and the record says what may have been billed. A job
/// without an output leaves its images where they came ([`Outcome::generation`]) and keeps no record unless it is given a store.
///
/// ```
/// # use seedream_client::Client;
/// # use seedream_core::ImageRequest;
/// # async fn example(client: Client) -> seedream_core::Result<()> {
/// let outcome = client.job(ImageRequest::new("doubao-seedream-4-5", "a lighthouse")).save_to("out").run().await?;
/// for image in &outcome.images {
///     println!("{} {}", image.location, image.sha256);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a job does nothing until it is run"]
pub struct Job {
    pub(super) provider: Arc<dyn ImageProvider>,
    pub(super) start: JobStart,
    pub(super) id: Option<String>,
    /// Whether the caller chose the id.
    pub(super) is_named: bool,
    pub(super) purchase: u32,
    pub(super) store: Option<Arc<dyn JobStore>>,
    pub(super) output: Option<Arc<dyn Output>>,
    pub(super) sidecar: bool,
    pub(super) at: Option<String>,
    pub(super) control: Control,
}

/// What a job begins with.
#[derive(Clone, Debug)]
pub(super) enum JobStart {
    Request(Box<ImageRequest>),
    Prepared(Box<Prepared>),
    /// A task of which no record is known.
    Task(Box<Task>),
    /// The record of a job that did not end, or a sidecar that names images that were not saved.
    Record(String),
}

impl Job {
    /// A job of a request.
    pub fn new(provider: Arc<dyn ImageProvider>, request: ImageRequest) -> Self {
        Self::of(provider, JobStart::Request(Box::new(request)))
    }

    /// A job that continues a record.
    pub fn resumed(provider: Arc<dyn ImageProvider>, record: impl Into<String>) -> Self {
        Self::of(provider, JobStart::Record(record.into()))
    }

    /// A job that collects a task without a record. It keeps no record, since nothing is bought.
    pub fn collecting(provider: Arc<dyn ImageProvider>, task: Task) -> Self {
        Self::of(provider, JobStart::Task(Box::new(task)))
    }

    fn of(provider: Arc<dyn ImageProvider>, start: JobStart) -> Self {
        let (id, store, output, control) = (None, None, None, Control::default());
        Self { provider, start, id, is_named: false, purchase: 1, store, output, sidecar: true, at: None, control }
    }

    /// Sets the id; random otherwise. A store refuses an id that it knows ([`Refusal::AlreadyBought`](crate::Refusal::AlreadyBought)): a folder knows those of its
    /// records, and of the metadata beside images.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.is_named = true;
        self.known_as(id.into())
    }

    /// Sets an id that may be random.
    pub(crate) fn known_as(mut self, id: String) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets which purchase of its job it is, from 1; the first otherwise. A store that plans several purchases under one id names them so;
    /// [`Exactly`](crate::Exactly) numbers its own.
    pub fn numbered(mut self, purchase: u32) -> Self {
        self.purchase = purchase.max(1);
        self
    }

    /// Sets the store of records.
    pub fn store(mut self, store: Arc<dyn JobStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sets where images go. Without a store of its own the job keeps no record then.
    pub fn output(mut self, output: Arc<dyn Output>) -> Self {
        self.output = Some(output);
        self
    }

    /// Saves the images in a folder, as [`FolderOutput`] does, and keeps the records there unless a store is set.
    pub fn save_to(mut self, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        self.output = Some(Arc::new(FolderOutput::new(&folder)));
        self.store.get_or_insert_with(|| Arc::new(FolderStore::new(folder)));
        self
    }

    /// Writes no metadata beside the images.
    pub fn without_sidecar(mut self) -> Self {
        self.sidecar = false;
        self
    }

    /// Collects at this base URL, which has to be one of the client's, instead of the record's. A record must not steer a key to a host
    /// of its own choice, so the caller says that the key may go there.
    pub fn at(mut self, base_url: impl Into<String>) -> Self {
        self.at = Some(base_url.into());
        self
    }

    /// Shares a control with other jobs: all are cancelled together, and none sends a POST once one could not keep what was paid for.
    pub fn controlled_by(mut self, control: &Control) -> Self {
        self.control = control.clone();
        self
    }

    /// What cancels this job.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Checks and encodes the request now, once for all that follows.
    ///
    /// # Errors
    /// The rules that it breaks.
    pub fn prepare(mut self) -> std::result::Result<Self, JobError> {
        if let JobStart::Request(request) = &self.start {
            match self.provider.prepare((**request).clone()) {
                Ok(prepared) => self.start = JobStart::Prepared(Box::new(prepared)),
                Err(error) => return Err(self.refused(error)),
            }
        }
        Ok(self)
    }

    /// An error of a job that sent nothing.
    pub(crate) fn refused(&self, error: Error) -> JobError {
        let mut outcome = Outcome::new(self.id.clone().unwrap_or_default(), self.purchase);
        outcome.provider = self.provider.descriptor().id.clone().into();
        if let Some(request) = self.request() {
            outcome.model = self.provider.capabilities(&request.model).model.to_string();
            outcome.requested = request.requested();
        }
        JobError::with(error, outcome)
    }

    /// What it would send and cost.
    ///
    /// # Errors
    /// As [`Job::prepare`]; [`ErrorKind::Unsupported`] where it sends nothing.
    pub fn plan(&self) -> Result<Plan> {
        match &self.start {
            JobStart::Request(request) => self.provider.plan(request),
            JobStart::Prepared(prepared) => prepared.plan(),
            JobStart::Task(_) | JobStart::Record(_) => {
                Err(Error::new(ErrorKind::Unsupported, "a job that collects sends no request to plan"))
            }
        }
    }

    /// The request, where there is one.
    pub fn request(&self) -> Option<&ImageRequest> {
        match &self.start {
            JobStart::Request(request) => Some(request),
            JobStart::Prepared(prepared) => Some(prepared.request()),
            JobStart::Task(_) | JobStart::Record(_) => None,
        }
    }

    pub(crate) fn is_prepared(&self) -> bool {
        matches!(self.start, JobStart::Prepared(_))
    }

    /// One purchase of a job that has several.
    pub(crate) fn purchase(&self, number: u32, id: &str, request: Option<ImageRequest>) -> Self {
        let mut job = self.clone();
        (job.id, job.purchase) = (Some(id.to_owned()), number);
        if let Some(request) = request {
            job.start = JobStart::Request(Box::new(request));
        }
        job
    }

    pub(crate) fn id_or_random(&self) -> String {
        self.id.clone().unwrap_or_else(|| format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)))
    }
}

impl dyn ImageProvider {
    /// A job: the request with a record before each POST, its images saved, one outcome. See [`Job`].
    pub fn job(self: &Arc<Self>, request: ImageRequest) -> Job {
        Job::new(self.clone(), request)
    }

    /// A job that continues the record of one that did not end: it collects what was bought, and never sends a POST. `record` is
    /// the id that the store knows it by; of a [`FolderStore`] the path of the file.
    pub fn resume(self: &Arc<Self>, record: &str) -> Job {
        Job::resumed(self.clone(), record)
    }
}
