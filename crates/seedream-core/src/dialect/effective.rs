//! What a provider makes of a request.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a provider makes of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Effective {
    /// The members of its own body after defaults and rewrites.
    pub body: Map<String, Value>,
    /// The most images that this can cost, where the adapter knows.
    pub max_images: Option<u32>,
}
