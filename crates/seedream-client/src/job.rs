//! Jobs: one request of a user, from the record before its POST until its images are saved.
//!
//! [`Job`] is configured and run; [`record`] is what a [`store`] is told, [`folder`] the store in a folder, [`output`] where images go,
//! [`run`] the way through, [`resume`] what is left of a job that did not end.

mod context;
#[cfg(test)]
mod crashes;
mod folder;
mod handle;
mod outcome;
mod output;
mod record;
mod resume;
mod run;
mod sidecar;
mod store;

use std::{path::PathBuf, sync::Arc};

use seedream_core::{Error, ErrorKind, ImageRequest, Plan, Result, Task};

pub use self::{
    context::{Control, JobContext},
    folder::{FolderStore, Leftover},
    handle::{JobEvent, JobHandle, JobStream},
    outcome::{JobError, Location, Outcome},
    output::{FolderOutput, ImageContent, NewImage, Output},
    record::{Entry, History, Intent},
    sidecar::SIDECAR_SCHEMA,
    store::{JobRecord, JobStore, NoStore, Refusal, SendBefore},
};
pub(crate) use self::{output::on_disk, sidecar::described};
use crate::{ImageProvider, Prepared};

/// One request of a user: a record before each POST, the response in it before the first download, the images saved, one
/// [`Outcome`].
///
/// A job that saves into a folder ([`Job::save_to`]) keeps its records there too, so that a process that ends at any moment, even by
/// `kill -9`, loses nothing: [`ImageProvider::resume`] collects what was bought, and the record says what may have been billed. A job
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
    provider: Arc<dyn ImageProvider>,
    work: Work,
    id: Option<String>,
    /// Whether the caller chose the id.
    is_named: bool,
    purchase: u32,
    store: Option<Arc<dyn JobStore>>,
    output: Option<Arc<dyn Output>>,
    sidecar: bool,
    at: Option<String>,
    control: Control,
}

/// What a job begins with.
#[derive(Clone, Debug)]
enum Work {
    Request(Box<ImageRequest>),
    Prepared(Box<Prepared>),
    /// A task of which no record is known.
    Task(Box<Task>),
    /// The record of a job that did not end, or a sidecar that names images that were not saved.
    Record(String),
}

impl Job {
    /// A job of a request; providers make it by [`ImageProvider::job`].
    pub fn new(provider: Arc<dyn ImageProvider>, request: ImageRequest) -> Self {
        Self::of(provider, Work::Request(Box::new(request)))
    }

    /// A job that goes on with a record; providers make it by [`ImageProvider::resume`].
    pub fn resumed(provider: Arc<dyn ImageProvider>, record: impl Into<String>) -> Self {
        Self::of(provider, Work::Record(record.into()))
    }

    /// A job that collects a task of which only its [`Task`] is known. It keeps no record, since nothing is bought.
    pub fn collecting(provider: Arc<dyn ImageProvider>, task: Task) -> Self {
        Self::of(provider, Work::Task(Box::new(task)))
    }

    fn of(provider: Arc<dyn ImageProvider>, work: Work) -> Self {
        let (id, store, output, control) = (None, None, None, Control::default());
        Self { provider, work, id, is_named: false, purchase: 1, store, output, sidecar: true, at: None, control }
    }

    /// Sets the id; random otherwise. A store refuses an id that it knows ([`Refusal::AlreadyBought`]): a folder knows those of its
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

    /// Collects at this base URL, which has to be one of the client's, whatever the record says. A record must not steer a key to a host
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
        if let Work::Request(request) = &self.work {
            match self.provider.prepare((**request).clone()) {
                Ok(prepared) => self.work = Work::Prepared(Box::new(prepared)),
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
        match &self.work {
            Work::Request(request) => self.provider.plan(request),
            Work::Prepared(prepared) => prepared.plan(),
            Work::Task(_) | Work::Record(_) => {
                Err(Error::new(ErrorKind::Unsupported, "a job that collects sends no request to plan"))
            }
        }
    }

    /// The request, where there is one.
    pub fn request(&self) -> Option<&ImageRequest> {
        match &self.work {
            Work::Request(request) => Some(request),
            Work::Prepared(prepared) => Some(prepared.request()),
            Work::Task(_) | Work::Record(_) => None,
        }
    }

    pub(crate) fn is_prepared(&self) -> bool {
        matches!(self.work, Work::Prepared(_))
    }

    /// One purchase of a job that has several.
    pub(crate) fn purchase(&self, number: u32, id: &str, request: Option<ImageRequest>) -> Self {
        let mut job = self.clone();
        (job.id, job.purchase) = (Some(id.to_owned()), number);
        if let Some(request) = request {
            job.work = Work::Request(Box::new(request));
        }
        job
    }

    pub(crate) fn id_or_random(&self) -> String {
        self.id.clone().unwrap_or_else(|| format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)))
    }

    /// Runs the job to its end. Any saved or delivered image makes it `Ok`.
    ///
    /// # Errors
    /// Why no image came; [`JobError::outcome`] says what is known all the same.
    ///
    /// # Cancel safety
    /// Dropping the future stops the job where it is: what was accepted or answered is on record, and [`ImageProvider::resume`]
    /// delivers it; a POST that is under way may be billed, which the record says. [`Job::spawn`] does not end with its caller.
    pub async fn run(self) -> std::result::Result<Outcome, JobError> {
        run::run(self, |_| ()).await
    }

    /// Runs the job in a task of its own: what is bought survives a caller that goes away.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(self) -> JobHandle {
        JobHandle::spawn(self)
    }

    /// Runs the job and tells what happens as it happens. The last event is [`JobEvent::Ended`].
    pub fn events(self) -> JobStream {
        JobStream::new(self)
    }
}
