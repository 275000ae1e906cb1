//! The rules of docs.gogogotoken.ai/overseas/seedream-images, section "request body".

use seedream_core::{
    Amount, Capabilities, Descriptor, Family, Field, FieldRule, Limits, Members, ModelId, PixelRule, Price,
    ReferenceRule, Source, Standing, TABLE,
};

use crate::body::MEMBERS;

/// The documentation page of the adapter.
pub(crate) const PAGE: &str = "docs.gogogotoken.ai/overseas/seedream-images";

pub(crate) fn of(descriptor: &Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family;
    let size = match (&resolution.standing, family) {
        // The page states the minimum area; the maximum and the shapes are those of the resold models.
        (Standing::Sold, Some(family)) => {
            let mut own = PixelRule::any();
            own.min = 3_686_400;
            let mut published = Limits::of(family).size;
            (published.tiers, published.table) = (Vec::new(), TABLE.to_vec());
            published.stated_by(Source::documented(PAGE, "size"), &[], own)
        }
        _ => {
            let mut unknown = Limits::unknown().size;
            unknown.tiers.clear();
            unknown
        }
    };
    let members = Members::new(MEMBERS.iter().copied(), Source::documented(PAGE, "request body"));
    let mut rules = Capabilities::new(descriptor, resolution, size, members);
    rules.references = ReferenceRule::absent(Source::documented(PAGE, "request body"));
    // The page states no maximum of `n`; 15 is the maximum of the resold models.
    rules.images = match family {
        Some(family) => Limits::of(family).images,
        None => Limits::unknown().images,
    };
    (rules.images.with_references, rules.images.auto) = (None, false);
    // The page does not state that the prompt decides; it bills delivered images.
    rules.images.prompt_decides = false;
    rules.fields = [FieldRule::honoured(Field::ResponseFormat, Source::documented(PAGE, "response_format"))
        .one_of(&["url", "b64_json"])
        .default("url")]
    .into();
    rules.price = price(family);
    rules
}

/// Billed per delivered image.
fn price(family: Option<Family>) -> Option<Price> {
    let micros = match family? {
        Family::Seedream5Lite => 35_000,
        Family::Seedream4_5 => 40_000,
        _ => return None,
    };
    let page = Source::published_on("2026-11-20", "docs.gogogotoken.ai/overseas/seedream-models", "price");
    Some(Price::flat(Amount::micros(micros, "USD"), page))
}
