//! The traits of an adapter.

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

/// The wire format of one provider.
///
/// An adapter has no key, socket, clock or loop. It converts a request that passed [`Capabilities::check`] to an HTTP request with a
/// path relative to the base URL, and a response to a value.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// The description of the provider.
    fn descriptor(&self) -> &Descriptor;

    /// The rules of a model, constant for each id. The rules of an unknown model allow everything that this dialect can express.
    fn capabilities(&self, model: &ModelId) -> Capabilities;

    /// Encodes a request: method, path below the base URL with its leading `/`, content type and body, without a credential.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the request was checked for another provider.
    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>>;

    /// Decodes the response to a submit.
    ///
    /// # Errors
    /// The error in the response, classified by its code. A 2xx response with an image is never an error.
    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded>;

    /// The effective request: `members` are those of the body that [`Dialect::encode`] wrote; this adds the provider's defaults and
    /// rewrites. [`Encoded::effective`](crate::Encoded::effective) calls it.
    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective;

    /// Whether this adapter also decodes undocumented response shapes, as `seedream-wire` does. The law `crooked` of
    /// `seedream-conformance` tests this; its cases about operation and transport apply to every adapter.
    fn is_lenient(&self) -> bool {
        false
    }

    /// Tasks, if the provider accepts requests first and delivers later.
    fn tasks(&self) -> Option<&dyn TaskDialect> {
        None
    }

    /// Event streams, if images can arrive one by one.
    fn streaming(&self) -> Option<&dyn StreamDialect> {
        None
    }

    /// The live list of models, if the provider has one.
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
    /// Encodes the poll of a task.
    ///
    /// # Errors
    /// If the id cannot belong to this provider.
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>>;

    /// Decodes the response to a poll.
    ///
    /// # Errors
    /// If the response does not state the task's status: the poll failed, not the task.
    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState>;
}

/// A provider that can send images one by one. [`Dialect::encode`] writes `stream` if the request sets it.
pub trait StreamDialect: Dialect {
    /// Creates a decoder for the response to one request.
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder>;
}

/// Decodes the events of one stream.
pub trait StreamDecoder: Send + fmt::Debug {
    /// Decodes one event; unknown events are skipped.
    fn event(&mut self, frame: &Frame, blobs: &Blobs) -> Vec<StreamItem>;

    /// Whether all images and the usage have arrived, so that only an end mark can follow.
    fn is_complete(&self) -> bool {
        false
    }

    /// Ends the stream and returns its outcome. `response` is its head, with [`Response::truncated`] set if the connection broke.
    ///
    /// # Errors
    /// The error of an error event, or [`ErrorKind::NoImages`](crate::ErrorKind::NoImages): only if no image arrived.
    fn finish(self: Box<Self>, response: &Response) -> Result<Generation>;
}

/// A decoded event of a stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StreamItem {
    /// An image.
    Image(GeneratedImage),
    /// An image that failed; others may follow.
    Failed(ImageFailure),
}

/// A provider with a live list of models.
pub trait CatalogDialect: Dialect {
    /// Encodes the request for the list.
    fn models_request(&self) -> http::Request<Bytes>;

    /// Decodes the list.
    ///
    /// # Errors
    /// The error in the response, or that it cannot be decoded.
    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>>;
}
