//! The reference images that a model takes.

use serde::{Deserialize, Serialize};

use crate::{PixelRule, Source};

/// Which reference images a model takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReferenceRule {
    /// The most images; 0 where a model takes none, `None` where the document states no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Whether the dialect has a member for them.
    #[serde(default)]
    pub member: bool,
    /// Whether they may travel in the body as a data URI, or as a URL only.
    #[serde(default)]
    pub inline: bool,
    /// The most bytes of one image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Where `max_bytes` was read, if not where the rest was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes_source: Option<Source>,
    /// Media types, lower-case; empty where the document states none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
    /// Width and height must both be larger than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side_above: Option<u32>,
    /// Area and shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRule>,
    /// Where all this was read.
    pub source: Source,
}

/// What a reseller takes of one reference.
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

    /// As a reseller takes them: 10 MB each, which is the least that any of their pages states. Ark itself takes 30 MB.
    #[must_use]
    pub fn resold(mut self) -> Self {
        if let Some(bytes) = &mut self.max_bytes {
            *bytes = RESOLD_BYTES;
            self.max_bytes_source = Some(Source::derived("resellers that state a number take 10 MB"));
        }
        self
    }

    /// At most `max`, by URL or inline, with no further rule.
    pub fn at_most(max: impl Into<Option<u32>>, source: Source) -> Self {
        Self { max: max.into(), member: true, inline: true, ..Self::absent(source) }
    }
}
