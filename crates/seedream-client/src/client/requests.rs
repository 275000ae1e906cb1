//! What a client does with requests: it checks them, lists models, collects tasks, fetches and saves images.

use std::{
    path::Path,
    sync::{Arc, PoisonError},
};

use bytes::Bytes;
use seedream_core::{
    Capabilities, Charge, Checked, Error, ErrorKind, GeneratedImage, Generation, ImageFailure, ImageRequest, ModelId,
    ModelInfo, Operation, Result, Task, TaskId,
};
use tokio::time::Instant;

use super::state::Client;
use crate::{
    body::base64_stream::BodySyntax,
    disk::Spool,
    driver::{self, ExpectedBody, RequestSender, SendFailure},
    endpoint::Endpoint,
    job::JobContext,
    output::{self, SaveOptions, Saved, SavedImage},
    provider::{EventStream, ImageProvider as _},
    transport::{Departure, later},
};

impl Client {
    /// The provider's own list of models. Costs nothing, and is tried once.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider has none; otherwise what became of the request.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: a poll costs nothing.
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
        let until = later(Instant::now(), self.0.policy.poll_timeout.min(self.0.policy.deadline));
        let sender = self.sender(self.0.endpoints.clone(), &JobContext::default());
        let incoming = sender
            .send(0, catalog.models_request(), until, &Departure::default())
            .await
            .map_err(SendFailure::into_error)?;
        let response =
            incoming.whole(&[], BodySyntax::Json).await.map_err(|(partial, error)| error.with_body(partial.body))?;
        catalog.decode_models(&response)
    }

    /// A task of this client's provider and endpoint of which only the id is known. Its model is empty.
    pub fn task(&self, id: TaskId) -> Task {
        Task::new(&self.0.dialect.descriptor().id, self.base_url(), id, "".into())
    }

    /// The events of a task, which is polled and never submitted.
    pub(super) fn collected(&self, task: Task, context: JobContext) -> Result<EventStream> {
        let dialect = self.0.dialect.clone();
        let id = dialect.descriptor().id.clone();
        let kept = task.clone();
        let (seed, endpoints) = (self.0.random.next(), self.endpoints_of(&task.endpoint));
        let opened = Operation::resume(dialect, task, self.0.policy.clone(), seed).and_then(|operation| {
            let endpoints = endpoints?;
            let operation = operation.with_mirrors(mirrors(&endpoints));
            context.serve(Some(self));
            let sender = self.sender(endpoints, &context);
            Ok(driver::events(operation, sender, ExpectedBody::Poll, &kept.model, context, None))
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
        output::fetch(&self.0.downloader, image).await
    }

    /// Fetches an image into a file whose name begins with `unsaved-`, in the directory in which it will be saved: then saving it
    /// is a rename, and an image of any size costs little memory. One without a URL stays where it is. Of one that stays
    /// incomplete, what came furthest is an [`ImageData::Incomplete`](seedream_core::ImageData::Incomplete).
    ///
    /// # Errors
    /// Why it could not be fetched, with its URL.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: a part of an image that was fetched is removed.
    pub async fn fetch_into(&self, image: &GeneratedImage, directory: &Path) -> Result<GeneratedImage, ImageFailure> {
        output::fetch_into(&self.0.downloader, image, directory).await
    }

    /// Saves every image of an outcome, one file each; see [`SaveOptions`]. Never fails as a whole.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the images that are saved. An image that came inside the response stays in its file, or in `generation`.
    pub async fn save(&self, generation: &Generation, options: &SaveOptions) -> Saved {
        output::save(&self.0.downloader, generation, options).await
    }

    /// Saves one image, for instance as soon as its event arrives.
    ///
    /// # Errors
    /// Why it is not on disk, with its URL: it can still be fetched from there until that expires.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing, or the whole image: writing that has begun goes on.
    pub async fn save_image(&self, image: &GeneratedImage, options: &SaveOptions) -> Result<SavedImage, ImageFailure> {
        output::save_image(&self.0.downloader, image, options).await
    }

    pub(super) fn check(&self, request: &ImageRequest) -> Result<Checked> {
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

    /// The endpoints for polls: first the one that accepted the task, then the others of this client.
    fn endpoints_of(&self, base_url: &str) -> Result<Arc<[Endpoint]>> {
        if base_url == self.base_url() {
            return Ok(self.0.endpoints.clone());
        }
        let known = self.0.endpoints.iter().find_map(|endpoint| endpoint.for_task(base_url).ok());
        let home = known.map_or_else(|| self.endpoint().for_task(base_url), Ok)?;
        let others = self.0.endpoints.iter().filter(|endpoint| endpoint.base_url() != home.base_url()).cloned();
        Ok(std::iter::once(home.clone()).chain(others).collect())
    }

    /// Where images of a job go while they arrive is the job's to say.
    pub(super) fn sender(&self, endpoints: Arc<[Endpoint]>, context: &JobContext) -> RequestSender {
        let spool = context.spool().map(|directory| Spool::new(Some(directory)));
        RequestSender {
            dialect: self.0.dialect.clone(),
            transport: self.0.transport.clone(),
            endpoints,
            user_agent: self.0.user_agent.clone(),
            request_id: self.0.random.request_id(),
            max_response: self.0.max_response,
            max_text: self.0.max_text,
            spool: spool.unwrap_or_else(|| self.0.spool.clone()),
            pacer: self.0.pacer.clone(),
        }
    }
}

/// The base URLs after the first.
pub(super) fn mirrors(endpoints: &[Endpoint]) -> Vec<String> {
    endpoints.iter().skip(1).map(|endpoint| endpoint.base_url().to_owned()).collect()
}
