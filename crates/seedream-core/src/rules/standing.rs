//! Whether a provider sells a model, and under which id.

use crate::{Family, ModelId, Source};

/// Whether a provider sells a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It does.
    Sold(Option<Family>),
    /// It does not, but others do: the ids that this provider sells.
    Elsewhere {
        /// What the id spells.
        family: Family,
        /// What this provider sells instead.
        sold: Vec<ModelId>,
        /// Where its list was read.
        source: Source,
    },
    /// Nobody here knows the id: it is sent as it is, and no rule of a model is checked.
    Unknown,
}

/// What an id means to one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The id that was asked for.
    pub requested: ModelId,
    /// The id to send.
    pub model: ModelId,
    /// Whether it is sold here.
    pub standing: Standing,
}

impl Resolution {
    /// The family, where it is known.
    pub fn family(&self) -> Option<Family> {
        match self.standing {
            Standing::Sold(family) => family,
            Standing::Elsewhere { family, .. } => Some(family),
            Standing::Unknown => None,
        }
    }
}
