//! A model that the provider does not sell yet is not refused what the provider's models accept.

use seedream_core::{
    Dialect, Error, Field, ImageRequest, ImageSource, ModelId, OutputFormat, Pixels, Ratio, Size, Strictness, Tier,
};
use seedream_fixtures::{FieldRole, ModelFacts, ProviderFacts};

use super::role_members::role;
use crate::{CaseFailure, harness::difference::Differences};

/// A model that no provider sells.
pub(crate) const UNKNOWN_MODEL: &str = "model-that-nobody-knows";

pub(super) fn check(dialect: &dyn Dialect, provider: &ProviderFacts) -> Result<(), CaseFailure> {
    let rules = dialect.capabilities(&ModelId::from(UNKNOWN_MODEL));
    let mut d = Differences::default();
    for model in &provider.models {
        for (what, request) in requests(provider, model) {
            let refused = rules.check(&request, Strictness::Strict).err();
            let refused = refused.as_ref().map(Error::message);
            d.holds(refused.is_none(), || {
                format!("{} accepts {what}, an unknown model does not: {}", model.id, refused.unwrap_or_default())
            });
        }
    }
    d.into_result()
}

/// Requests for an unknown model, one for each limit of a model that the provider sells.
fn requests(provider: &ProviderFacts, model: &ModelFacts) -> Vec<(String, ImageRequest)> {
    let plain = || ImageRequest::new(UNKNOWN_MODEL, "a lighthouse in fog");
    let mut requests: Vec<(String, ImageRequest)> =
        sizes(model).into_iter().map(|size| (format!("the size {size}"), plain().size(size))).collect();
    let counts = [FieldRole::Count, FieldRole::GroupMax].into_iter().any(|role| provider.field(role).is_some());
    if counts {
        requests.push((format!("{} images", model.max_images), plain().count(model.max_images)));
    }
    if let Some(references) = model.references.as_ref().filter(|_| provider.field(FieldRole::References).is_some()) {
        let reference = |n| ImageSource::url(format!("https://example.com/{n}.png"));
        let request = (0..references.max).fold(plain(), |request, n| request.reference(reference(n)));
        requests.push((format!("{} references", references.max), request));
    }
    for field in Field::OPTIONAL {
        let member = role(field).and_then(|role| provider.field(role)).filter(|member| !model.refuses(&member.name));
        let Some(member) = member else { continue };
        let number = member.max.unwrap_or(1.0);
        let request = match field {
            Field::Seed => plain().seed(number as i64),
            Field::GuidanceScale => plain().guidance_scale(number),
            Field::Watermark => plain().watermark(true),
            Field::Format if member.values.iter().any(|value| value == "png") => plain().format(OutputFormat::Png),
            _ => continue,
        };
        requests.push((format!("`{}`", member.name), request));
    }
    requests
}

/// Every size that a model states, and the least and the greatest square of its pixels.
fn sizes(model: &ModelFacts) -> Vec<Size> {
    let facts = &model.size;
    let tiers = facts.tiers.iter().filter_map(|tier| tier.parse::<Tier>().ok()).map(Size::Tier);
    let ratios = facts.ratios.iter().filter_map(|ratio| ratio.parse::<Ratio>().ok());
    let ratios = ratios.map(|ratio| Size::Ratio { ratio, tier: None });
    let pixels = facts.pixels.iter().flat_map(|pixels| {
        let least = (pixels.min.unwrap_or(1) as f64).sqrt().ceil() as u32;
        let most = pixels.max.map(|max| (max as f64).sqrt() as u32);
        [Some(least), most].into_iter().flatten().map(|side| Size::Pixels(Pixels::of(side, side)))
    });
    tiers.chain(ratios).chain(facts.auto.then_some(Size::Auto)).chain(pixels).collect()
}
