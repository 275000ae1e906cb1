//! The rules of document 004. It hands sizes and references on: their rules are those that Ark publishes of a model.

use seedream_core::{
    Capabilities, Descriptor, Family, Field, FieldRule, ImagesRule, Limits, ModelId, Override, PixelRule, Source, Tier,
};

use crate::{body::MEMBERS, gateway};

pub(crate) fn of(descriptor: &'static Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family();
    let three = family == Some(Family::Seedream3T2i);
    let mut limits = family.map_or_else(Limits::unknown, Limits::of);
    limits.size.default = Some(gateway::default_size(resolution.model.as_str()).into());
    if family.is_some() {
        // "size is passed on: 2K, 3K, 4K, or pixels."
        let own = Source::documented("004", "size");
        limits.size.table_source = own.clone();
        limits.size = limits.size.stated_by(own, &[Tier::K2, Tier::K3, Tier::K4], PixelRule::any());
        limits.references = limits.references.resold();
    }
    let members = (MEMBERS, Source::documented("004", "section 1"));
    let mut rules = Capabilities::new(descriptor, resolution, limits.size, members);
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
    let source = if three { published.source.clone() } else { Source::documented("004", "n") };
    let mut rule = ImagesRule::up_to(three.then_some(1), source);
    if !three {
        // "The official ceiling is advised to be 1 to 15": more is not said to be refused.
        rule.advised_max = Some(15);
        rule.auto = true;
        rule.with_references.clone_from(&published.with_references);
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
        documented(Field::ResponseFormat, "response_format").one_of(&["url", "b64_json"]).default("url"),
        stream.default(false),
        documented(Field::Watermark, "watermark").default(false),
        FieldRule::ignored(Field::Format, Source::documented("004", "members without effect")),
    ]
}
