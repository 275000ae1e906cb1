//! What a request would send, and what happens to it.

use std::pin::Pin;

use futures_core::Stream;
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{Amount, ErrorKind, GeneratedImage, Generation, ImageFailure, ModelId, Price, Result, Task, Warning};

/// The events of one request.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<Event>> + Send>>;

/// Something that happened to a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// It was refused for now and is sent again after a while.
    Retrying {
        /// The attempt that comes next, from 2.
        attempt: u32,
        /// How long from now.
        wait: std::time::Duration,
        /// Why.
        kind: ErrorKind,
    },
    /// It was accepted: from here on it can be collected with this.
    Submitted(Task),
    /// It is being made.
    Progress {
        /// The provider's own word.
        status: String,
        /// Per cent, where the provider says.
        percent: Option<u8>,
    },
    /// An image is there.
    Image(GeneratedImage),
    /// An image failed; others may follow.
    ImageFailed(ImageFailure),
    /// It is over.
    Finished(Generation),
}

impl Event {
    /// The event of one outcome.
    pub(crate) fn of(outcome: Result<GeneratedImage, ImageFailure>) -> Self {
        outcome.map_or_else(Self::ImageFailed, Self::Image)
    }
}

/// What a request would send, and what it can cost.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The provider's id.
    pub provider: &'static str,
    /// The model id to send.
    pub model: ModelId,
    /// The HTTP method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The exact body.
    pub body: Box<RawValue>,
    /// What the provider makes of it, after its defaults and rewrites.
    pub effective: Map<String, Value>,
    /// What happens differently from what was asked.
    pub warnings: Vec<Warning>,
    /// The most images that it can cost.
    pub max_images: u32,
    /// The price of one image, where a document states it.
    pub price: Option<Price>,
    /// The most that the request can cost, by that price.
    pub most: Option<Amount>,
}

impl Plan {
    /// A plan without effective values, warnings and price.
    pub fn new(provider: &'static str, model: ModelId, method: String, url: String, body: Box<RawValue>) -> Self {
        let (effective, warnings) = (Map::new(), Vec::new());
        Self { provider, model, method, url, body, effective, warnings, max_images: 1, price: None, most: None }
    }
}
