//! Members that only `extra` reaches and whose rules are known all the same: the background, and layers, which are billed one by one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Source;

/// Which values of `background` a model takes.
///
/// Two rules hold for all of them: `transparent` and JPEG exclude each other, and so do `background` and layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BackgroundRule {
    /// The values; empty where the member is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Cow<'static, str>>,
    /// Where this was read.
    pub source: Source,
}

impl BackgroundRule {
    /// The member in the body.
    pub const MEMBER: &'static str = "background";

    /// One of these values.
    pub fn one_of(values: &[&'static str], source: Source) -> Self {
        Self { values: values.iter().copied().map(Cow::Borrowed).collect(), source }
    }

    /// The provider answers the member with an error.
    pub fn refused(source: Source) -> Self {
        Self { values: Vec::new(), source }
    }
}

/// What a model does with `layer_decomposition`: it takes one image apart, and every layer is an image that is billed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LayersRule {
    /// The most layers beside the base; 0 where the member is refused.
    pub most: u32,
    /// Whether the request can say how many at most, by a member whose name is not known here. Then what it costs has no
    /// bound but the model's own.
    #[serde(default)]
    pub open: bool,
    /// Where this was read.
    pub source: Source,
}

impl LayersRule {
    /// The member in the body.
    pub const MEMBER: &'static str = "layer_decomposition";

    /// The most images that a request with layers is known to make at any model: 99 layers and the base.
    pub const MOST_IMAGES: u32 = 100;

    /// At most so many layers, and the base.
    pub fn up_to(most: u32, source: Source) -> Self {
        Self { most, open: false, source }
    }

    /// The provider answers the member with an error.
    pub fn refused(source: Source) -> Self {
        Self::up_to(0, source)
    }

    /// States that the number of layers is set by a member that is not known here.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// The most images that are billed, the base included.
    pub fn images(&self) -> u32 {
        // What is refused and sent all the same is counted like the most that is known.
        if self.most == 0 { Self::MOST_IMAGES } else { self.most.saturating_add(1) }
    }
}
