//! The usage statement of a response.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Amount;

/// The usage statement of a response. An absent value is not zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Successfully generated images: the basis of Ark's bill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_images: Option<u64>,
    /// Billed reference images (Ark 5.0 pro and flash).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_images: Option<u64>,
    /// Sum of width x height / 256 over the generated images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Input tokens (OpenAI's spelling; `prompt_tokens` of doc.aimanyi.top/api-349230272 too).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// All tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
    /// Web searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_searches: Option<u64>,
    /// The reserved credits (`credits_reserved` of docs.evolink.ai). The final charge may be lower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Amount>,
    /// Other members, and known members with an unreadable value.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
}

impl Usage {
    /// Whether the response has no usage statement.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
