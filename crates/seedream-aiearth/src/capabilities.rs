//! The rules of document 001; where it says "depends on the model", those that Ark publishes of the model.

use seedream_core::{Capabilities, Descriptor, Family, Field, FieldRule, Limits, ModelId, Source};

use crate::body::MEMBERS;

/// What a reseller takes of one reference picture.
const MAX_REFERENCE_BYTES: u64 = 10 * 1024 * 1024;

pub(crate) fn of(descriptor: &'static Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family();
    let mut limits = family.map_or_else(Limits::unknown, Limits::of);
    if family.is_some_and(|family| family != Family::Seedream3T2i) {
        limits.references.max_bytes = Some(MAX_REFERENCE_BYTES);
    }
    let members = (MEMBERS, Source::documented("001", "core parameters"));
    let mut rules = Capabilities::new(descriptor.id, resolution, limits.size, members);
    rules.references = limits.references;
    rules.images = limits.images;
    rules.fields = fields(family);
    rules
}

fn fields(family: Option<Family>) -> Vec<FieldRule> {
    let documented = |field, at| FieldRule::honoured(field, Source::documented("001", at));
    let format = match family {
        // "Seedream 5.0 supports png and jpeg."
        Some(Family::Seedream5Lite) | None => documented(Field::Format, "output_format").one_of(&["png", "jpeg"]),
        Some(_) => FieldRule::refused(Field::Format, Source::documented("001", "output_format")),
    };
    let seed = match family {
        // "Only some 3.0 models."
        Some(Family::Seedream3T2i) | None => documented(Field::Seed, "seed"),
        // An official example of Ark sends it with 4.0 and is not refused.
        Some(_) => FieldRule::ignored(Field::Seed, Source::documented("001", "seed")),
    };
    let guidance = match family {
        Some(Family::Seedream3T2i) | None => documented(Field::GuidanceScale, "guidance_scale").within(1.0, 10.0),
        Some(_) => FieldRule::refused(Field::GuidanceScale, Source::documented("001", "guidance_scale")),
    };
    vec![
        documented(Field::Delivery, "response_format").one_of(&["url", "inline"]).default("url"),
        format.default("jpeg"),
        documented(Field::Watermark, "watermark").default(true),
        seed.within(-1.0, 2_147_483_647.0),
        guidance,
    ]
}
