//! A client that applies `--model` and `--fit` to each request.

use seedream::seedream_client::{EventStream, JobContext, Prepared};
use seedream::seedream_core::{Capabilities, Descriptor};
use seedream::{Client, ImageProvider, ImageRequest, ModelId, Result, Task, Warning};

/// A client plus the flags that change its requests.
#[derive(Clone, Debug)]
pub(crate) struct RequestFitter {
    pub(crate) client: Client,
    /// Whether `--fit` is set.
    pub(crate) fit: bool,
    /// The configured model for requests that name none.
    pub(crate) default_model: Option<ModelId>,
}

impl RequestFitter {
    /// The requested model, or the default model: the configured one, else the provider's.
    fn model(&self, requested: &ModelId) -> ModelId {
        if !requested.as_str().is_empty() {
            return requested.clone();
        }
        self.default_model.clone().unwrap_or_else(|| self.client.descriptor().default_model.clone())
    }

    /// The request for this provider, and a warning for each value that `--fit` changed.
    fn fitted(&self, mut request: ImageRequest) -> (ImageRequest, Vec<Warning>) {
        request.model = self.model(&request.model);
        if self.fit { self.client.capabilities(&request.model).fit(&request) } else { (request, Vec::new()) }
    }
}

impl ImageProvider for RequestFitter {
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
