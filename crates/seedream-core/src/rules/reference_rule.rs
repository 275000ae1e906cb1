//! The reference images that a model accepts.

use serde::{Deserialize, Serialize};

use crate::{PixelRule, Source};

/// The reference images that a model accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReferenceRule {
    /// The most images; 0 if a model accepts none, `None` if no page states a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Whether the dialect has a member for them.
    #[serde(default)]
    pub member: bool,
    /// Whether references may be data URIs, or URLs only.
    #[serde(default)]
    pub inline: bool,
    /// The most bytes of one image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The source of `max_bytes`, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes_source: Option<Source>,
    /// Media types, lower-case; empty if no page states them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
    /// Width and height must both be larger than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side_above: Option<u32>,
    /// Area and shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRule>,
    /// The source of the rule.
    pub source: Source,
}

/// The size limit of a reference at resellers.
const RESOLD_BYTES: u64 = 10 * 1024 * 1024;

impl ReferenceRule {
    /// No reference images: the dialect has no member for them.
    pub fn absent(source: Source) -> Self {
        Self {
            max: Some(0),
            member: false,
            inline: false,
            max_bytes: None,
            max_bytes_source: None,
            media_types: Vec::new(),
            side_above: None,
            pixels: None,
            source,
        }
    }

    /// Sets the limit of resellers: 10 MB each, the lowest on any of their pages. Ark accepts 30 MB.
    #[must_use]
    pub fn resold(mut self) -> Self {
        if let Some(bytes) = &mut self.max_bytes {
            *bytes = RESOLD_BYTES;
            self.max_bytes_source = Some(Source::derived("resellers that state a number accept 10 MB"));
        }
        self
    }

    /// Accepts at most `max` references, by URL or inline, without further rules.
    pub fn at_most(max: impl Into<Option<u32>>, source: Source) -> Self {
        Self { max: max.into(), member: true, inline: true, ..Self::absent(source) }
    }
}
