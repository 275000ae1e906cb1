//! Rules of two members of `extra`: the background, and layers, which are billed one by one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Source;

/// The values of `background` that a model accepts.
///
/// Two rules hold for all of them: `transparent` and JPEG exclude each other, and so do `background` and layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BackgroundRule {
    /// The values; empty if the member is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Cow<'static, str>>,
    /// The source of the rule.
    pub source: Source,
}

impl BackgroundRule {
    /// The name of the member.
    pub const MEMBER: &'static str = "background";

    /// Accepts these values.
    pub fn one_of(values: &[&'static str], source: Source) -> Self {
        Self { values: values.iter().copied().map(Cow::Borrowed).collect(), source }
    }

    /// Refuses the member: the provider responds with an error.
    pub fn refused(source: Source) -> Self {
        Self { values: Vec::new(), source }
    }
}

/// The rule of `layer_decomposition`: the model decomposes one image, and every layer is a billed image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LayersRule {
    /// The most layers in addition to the base; 0 if the member is refused.
    pub most: u32,
    /// Whether a member with an unknown name sets the maximum. Then only the model limits the cost.
    #[serde(default)]
    pub open: bool,
    /// The source of the rule.
    pub source: Source,
}

impl LayersRule {
    /// The name of the member.
    pub const MEMBER: &'static str = "layer_decomposition";

    /// The most images of a request with layers at any known model: 99 layers and the base.
    pub const MOST_IMAGES: u32 = 100;

    /// Accepts the member: at most this many layers, and the base.
    pub fn up_to(most: u32, source: Source) -> Self {
        Self { most, open: false, source }
    }

    /// Refuses the member: the provider responds with an error.
    pub fn refused(source: Source) -> Self {
        Self::up_to(0, source)
    }

    /// States that a member with an unknown name sets the number of layers.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// The most billed images, the base included.
    pub fn images(&self) -> u32 {
        // A refused member that is sent nevertheless counts as the known maximum.
        if self.most == 0 { Self::MOST_IMAGES } else { self.most.saturating_add(1) }
    }
}
