//! How many images a model makes.

use serde::{Deserialize, Serialize};

use crate::Source;

/// How many images a model makes for one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImagesRule {
    /// The most that may be asked for; `None` where the document states no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The most that the document advises, without saying that more is refused (document 004, n).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advised_max: Option<u32>,
    /// Whether a group may be asked for without a number ([`Count::Auto`](crate::Count::Auto)).
    #[serde(default)]
    pub auto: bool,
    /// Whether asking for a number at all is an error (Ark 5.0 pro refuses even `disabled`).
    #[serde(default)]
    pub count_refused: bool,
    /// The most of references and images together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_references: Option<TotalRule>,
    /// Whether the model reads from the prompt how many to make, so that the number is only a ceiling.
    #[serde(default)]
    pub prompt_decides: bool,
    /// Where all this was read.
    pub source: Source,
}

impl ImagesRule {
    /// Up to `max` images, as many as the prompt asks for.
    pub fn up_to(max: impl Into<Option<u32>>, source: Source) -> Self {
        Self {
            max: max.into(),
            advised_max: None,
            auto: false,
            count_refused: false,
            with_references: None,
            prompt_decides: true,
            source,
        }
    }

    /// One image, and no member may ask for more.
    pub fn single(source: Source) -> Self {
        Self {
            max: Some(1),
            advised_max: None,
            auto: false,
            count_refused: true,
            with_references: None,
            prompt_decides: false,
            source,
        }
    }
}

/// A limit of references and images together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotalRule {
    /// The limit.
    pub limit: u32,
    /// Whether the provider then makes fewer images, instead of answering with an error.
    #[serde(default)]
    pub truncates: bool,
    /// Where this was read.
    pub source: Source,
}
