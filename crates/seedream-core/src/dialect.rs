//! What an adapter is: pure functions between a request, HTTP, and what came back.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Blobs, Capabilities, Checked, Family, GeneratedImage, Generation, ImageFailure, ModelId, Resolution, Response,
    Result, Source, Standing, Task, TaskId, TaskState, Timestamp, Usage, sse::Frame,
};

/// One provider's way of speaking.
///
/// An adapter holds no key, socket, clock or loop: a request that passed [`Capabilities::check`] becomes an HTTP request with a
/// path relative to the base URL, and a response becomes a value.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// Who the provider is.
    fn descriptor(&self) -> &'static Descriptor;

    /// The rules of a model, always the same for the same one; an unknown one gets rules that allow everything this dialect can
    /// say.
    fn capabilities(&self, model: &ModelId) -> Capabilities;

    /// The request on the wire: method, path below the base URL with its leading `/`, content type and body. No credential.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) where the request was checked for another provider.
    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>>;

    /// What a response means.
    ///
    /// # Errors
    /// Whatever the response says, with its code understood. A 2xx response with an image is never an error.
    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded>;

    /// What the provider makes of the request: `members` are those of the body that [`Dialect::encode`] wrote, to which this adds
    /// the provider's defaults and rewrites. [`Encoded::effective`](crate::Encoded::effective) calls it.
    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective;

    /// Whether this adapter promises to read responses in shapes that no document shows, as `seedream-wire` reads them. The law
    /// `crooked` of `seedream-conformance` holds it to that; what the operation and the transport do is held without it.
    fn is_lenient(&self) -> bool {
        false
    }

    /// Tasks, where requests are accepted first and collected later.
    fn tasks(&self) -> Option<&dyn TaskDialect> {
        None
    }

    /// Streams, where images can arrive one by one.
    fn streaming(&self) -> Option<&dyn StreamDialect> {
        None
    }

    /// The list of models, where the provider has one.
    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        None
    }

    /// Where else this dialect is spoken, with model ids and keys of its own; no mirrors.
    fn sites(&self) -> &'static [Site] {
        &[]
    }
}

/// A provider that accepts a request as a task.
pub trait TaskDialect: Dialect {
    /// The request that asks for a task.
    ///
    /// # Errors
    /// Where the id cannot be one of this provider's.
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>>;

    /// What the response says of the task.
    ///
    /// # Errors
    /// Where the response says nothing of the task: the poll failed, not the task.
    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState>;
}

/// A provider that can send images one by one. [`Dialect::encode`] writes `stream` itself when the request sets it.
pub trait StreamDialect: Dialect {
    /// A decoder for the response to one request.
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder>;
}

/// Reads the events of one stream.
pub trait StreamDecoder: Send + fmt::Debug {
    /// Takes one event; unknown ones are skipped.
    fn event(&mut self, frame: &Frame, blobs: &Blobs) -> Vec<StreamItem>;

    /// Whether every image has come and the usage is known, so that nothing but an end mark can follow.
    fn is_complete(&self) -> bool {
        false
    }

    /// What the stream amounts to. `response` is its head, with [`Response::truncated`] set where the connection broke.
    ///
    /// # Errors
    /// What an error event said, or [`ErrorKind::NoImages`](crate::ErrorKind::NoImages): only where no image came.
    fn finish(self: Box<Self>, response: &Response) -> Result<Generation>;
}

/// What an event of a stream brought.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StreamItem {
    /// An image.
    Image(GeneratedImage),
    /// An image that failed; others may follow.
    Failed(ImageFailure),
}

/// A provider that lists its models.
pub trait CatalogDialect: Dialect {
    /// The request for the list.
    fn models_request(&self) -> http::Request<Bytes>;

    /// The list.
    ///
    /// # Errors
    /// What the response says, or that it cannot be read.
    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>>;
}

/// An entry of a provider's own list of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelInfo {
    /// The id to send.
    pub id: ModelId,
}

impl ModelInfo {
    /// An entry.
    pub fn new(id: impl Into<ModelId>) -> Self {
        Self { id: id.into() }
    }
}

/// What a response to a submitted request means.
#[derive(Debug)]
#[non_exhaustive]
pub enum Decoded {
    /// The images are here.
    Done(Generation),
    /// The job was accepted and is to be collected.
    Accepted(Acceptance),
}

/// What a provider says when it accepts a job.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Acceptance {
    /// The task's id.
    pub id: TaskId,
    /// Other ids that may be the task's, where the response names several.
    pub other_ids: Vec<TaskId>,
    /// The model that the provider says it uses.
    pub reported_model: Option<String>,
    /// When the provider says it accepted it.
    pub created: Option<Timestamp>,
    /// How many seconds the provider thinks it takes.
    pub estimated_seconds: Option<u32>,
    /// Whether the provider says that it can be cancelled.
    pub can_cancel: Option<bool>,
    /// What is set aside for it.
    pub usage: Usage,
}

impl Acceptance {
    /// An acceptance of which only the id is known.
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
            other_ids: Vec::new(),
            reported_model: None,
            created: None,
            estimated_seconds: None,
            can_cancel: None,
            usage: Usage::default(),
        }
    }
}

/// What a provider makes of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Effective {
    /// The members of its own body after defaults and rewrites.
    pub body: Map<String, Value>,
    /// The most images that this can cost, where the adapter knows.
    pub max_images: Option<u32>,
}

/// Who a provider is.
#[derive(Debug)]
pub struct Descriptor {
    /// The id, as on the command line.
    pub id: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// The document that the adapter was built from, `000` to `004`, or a URL.
    pub document: &'static str,
    /// How the names of the provider's own pages begin, as a [`Source`] names them, beside its document.
    pub pages: &'static [&'static str],
    /// What its document tells a user to configure; the first is the default, the others are mirrors.
    pub base_urls: &'static [&'static str],
    /// The environment variables that may hold the key, first come first.
    pub key_variables: &'static [&'static str],
    /// Whether its document makes the key optional, at a base URL that the user sets (document 003: a relay).
    pub key_optional: bool,
    /// The environment variables that may hold the base URL.
    pub base_url_variables: &'static [&'static str],
    /// The model that is taken where the user names none.
    pub default_model: &'static str,
    /// The models that it sells.
    pub models: &'static [ModelEntry],
}

/// Another seller that speaks a dialect word for word: only the base URL, the key and the model ids differ.
#[derive(Debug)]
pub struct Site {
    /// The name for people.
    pub name: &'static str,
    /// What a user sets as the base URL.
    pub base_url: &'static str,
    /// The model ids that it takes, which are ids or aliases of the [`Descriptor`].
    pub models: &'static [&'static str],
    /// Where this was read.
    pub source: Source,
}

/// A model that a provider sells.
#[derive(Debug)]
pub struct ModelEntry {
    /// The id to send.
    pub id: &'static str,
    /// The family.
    pub family: Family,
    /// Other ids of it that this provider takes.
    pub aliases: &'static [&'static str],
    /// Where this was read.
    pub source: Source,
}

impl Descriptor {
    /// What an id means to this provider: one of its own ids is sent as it is, another provider's id of a family that is sold
    /// here becomes the id here, and an id that nobody knows is sent as it is.
    pub fn resolve(&self, requested: &ModelId) -> Resolution {
        let own = |entry: &&ModelEntry| entry.id == requested.as_str() || entry.aliases.contains(&requested.as_str());
        let resolved = |model: ModelId, standing| Resolution { requested: requested.clone(), model, standing };
        if let Some(entry) = self.models.iter().find(own) {
            return resolved(requested.clone(), Standing::Sold(Some(entry.family)));
        }
        let Some(family) = requested.family() else {
            return resolved(requested.clone(), Standing::Unknown);
        };
        if let Some(entry) = self.models.iter().find(|entry| entry.family == family) {
            return resolved(entry.id.into(), Standing::Sold(Some(family)));
        }
        let sold = self.models.iter().map(|entry| entry.id.into()).collect();
        let source = self.models.first().map_or(Source::derived("no model is known"), |entry| entry.source.clone());
        resolved(requested.clone(), Standing::Elsewhere { family, sold, source })
    }
}
