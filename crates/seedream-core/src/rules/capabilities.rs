//! What a provider's model takes: typed rules, each with the document it was read from.

use super::source::Seller;
use crate::{
    BackgroundRule, Descriptor, Field, FieldRule, ImagesRule, LayersRule, ModelId, Price, PromptRule, ReferenceRule,
    Resolution, SizeRule, Source, Standing, StatedBy,
};

/// The rules of one model at one provider.
///
/// Plain data, so that rules can be stored, compared with a document and corrected without a new release.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The provider's id.
    pub provider: &'static str,
    pub(crate) seller: Seller,
    /// Whether the request goes to a relay: a host that speaks this dialect and is not the provider's own.
    pub relay: bool,
    /// The model that was asked for.
    pub requested: ModelId,
    /// The id under which this provider sells it; the requested one where nobody here knows the model.
    pub model: ModelId,
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
    /// The optional fields; one that is not listed has no member in this dialect's body.
    pub fields: Vec<FieldRule>,
    /// The members that the adapter writes itself, so that `extra` may not name them, and where the document lists them.
    pub members: (&'static [&'static str], Source),
    /// Members that the document says have no effect, with that document.
    pub ignored_members: (&'static [&'static str], Source),
    /// A member of `extra` that takes precedence over a field, as ope.ai's explicit `sequential_image_generation` does over `n`.
    pub overrides: Option<Override>,
    /// The member `background` of `extra`; `None` where nothing is known of it.
    pub background: Option<BackgroundRule>,
    /// The member `layer_decomposition` of `extra`; `None` where nothing is known of it.
    pub layers: Option<LayersRule>,
    /// What an image costs, where that is published.
    pub price: Option<Price>,
}

/// A member of `extra` that decides in place of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The member.
    pub member: &'static str,
    /// The field that then has no effect.
    pub field: Field,
    /// What happens, as a sentence for a person.
    pub says: &'static str,
}

impl Capabilities {
    /// Rules with the sizes and the members of the body given, without references, one image, any prompt and no optional
    /// field: an adapter adds what its document states.
    pub fn new(
        provider: &Descriptor,
        resolution: Resolution,
        size: SizeRule,
        members: (&'static [&'static str], Source),
    ) -> Self {
        let source = members.1.clone();
        Self {
            provider: provider.id,
            seller: Seller { name: provider.name, pages: provider.pages },
            relay: false,
            requested: resolution.requested,
            model: resolution.model,
            standing: resolution.standing,
            size,
            references: ReferenceRule::absent(source.clone()),
            images: ImagesRule::single(source.clone()),
            prompt: PromptRule::any(source.clone()),
            fields: Vec::new(),
            members,
            ignored_members: (&[], source),
            overrides: None,
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
        self.fields.iter().find(|rule| rule.field == field)
    }
}
