//! What a provider's model takes: typed rules, each with the document it was read from.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    BackgroundRule, Descriptor, Family, Field, FieldRule, FieldRules, ImagesRule, LayersRule, ModelId, Price,
    PromptRule, ProviderId, ReferenceRule, Resolution, Seller, SizeRule, Source, Standing, StatedBy,
};

/// The rules of one model at one provider.
///
/// Plain data, so that rules can be stored, compared with a document and corrected without a new release. Their JSON is the one
/// schema of all rules ([`CAPABILITIES_SCHEMA`](crate::CAPABILITIES_SCHEMA)): what [`Overrides`](crate::Overrides) read is a part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Capabilities {
    /// The provider's id.
    pub provider: ProviderId,
    /// Its name and where its pages are, for messages.
    pub seller: Seller,
    /// Whether the request goes to a relay: a host that speaks this dialect and is not the provider's own.
    #[serde(default)]
    pub relay: bool,
    /// The model that was asked for.
    pub requested: ModelId,
    /// The id under which this provider sells it; the requested one where nobody here knows the model.
    pub model: ModelId,
    /// The family, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Whether it is sold here.
    pub standing: Standing,
    /// Sizes.
    pub size: SizeRule,
    /// Reference images.
    pub references: ReferenceRule,
    /// How many images.
    pub images: ImagesRule,
    /// The prompt.
    pub prompt: PromptRule,
    /// The optional fields; one that is not listed has no member in this dialect's body. In JSON an object by the field's name.
    pub fields: FieldRules,
    /// The members that the adapter writes itself, so that `extra` may not name them, and where the document lists them.
    pub members: Members,
    /// Members that the document says have no effect, with that document.
    pub ignored_members: Members,
    /// A member of `extra` that takes precedence over a field, as ope.ai's explicit `sequential_image_generation` does over `n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precedence: Option<Precedence>,
    /// The member `background` of `extra`; `None` where nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<BackgroundRule>,
    /// The member `layer_decomposition` of `extra`; `None` where nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<LayersRule>,
    /// What an image costs, where that is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// Members of a provider's body, and where its document lists them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// The names.
    #[serde(default)]
    pub names: Vec<Cow<'static, str>>,
    /// Where they were read.
    pub source: Source,
}

impl Members {
    /// Members of these names.
    pub fn new<T: Into<Cow<'static, str>>>(names: impl IntoIterator<Item = T>, source: Source) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), source }
    }

    /// Whether one has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|member| member == name)
    }
}

/// A member of `extra` that decides in place of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precedence {
    /// The member.
    pub member: Cow<'static, str>,
    /// The field that then has no effect.
    pub field: Field,
    /// What happens, as a sentence.
    pub message: Cow<'static, str>,
}

impl Capabilities {
    /// Rules with the sizes and the members of the body given, without references, one image, any prompt and no optional
    /// field: an adapter adds what its document states.
    pub fn new(provider: &Descriptor, resolution: Resolution, size: SizeRule, members: Members) -> Self {
        let source = members.source.clone();
        Self {
            provider: provider.id.clone(),
            seller: Seller { name: provider.name.clone(), pages: provider.pages.clone() },
            relay: false,
            requested: resolution.requested,
            model: resolution.model,
            family: resolution.family,
            standing: resolution.standing,
            size,
            references: ReferenceRule::absent(source.clone()),
            images: ImagesRule::single(source.clone()),
            prompt: PromptRule::any(source.clone()),
            fields: FieldRules::default(),
            members,
            ignored_members: Members { names: Vec::new(), source },
            precedence: None,
            background: None,
            layers: None,
            price: None,
        }
    }

    /// Who states a rule of this source.
    pub fn stated_by(&self, source: &Source) -> StatedBy {
        self.seller.states(source)
    }

    /// The rule of an optional field; `None` where this dialect has no member for it.
    pub fn field(&self, field: Field) -> Option<&FieldRule> {
        self.fields.get(field)
    }
}
