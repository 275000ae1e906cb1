//! Whether a provider sells a model, and under which id.

use serde::{Deserialize, Serialize};

use crate::{Family, ModelId, Source};

/// Whether a provider sells a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// It does.
    Sold,
    /// It does not, but others do.
    Elsewhere {
        /// The ids that this provider sells instead.
        sold: Vec<ModelId>,
        /// Where its list was read.
        source: Source,
    },
    /// The id is not known here: it is sent as it is, and no rule of a model is checked.
    Unknown,
}

/// What an id means to one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The id that was asked for.
    pub requested: ModelId,
    /// The id to send.
    pub model: ModelId,
    /// The family, where it is known.
    pub family: Option<Family>,
    /// Whether it is sold here.
    pub standing: Standing,
}
