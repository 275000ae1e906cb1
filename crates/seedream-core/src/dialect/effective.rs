//! The effective request after the provider's defaults and rewrites.

use serde::Serialize;
use serde_json::{Map, Value};

/// The effective request after the provider's defaults and rewrites.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Effective {
    /// The members of the effective body.
    pub body: Map<String, Value>,
    /// The most images that can be billed, if known.
    pub max_images: Option<u32>,
}
