//! The client: a dialect with its endpoint, key, transport and patience.

mod builder;
mod provider;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::HeaderValue;
use seedream_core::{
    Capabilities, Charge, Checked, Dialect, Error, ErrorKind, EventStream, GeneratedImage, Generation, ImageFailure,
    ImageRequest, ModelId, ModelInfo, Operation, Overrides, Policy, Result, Strictness, Task, TaskId, Warning,
};
use tokio::time::Instant;

pub use self::builder::ClientBuilder;
use self::builder::Seeds;
use crate::{
    Departure, Downloader, Endpoint, ImageProvider as _, JobContext, SaveOptions, Saved, SavedImage, Transport,
    drive::{self, Expect, Link, Lost, Turns},
    endpoint,
    lift::Grammar,
    save,
    spool::Spool,
};

/// A provider that can be asked: any [`Dialect`] with its endpoint, its key and a [`Transport`].
///
/// Cheap to clone; clones share connections. Its `Debug` shows no key.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    dialect: Arc<dyn Dialect>,
    /// The endpoint and its mirrors; never empty.
    places: Arc<[Endpoint]>,
    transport: Arc<dyn Transport>,
    policy: Policy,
    strictness: Strictness,
    overrides: Option<Overrides>,
    rules: Mutex<Option<Arc<Capabilities>>>,
    user_agent: HeaderValue,
    max_response: u64,
    max_text: u64,
    spool: Spool,
    turns: Arc<Turns>,
    seeds: Seeds,
    downloader: Downloader,
}

impl Client {
    /// A client for one provider, to be configured.
    pub fn builder(dialect: Arc<dyn Dialect>) -> ClientBuilder {
        ClientBuilder::new(dialect)
    }

    /// The dialect that it speaks.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.0.dialect
    }

    /// Where it sends to, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.endpoint().base_url()
    }

    /// Where it goes when that cannot be reached.
    pub fn mirrors(&self) -> impl Iterator<Item = &str> {
        self.0.places.iter().skip(1).map(Endpoint::base_url)
    }

    /// What was put right in the base URLs and the key that were set. Every plan and every generation begins with the same.
    pub fn warnings(&self) -> Vec<Warning> {
        endpoint::warnings(&self.0.places)
    }

    /// How patient it is.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// What fetches its images.
    pub fn downloader(&self) -> &Downloader {
        &self.0.downloader
    }

    /// The provider's own list of models. Costs nothing, and is tried once.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider has none; otherwise what became of the request.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: asking costs nothing.
    pub async fn models(&self) -> Result<Vec<ModelInfo>> {
        let id = &self.0.dialect.descriptor().id;
        let listed = self.list().await;
        listed.map_err(|error| error.with_provider(id).with_charge(Charge::No))
    }

    async fn list(&self) -> Result<Vec<ModelInfo>> {
        let dialect = &self.0.dialect;
        let Some(catalog) = dialect.catalog() else {
            return Err(Error::new(ErrorKind::Unsupported, "this provider has no list of models"));
        };
        let until = drive::later(Instant::now(), self.0.policy.poll_timeout.min(self.0.policy.deadline));
        let link = self.link(self.0.places.clone(), &JobContext::default());
        let incoming =
            link.send(0, catalog.models_request(), until, &Departure::default()).await.map_err(Lost::into_error)?;
        let response =
            incoming.whole(&[], Grammar::Json).await.map_err(|(partial, error)| error.with_body(partial.body))?;
        catalog.decode_models(&response)
    }

    /// A task of this client's provider and endpoint of which somebody knows only the id. Its model is empty.
    pub fn task(&self, id: TaskId) -> Task {
        Task::new(&self.0.dialect.descriptor().id, self.base_url(), id, "".into())
    }

    /// The events of a task, which is asked for and never submitted.
    fn collected(&self, task: Task, context: JobContext) -> Result<EventStream> {
        let dialect = self.0.dialect.clone();
        let id = dialect.descriptor().id.clone();
        let kept = task.clone();
        let (seed, places) = (self.0.seeds.next(), self.places_of(&task.endpoint));
        let opened = Operation::resume(dialect, task, self.0.policy.clone(), seed).and_then(|operation| {
            let places = places?;
            let operation = operation.with_mirrors(mirrors(&places));
            context.serve(Some(self));
            let link = self.link(places, &context);
            Ok(drive::events(operation, link, Expect::Poll, &kept.model, context, None))
        });
        // Nothing was bought here; what the task costs is as open as before.
        opened.map_err(|error| error.with_provider(id).with_task(kept).with_charge(Charge::Unknown))
    }

    /// Fetches an image into memory, wherever it is.
    ///
    /// # Errors
    /// Why it could not be fetched, with its URL; [`ErrorKind::IncompleteImage`] where it ends too early or is damaged.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    pub async fn fetch(&self, image: &GeneratedImage) -> Result<Bytes, ImageFailure> {
        save::fetch(&self.0.downloader, image).await
    }

    /// Fetches an image into a file whose name begins with `unsaved-`, in the directory in which it will be saved: then saving it
    /// is a rename, and an image of any size costs little memory. One that is not behind a URL stays where it is. Of one that stays
    /// incomplete, what came furthest is an [`ImageData::Incomplete`](seedream_core::ImageData::Incomplete).
    ///
    /// # Errors
    /// Why it could not be fetched, with its URL.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: a part of an image that was fetched is removed.
    pub async fn fetch_into(&self, image: &GeneratedImage, directory: &Path) -> Result<GeneratedImage, ImageFailure> {
        save::fetch_into(&self.0.downloader, image, directory).await
    }

    /// Saves every image of an outcome, one file each; see [`SaveOptions`]. Never fails as a whole.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the images that are saved. An image that came inside the response stays in its file, or in `generation`.
    pub async fn save(&self, generation: &Generation, options: &SaveOptions) -> Saved {
        save::save(&self.0.downloader, generation, options).await
    }

    /// Saves one image, for instance as soon as its event arrives.
    ///
    /// # Errors
    /// Why it is not on disk, with its URL: it can still be fetched from there until that expires.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing, or the whole image: writing that has begun goes on.
    pub async fn save_image(&self, image: &GeneratedImage, options: &SaveOptions) -> Result<SavedImage, ImageFailure> {
        save::save_image(&self.0.downloader, image, options).await
    }

    fn check(&self, request: &ImageRequest) -> Result<Checked> {
        self.rules(&request.model).check(request, self.0.strictness)
    }

    /// The rules of a model. Those of the last are kept: writing them down costs more than checking a request.
    fn rules(&self, model: &ModelId) -> Arc<Capabilities> {
        // Rules are replaced as a whole, so a panic elsewhere leaves them as good as they were.
        let mut last = self.0.rules.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(rules) if rules.requested == *model => rules.clone(),
            _ => last.insert(Arc::new(self.capabilities(model))).clone(),
        }
    }

    fn endpoint(&self) -> &Endpoint {
        // The builder puts one there.
        &self.0.places[0]
    }

    /// Where a task is asked for: first where it was accepted, then at the others of this client's places.
    fn places_of(&self, base_url: &str) -> Result<Arc<[Endpoint]>> {
        let known = self.0.places.iter().find_map(|place| place.for_task(base_url).ok());
        let home = known.map_or_else(|| self.endpoint().for_task(base_url), Ok)?;
        let others = self.0.places.iter().filter(|place| place.base_url() != home.base_url()).cloned();
        Ok(std::iter::once(home.clone()).chain(others).collect())
    }

    /// Where images of a job go while they arrive is the job's to say.
    fn link(&self, places: Arc<[Endpoint]>, context: &JobContext) -> Link {
        let spool = context.spool().map(|directory| Spool::new(Some(directory)));
        Link {
            dialect: self.0.dialect.clone(),
            transport: self.0.transport.clone(),
            places,
            user_agent: self.0.user_agent.clone(),
            request_id: self.0.seeds.request_id(),
            max_response: self.0.max_response,
            max_text: self.0.max_text,
            spool: spool.unwrap_or_else(|| self.0.spool.clone()),
            turns: self.0.turns.clone(),
        }
    }
}

/// The base URLs behind the first.
fn mirrors(places: &[Endpoint]) -> Vec<String> {
    places.iter().skip(1).map(|place| place.base_url().to_owned()).collect()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("provider", &self.0.dialect.descriptor().id)
            .field("places", &self.0.places)
            .field("transport", &self.0.transport)
            .field("policy", &self.0.policy)
            .field("strictness", &self.0.strictness)
            .finish_non_exhaustive()
    }
}
