//! What a response says about cost.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Amount;

/// What a response says about cost. Absent is not zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Images made successfully: what Ark and its relays bill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_images: Option<u64>,
    /// Reference images that count (Ark 5.0 pro and flash).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_images: Option<u64>,
    /// Sum of width x height / 256 over the images made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Tokens that went in (OpenAI's spelling; `prompt_tokens` of document 003 too).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// All tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
    /// Searches that were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_searches: Option<u64>,
    /// What was set aside, in credits (document 002, `credits_reserved`). What is charged in the end may be less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Amount>,
    /// Members that have no field here, and known ones whose value could not be read.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
}

impl Usage {
    /// Whether the response says nothing about cost.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
