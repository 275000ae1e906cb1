//! The rules of docs.aioagi.tech/api-reference/endpoint/seedream; for "depends on the model", Ark's published rules of the model.

use seedream_core::{
    Capabilities, Descriptor, Family, Field, FieldRule, Limits, Members, ModelId, PixelRule, Source, Tier,
};

use crate::body::MEMBERS;

/// The documentation page of the adapter.
pub(crate) const PAGE: &str = "docs.aioagi.tech/api-reference/endpoint/seedream";

pub(crate) fn of(descriptor: &Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family;
    let mut limits = family.map_or_else(Limits::unknown, Limits::of);
    if family.is_some() {
        // "2K, 3K, 4K or pixels; what is supported differs by model."
        let own = Source::documented(PAGE, "size");
        limits.size = limits.size.stated_by(own, &[Tier::K2, Tier::K3, Tier::K4], PixelRule::any());
        limits.references = limits.references.resold();
    }
    if limits.images.max == Some(15) {
        limits.images.source = Source::documented(PAGE, "sequential_image_generation_options.max_images");
    }
    let members = Members::new(MEMBERS.iter().copied(), Source::documented(PAGE, "core parameters"));
    let mut rules = Capabilities::new(descriptor, resolution, limits.size, members);
    rules.references = limits.references;
    rules.images = limits.images;
    rules.fields = fields(family).into();
    rules
}

fn fields(family: Option<Family>) -> Vec<FieldRule> {
    let published = |at| Source::published("volcengine.com/docs/82379/1541523", at);
    let documented = |field, at| FieldRule::honoured(field, Source::documented(PAGE, at));
    let format = match family {
        // "Seedream 5.0 supports png and jpeg."
        Some(Family::Seedream5Lite) | None => documented(Field::Format, "output_format").one_of(&["png", "jpeg"]),
        Some(_) => FieldRule::refused(Field::Format, Source::documented(PAGE, "output_format")),
    };
    let seed = match family {
        // "Only some 3.0 models."
        Some(Family::Seedream3T2i) | None => documented(Field::Seed, "seed"),
        // An official example of Ark sends it with 4.0 and succeeds.
        Some(_) => FieldRule::ignored(Field::Seed, Source::documented(PAGE, "seed")),
    };
    let guidance = match family {
        Some(Family::Seedream3T2i) | None => {
            documented(Field::GuidanceScale, "guidance_scale").within(1.0, 10.0).range_from(published("guidance_scale"))
        }
        Some(_) => FieldRule::refused(Field::GuidanceScale, Source::documented(PAGE, "guidance_scale")),
    };
    vec![
        documented(Field::ResponseFormat, "response_format").one_of(&["url", "b64_json"]).default("url"),
        format.default("jpeg"),
        documented(Field::Watermark, "watermark").default(true),
        seed.within(-1.0, 2_147_483_647.0).range_from(published("seed")),
        guidance,
    ]
}
