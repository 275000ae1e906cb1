//! Who a provider is and which models it sells.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Family, ModelId, ProviderId, Resolution, Source, Standing};

/// Who a provider is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Descriptor {
    /// The id, as on the command line.
    pub id: ProviderId,
    /// The name for people.
    pub name: Cow<'static, str>,
    /// The page that the adapter was built from.
    pub document: Cow<'static, str>,
    /// How the names of the provider's own pages begin, as a [`Source`] names them, beside its document.
    pub pages: Vec<Cow<'static, str>>,
    /// What its document tells a user to configure; the first is the default, the others are mirrors.
    pub base_urls: Vec<Cow<'static, str>>,
    /// The environment variables that may hold the key, first come first.
    pub key_variables: Vec<Cow<'static, str>>,
    /// Whether its document makes the key optional, at a base URL that the user sets (a relay of Ark's form).
    pub key_optional: bool,
    /// The environment variables that may hold the base URL.
    pub base_url_variables: Vec<Cow<'static, str>>,
    /// The model that is taken where the user names none.
    pub default_model: ModelId,
    /// The models that it sells.
    pub models: Vec<ModelEntry>,
    /// Where else this dialect is spoken, with model ids and keys of its own; no mirrors.
    pub sites: Vec<Site>,
}

/// Another seller that speaks a dialect word for word: only the base URL, the key and the model ids differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The name for people.
    pub name: Cow<'static, str>,
    /// What a user sets as the base URL.
    pub base_url: Cow<'static, str>,
    /// The model ids that it takes, which are ids or aliases of the [`Descriptor`].
    pub models: Vec<ModelId>,
    /// Where this was read.
    pub source: Source,
}

/// A model that a provider sells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// The id to send.
    pub id: ModelId,
    /// The family.
    pub family: Family,
    /// Other ids of it that this provider takes.
    #[serde(default)]
    pub aliases: Vec<ModelId>,
    /// Where this was read.
    pub source: Source,
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

impl ModelEntry {
    /// A model under one id.
    pub fn new(id: impl Into<ModelId>, family: Family, source: Source) -> Self {
        Self { id: id.into(), family, aliases: Vec::new(), source }
    }

    /// Adds other ids that the provider takes for it.
    #[must_use]
    pub fn aliases<T: Into<ModelId>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.aliases.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Whether an id is one of this model's.
    pub fn is_named(&self, id: &ModelId) -> bool {
        self.id == *id || self.aliases.contains(id)
    }
}

impl Site {
    /// Another seller.
    pub fn new<T: Into<ModelId>>(
        name: impl Into<Cow<'static, str>>,
        base_url: impl Into<Cow<'static, str>>,
        models: impl IntoIterator<Item = T>,
        source: Source,
    ) -> Self {
        let models = models.into_iter().map(Into::into).collect();
        Self { name: name.into(), base_url: base_url.into(), models, source }
    }
}

fn texts<T: Into<Cow<'static, str>>>(texts: impl IntoIterator<Item = T>) -> Vec<Cow<'static, str>> {
    texts.into_iter().map(Into::into).collect()
}

impl Descriptor {
    /// A provider with the page that the adapter was built from and the models that it sells, of which the first is its default.
    pub fn new(
        id: impl Into<ProviderId>,
        name: impl Into<Cow<'static, str>>,
        document: impl Into<Cow<'static, str>>,
        models: impl IntoIterator<Item = ModelEntry>,
    ) -> Self {
        let models: Vec<_> = models.into_iter().collect();
        Self {
            id: id.into(),
            name: name.into(),
            document: document.into(),
            pages: Vec::new(),
            base_urls: Vec::new(),
            key_variables: Vec::new(),
            key_optional: false,
            base_url_variables: Vec::new(),
            default_model: models.first().map_or_else(|| "".into(), |entry| entry.id.clone()),
            models,
            sites: Vec::new(),
        }
    }

    /// Sets how the names of the provider's own pages begin.
    #[must_use]
    pub fn pages<T: Into<Cow<'static, str>>>(mut self, pages: impl IntoIterator<Item = T>) -> Self {
        self.pages = texts(pages);
        self
    }

    /// Sets the base URLs, the default first.
    #[must_use]
    pub fn base_urls<T: Into<Cow<'static, str>>>(mut self, urls: impl IntoIterator<Item = T>) -> Self {
        self.base_urls = texts(urls);
        self
    }

    /// Sets the environment variables that may hold the key, first come first.
    #[must_use]
    pub fn key_variables<T: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.key_variables = texts(names);
        self
    }

    /// Sets the environment variables that may hold the base URL.
    #[must_use]
    pub fn base_url_variables<T: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.base_url_variables = texts(names);
        self
    }

    /// States that a base URL of the user's own may need no key.
    #[must_use]
    pub fn key_optional(mut self) -> Self {
        self.key_optional = true;
        self
    }

    /// Sets the model that is taken where the user names none.
    #[must_use]
    pub fn default_model(mut self, id: impl Into<ModelId>) -> Self {
        self.default_model = id.into();
        self
    }

    /// Sets where else this dialect is spoken.
    #[must_use]
    pub fn sites(mut self, sites: impl IntoIterator<Item = Site>) -> Self {
        self.sites = sites.into_iter().collect();
        self
    }

    /// What an id means to this provider: one of its own ids is sent as it is, another provider's id of a family that is sold
    /// here becomes the id here, and an id that is not known is sent as it is.
    pub fn resolve(&self, requested: &ModelId) -> Resolution {
        let resolved =
            |model: ModelId, family, standing| Resolution { requested: requested.clone(), model, family, standing };
        if let Some(entry) = self.models.iter().find(|entry| entry.is_named(requested)) {
            return resolved(requested.clone(), Some(entry.family), Standing::Sold);
        }
        let Some(family) = requested.family() else {
            return resolved(requested.clone(), None, Standing::Unknown);
        };
        if let Some(entry) = self.models.iter().find(|entry| entry.family == family) {
            return resolved(entry.id.clone(), Some(family), Standing::Sold);
        }
        let sold = self.models.iter().map(|entry| entry.id.clone()).collect();
        let source = self.models.first().map_or(Source::derived("no model is known"), |entry| entry.source.clone());
        resolved(requested.clone(), Some(family), Standing::Elsewhere { sold, source })
    }
}
