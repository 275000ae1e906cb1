//! Who a provider is and which models it sells.

use serde::{Deserialize, Serialize};

use crate::{Family, ModelId, Resolution, Source, Standing};

/// Who a provider is.
#[derive(Debug)]
pub struct Descriptor {
    /// The id, as on the command line.
    pub id: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// The document that the adapter was built from, `000` to `004`, or a URL.
    pub document: &'static str,
    /// How the names of the provider's own pages begin, as a [`Source`] names them, beside its document.
    pub pages: &'static [&'static str],
    /// What its document tells a user to configure; the first is the default, the others are mirrors.
    pub base_urls: &'static [&'static str],
    /// The environment variables that may hold the key, first come first.
    pub key_variables: &'static [&'static str],
    /// Whether its document makes the key optional, at a base URL that the user sets (document 003: a relay).
    pub key_optional: bool,
    /// The environment variables that may hold the base URL.
    pub base_url_variables: &'static [&'static str],
    /// The model that is taken where the user names none.
    pub default_model: &'static str,
    /// The models that it sells.
    pub models: &'static [ModelEntry],
}

/// Another seller that speaks a dialect word for word: only the base URL, the key and the model ids differ.
#[derive(Debug)]
pub struct Site {
    /// The name for people.
    pub name: &'static str,
    /// What a user sets as the base URL.
    pub base_url: &'static str,
    /// The model ids that it takes, which are ids or aliases of the [`Descriptor`].
    pub models: &'static [&'static str],
    /// Where this was read.
    pub source: Source,
}

/// A model that a provider sells.
#[derive(Debug)]
pub struct ModelEntry {
    /// The id to send.
    pub id: &'static str,
    /// The family.
    pub family: Family,
    /// Other ids of it that this provider takes.
    pub aliases: &'static [&'static str],
    /// Where this was read.
    pub source: Source,
}

impl Descriptor {
    /// What an id means to this provider: one of its own ids is sent as it is, another provider's id of a family that is sold
    /// here becomes the id here, and an id that nobody knows is sent as it is.
    pub fn resolve(&self, requested: &ModelId) -> Resolution {
        let own = |entry: &&ModelEntry| entry.id == requested.as_str() || entry.aliases.contains(&requested.as_str());
        let resolved = |model: ModelId, standing| Resolution { requested: requested.clone(), model, standing };
        if let Some(entry) = self.models.iter().find(own) {
            return resolved(requested.clone(), Standing::Sold(Some(entry.family)));
        }
        let Some(family) = requested.family() else {
            return resolved(requested.clone(), Standing::Unknown);
        };
        if let Some(entry) = self.models.iter().find(|entry| entry.family == family) {
            return resolved(entry.id.into(), Standing::Sold(Some(family)));
        }
        let sold = self.models.iter().map(|entry| entry.id.into()).collect();
        let source = self.models.first().map_or(Source::derived("no model is known"), |entry| entry.source.clone());
        resolved(requested.clone(), Standing::Elsewhere { family, sold, source })
    }
}

/// An entry of a provider's own list of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelInfo {
    /// The id to send.
    pub id: ModelId,
}

impl ModelInfo {
    /// An entry.
    pub fn new(id: impl Into<ModelId>) -> Self {
        Self { id: id.into() }
    }
}
