//! What a request sends, and what it can cost.

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{Amount, ModelId, Price, ProviderId, Warning};

/// What a request sends, and what it can cost.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The provider's id.
    pub provider: ProviderId,
    /// The model id that is sent.
    pub model: ModelId,
    /// The HTTP method.
    pub method: String,
    /// The full URL.
    pub url: String,
    /// The exact body.
    pub body: Box<RawValue>,
    /// The effective request after the provider's defaults and rewrites.
    pub effective: Map<String, Value>,
    /// Deviations from the request.
    pub warnings: Vec<Warning>,
    /// The most images that can be billed.
    pub max_images: u32,
    /// The published price of one image.
    pub price: Option<Price>,
    /// The maximum cost of the request at that price.
    pub most: Option<Amount>,
}

impl Plan {
    /// Creates a plan without effective values, warnings and price.
    pub fn new(provider: ProviderId, model: ModelId, method: String, url: String, body: Box<RawValue>) -> Self {
        let (effective, warnings) = (Map::new(), Vec::new());
        Self { provider, model, method, url, body, effective, warnings, max_images: 1, price: None, most: None }
    }
}
