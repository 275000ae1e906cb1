//! Who is asked: a client that asks for its provider's own model where the user names none, and fits requests where the user wants that.

use seedream::seedream_client::{EventStream, JobContext, Prepared};
use seedream::seedream_core::{Capabilities, Descriptor};
use seedream::{Client, ImageProvider, ImageRequest, ModelId, Result, Task, Warning};

/// A client with what the flags say of requests.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) client: Client,
    /// Whether `--fit` was given.
    pub(crate) fit: bool,
}

impl Target {
    /// The model that is named, or the provider's own.
    fn model(&self, named: &ModelId) -> ModelId {
        if named.as_str().is_empty() { self.client.descriptor().default_model.clone() } else { named.clone() }
    }

    /// The request as this provider is asked it, and what was fitted to its rules.
    fn fitted(&self, mut request: ImageRequest) -> (ImageRequest, Vec<Warning>) {
        request.model = self.model(&request.model);
        if self.fit { self.client.capabilities(&request.model).fit(&request) } else { (request, Vec::new()) }
    }
}

impl ImageProvider for Target {
    fn descriptor(&self) -> &Descriptor {
        self.client.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        self.client.capabilities(&self.model(model))
    }

    fn prepare(&self, request: ImageRequest) -> Result<Prepared> {
        let (request, warnings) = self.fitted(request);
        Ok(self.client.prepare(request)?.with_warnings(warnings))
    }

    fn open(&self, prepared: Prepared, context: JobContext) -> Result<EventStream> {
        self.client.open(prepared, context)
    }

    fn open_task(&self, task: Task, context: JobContext) -> Result<EventStream> {
        self.client.open_task(task, context)
    }

    fn client(&self, provider: &str) -> Option<Client> {
        self.client.client(provider)
    }
}
