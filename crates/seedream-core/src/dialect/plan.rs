//! What a request would send, and what it can cost.

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{Amount, ModelId, Price, ProviderId, Warning};

/// What a request would send, and what it can cost.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The provider's id.
    pub provider: ProviderId,
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
    pub fn new(provider: ProviderId, model: ModelId, method: String, url: String, body: Box<RawValue>) -> Self {
        let (effective, warnings) = (Map::new(), Vec::new());
        Self { provider, model, method, url, body, effective, warnings, max_images: 1, price: None, most: None }
    }
}
