//! The typed rules of a provider's model, each with its source.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    BackgroundRule, Descriptor, Family, Field, FieldRule, FieldRules, ImagesRule, LayersRule, ModelId, Price,
    PromptRule, ProviderId, ReferenceRule, Resolution, Seller, SizeRule, Source, Standing, StatedBy,
};

/// The rules of one model at one provider.
///
/// Plain data, so that rules can be stored, compared and corrected without a new release. [`CAPABILITIES_SCHEMA`](crate::CAPABILITIES_SCHEMA)
/// is their JSON Schema; [`Overrides`](crate::Overrides) read a part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Capabilities {
    /// The provider's id.
    pub provider: ProviderId,
    /// Its name and the prefixes of its pages, for messages.
    pub seller: Seller,
    /// Whether the request goes to a relay: a host with this dialect that is not the provider's.
    #[serde(default)]
    pub relay: bool,
    /// The requested model.
    pub requested: ModelId,
    /// The id of the model at this provider; the requested id if the model is unknown.
    pub model: ModelId,
    /// The family, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Whether this provider sells the model.
    pub standing: Standing,
    /// Sizes.
    pub size: SizeRule,
    /// Reference images.
    pub references: ReferenceRule,
    /// How many images.
    pub images: ImagesRule,
    /// The prompt.
    pub prompt: PromptRule,
    /// The optional fields; a field that is not listed has no member in this dialect. In JSON an object by field name.
    pub fields: FieldRules,
    /// The members that the adapter writes, which `extra` must not contain, and their source.
    pub members: Members,
    /// Members without effect, and their source.
    pub ignored_members: Members,
    /// A member of `extra` that takes precedence over a field, such as ope.ai's explicit `sequential_image_generation` over `n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precedence: Option<Precedence>,
    /// The member `background` of `extra`; `None` if its rule is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<BackgroundRule>,
    /// The member `layer_decomposition` of `extra`; `None` if its rule is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<LayersRule>,
    /// The published price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// Members of a provider's body, and their source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// The names.
    #[serde(default)]
    pub names: Vec<Cow<'static, str>>,
    /// The source.
    pub source: Source,
}

impl Members {
    /// Creates a set of members.
    pub fn new<T: Into<Cow<'static, str>>>(names: impl IntoIterator<Item = T>, source: Source) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), source }
    }

    /// Whether the set contains this name.
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|member| member == name)
    }
}

/// A member of `extra` that takes precedence over a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precedence {
    /// The member.
    pub member: Cow<'static, str>,
    /// The field without effect in that case.
    pub field: Field,
    /// The warning: one sentence.
    pub message: Cow<'static, str>,
}

impl Capabilities {
    /// Creates rules with these sizes and members, no references, one image, any prompt and no optional field; an adapter adds the
    /// documented rules.
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

    /// Which party states a rule of this source.
    pub fn stated_by(&self, source: &Source) -> StatedBy {
        self.seller.states(source)
    }

    /// The rule of an optional field; `None` if this dialect has no member for it.
    pub fn field(&self, field: Field) -> Option<&FieldRule> {
        self.fields.get(field)
    }
}
