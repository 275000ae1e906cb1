//! What an adapter is: pure functions between a request, HTTP, and what came back.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    decoded::{Decoded, TaskState},
    descriptor::{Descriptor, ModelInfo},
    effective::Effective,
    response::{Blobs, Response},
};
use crate::{Capabilities, Checked, GeneratedImage, Generation, ImageFailure, ModelId, Result, Task, sse::Frame};

/// One provider's way of speaking.
///
/// An adapter holds no key, socket, clock or loop: a request that passed [`Capabilities::check`] becomes an HTTP request with a
/// path relative to the base URL, and a response becomes a value.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// Who the provider is.
    fn descriptor(&self) -> &Descriptor;

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
}

impl<D: Dialect + ?Sized> Dialect for Arc<D> {
    fn descriptor(&self) -> &Descriptor {
        (**self).descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        (**self).capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        (**self).encode(request)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        (**self).decode(request, response)
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        (**self).effective(request, members)
    }

    fn is_lenient(&self) -> bool {
        (**self).is_lenient()
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        (**self).tasks()
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        (**self).streaming()
    }

    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        (**self).catalog()
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
