//! The number of images that a model makes.

use serde::{Deserialize, Serialize};

use crate::Source;

/// The number of images that a model makes for one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImagesRule {
    /// The legal maximum; `None` if no page states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The advised maximum, which is not enforced (ope.ai, the seedream series, n).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advised_max: Option<u32>,
    /// Whether a group without a number is legal ([`Count::Auto`](crate::Count::Auto)).
    #[serde(default)]
    pub auto: bool,
    /// Whether any count is an error (Ark 5.0 pro refuses even `disabled`).
    #[serde(default)]
    pub count_refused: bool,
    /// The maximum of references and images together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_references: Option<TotalRule>,
    /// Whether the model reads the number from the prompt, so that the count is only a maximum.
    #[serde(default)]
    pub prompt_decides: bool,
    /// The source of the rule.
    pub source: Source,
}

impl ImagesRule {
    /// Accepts up to `max` images; the prompt decides the number.
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

    /// Accepts one image and no count.
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
    /// Whether the provider makes fewer images instead of responding with an error.
    #[serde(default)]
    pub truncates: bool,
    /// The source of the limit.
    pub source: Source,
}
