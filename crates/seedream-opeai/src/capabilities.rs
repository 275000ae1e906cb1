//! The rules of document 004; sizes and references of a model are those that Ark publishes, to which it refers.

use seedream_core::{
    Capabilities, Descriptor, Family, Field, FieldRule, ImagesRule, Limits, ModelId, Override, Source,
};

use crate::{body::MEMBERS, gateway};

/// What a reseller takes of one reference picture.
const MAX_REFERENCE_BYTES: u64 = 10 * 1024 * 1024;

pub(crate) fn of(descriptor: &'static Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family();
    let three = family == Some(Family::Seedream3T2i);
    let mut limits = family.map_or_else(Limits::unknown, Limits::of);
    limits.size.default = Some(gateway::default_size(resolution.model.as_str()).into());
    if family.is_some() && !three {
        limits.references.max_bytes = Some(MAX_REFERENCE_BYTES);
    }
    let members = (MEMBERS, Source::documented("004", "section 1"));
    let mut rules = Capabilities::new(descriptor.id, resolution, limits.size, members);
    rules.references = limits.references;
    rules.images = images(three, &limits.images);
    rules.fields = fields(three);
    rules.ignored_members = (gateway::WITHOUT_EFFECT, Source::documented("004", "members without effect"));
    rules.overrides = Some(Override {
        member: "sequential_image_generation",
        field: Field::Count,
        says: "an explicit sequential_image_generation decides alone: the gateway makes no group of n [document 004, n]",
    });
    rules
}

fn images(three: bool, published: &ImagesRule) -> ImagesRule {
    let mut rule = ImagesRule::up_to(None, Source::documented("004", "n"));
    if three {
        rule.max = Some(1);
    } else {
        // "The official ceiling is advised to be 1 to 15": more is not said to be refused.
        rule.advised_max = Some(15);
        rule.with_references = published.with_references;
    }
    rule
}

fn fields(three: bool) -> Vec<FieldRule> {
    let documented = |field, at| FieldRule::honoured(field, Source::documented("004", at));
    let stream = if three {
        FieldRule::refused(Field::Stream, Source::published("volcengine.com/docs/82379/1541523", "stream"))
    } else {
        documented(Field::Stream, "stream")
    };
    vec![
        documented(Field::Delivery, "response_format").one_of(&["url", "inline"]).default("url"),
        stream.default(false),
        documented(Field::Watermark, "watermark").default(false),
        FieldRule::ignored(Field::Format, Source::documented("004", "members without effect")),
    ]
}
