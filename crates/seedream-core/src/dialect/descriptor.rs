//! The description of a provider: names, base URLs, environment variables, models.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Family, ModelId, ProviderId, Resolution, Source, Standing};

/// The description of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Descriptor {
    /// The id, such as `ark`.
    pub id: ProviderId,
    /// The display name.
    pub name: Cow<'static, str>,
    /// The documentation page of the adapter.
    pub document: Cow<'static, str>,
    /// Prefixes of the provider's other pages, as a [`Source`] names them.
    pub pages: Vec<Cow<'static, str>>,
    /// The documented base URLs; the first is the default, the others are mirrors.
    pub base_urls: Vec<Cow<'static, str>>,
    /// The environment variables for the key, in order of precedence.
    pub key_variables: Vec<Cow<'static, str>>,
    /// Whether the key is optional at a base URL that the user sets (a relay of Ark's form).
    pub key_optional: bool,
    /// The environment variables for the base URL, in order of precedence.
    pub base_url_variables: Vec<Cow<'static, str>>,
    /// The default model.
    pub default_model: ModelId,
    /// The models that it sells.
    pub models: Vec<ModelEntry>,
    /// Other sellers of this dialect, with their own model ids and keys; these are not mirrors.
    pub sites: Vec<Site>,
}

/// Another seller of the same dialect: only the base URL, the key and the model ids differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The display name.
    pub name: Cow<'static, str>,
    /// The base URL.
    pub base_url: Cow<'static, str>,
    /// The accepted model ids: ids or aliases of the [`Descriptor`].
    pub models: Vec<ModelId>,
    /// The source of this entry.
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
    /// Other ids of the model that this provider accepts.
    #[serde(default)]
    pub aliases: Vec<ModelId>,
    /// The source of this entry.
    pub source: Source,
}

/// An entry of a provider's live list of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelInfo {
    /// The id to send.
    pub id: ModelId,
}

impl ModelInfo {
    /// Creates an entry.
    pub fn new(id: impl Into<ModelId>) -> Self {
        Self { id: id.into() }
    }
}

impl ModelEntry {
    /// Creates a model with one id.
    pub fn new(id: impl Into<ModelId>, family: Family, source: Source) -> Self {
        Self { id: id.into(), family, aliases: Vec::new(), source }
    }

    /// Adds other ids of the model.
    #[must_use]
    pub fn aliases<T: Into<ModelId>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.aliases.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Whether this is an id of the model.
    pub fn is_named(&self, id: &ModelId) -> bool {
        self.id == *id || self.aliases.contains(id)
    }
}

impl Site {
    /// Creates another seller.
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
    /// Creates a provider with its documentation page and its models, the first of which is the default.
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

    /// Sets the prefixes of the provider's other pages.
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

    /// Sets the environment variables for the key, in order of precedence.
    #[must_use]
    pub fn key_variables<T: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.key_variables = texts(names);
        self
    }

    /// Sets the environment variables for the base URL.
    #[must_use]
    pub fn base_url_variables<T: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.base_url_variables = texts(names);
        self
    }

    /// Makes the key optional at a base URL that the user sets.
    #[must_use]
    pub fn key_optional(mut self) -> Self {
        self.key_optional = true;
        self
    }

    /// Sets the default model.
    #[must_use]
    pub fn default_model(mut self, id: impl Into<ModelId>) -> Self {
        self.default_model = id.into();
        self
    }

    /// Sets the other sellers of this dialect.
    #[must_use]
    pub fn sites(mut self, sites: impl IntoIterator<Item = Site>) -> Self {
        self.sites = sites.into_iter().collect();
        self
    }

    /// Resolves an id: one of this provider's ids is sent unchanged, an id of another provider becomes this provider's id of the same
    /// family, and an unknown id is sent unchanged.
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
        let source = self.models.first().map_or(Source::derived("no known model"), |entry| entry.source.clone());
        resolved(requested.clone(), Some(family), Standing::Elsewhere { sold, source })
    }
}
