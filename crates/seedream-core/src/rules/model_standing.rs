//! Whether a provider sells a model, and under which id.

use serde::{Deserialize, Serialize};

use crate::{Family, ModelId, Source};

/// Whether a provider sells a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// The provider sells it.
    Sold,
    /// Only other providers sell it.
    Elsewhere {
        /// The ids that this provider sells.
        sold: Vec<ModelId>,
        /// The source of its list.
        source: Source,
    },
    /// The id is unknown: it is sent unchanged, and no rule of a model is checked.
    Unknown,
}

/// The resolution of an id at one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The requested id.
    pub requested: ModelId,
    /// The id to send.
    pub model: ModelId,
    /// The family, if known.
    pub family: Option<Family>,
    /// Whether the provider sells it.
    pub standing: Standing,
}
