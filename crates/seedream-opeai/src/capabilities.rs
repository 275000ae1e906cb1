//! The rules of ope.ai, the seedream series. The gateway forwards sizes and references: their rules are Ark's published rules.

use seedream_core::{
    Capabilities, Descriptor, Family, Field, FieldRule, ImagesRule, Limits, Members, ModelId, PixelRule, Precedence,
    Source, Tier,
};

use crate::{body::MEMBERS, gateway};

/// The documentation page of the adapter.
pub(crate) const PAGE: &str = "ope.ai, the seedream series";

pub(crate) fn of(descriptor: &Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family;
    let three = family == Some(Family::Seedream3T2i);
    let mut limits = family.map_or_else(Limits::unknown, Limits::of);
    limits.size.default = Some(gateway::default_size(resolution.model.as_str()).into());
    if family.is_some() {
        // "size is passed on: 2K, 3K, 4K, or pixels."
        let own = Source::documented(PAGE, "size");
        limits.size.table_source = own.clone();
        limits.size = limits.size.stated_by(own, &[Tier::K2, Tier::K3, Tier::K4], PixelRule::any());
        limits.references = limits.references.resold();
    }
    let members = Members::new(MEMBERS.iter().copied(), Source::documented(PAGE, "section 1"));
    let mut rules = Capabilities::new(descriptor, resolution, limits.size, members);
    rules.references = limits.references;
    rules.images = images(three, &limits.images);
    rules.fields = fields(three).into();
    rules.ignored_members =
        Members::new(gateway::WITHOUT_EFFECT.iter().copied(), Source::documented(PAGE, "members without effect"));
    rules.precedence = Some(Precedence {
        member: "sequential_image_generation".into(),
        field: Field::Count,
        message: "an explicit sequential_image_generation takes precedence: the gateway ignores n for the group [ope.ai, the seedream series, n]".into(),
    });
    rules
}

fn images(three: bool, published: &ImagesRule) -> ImagesRule {
    let source = if three { published.source.clone() } else { Source::documented(PAGE, "n") };
    let mut rule = ImagesRule::up_to(three.then_some(1), source);
    if !three {
        // "The official ceiling is advised to be 1 to 15": the page does not state that more is refused.
        rule.advised_max = Some(15);
        rule.auto = true;
        rule.with_references.clone_from(&published.with_references);
    }
    rule
}

fn fields(three: bool) -> Vec<FieldRule> {
    let documented = |field, at| FieldRule::honoured(field, Source::documented(PAGE, at));
    let stream = if three {
        FieldRule::refused(Field::Stream, Source::published("volcengine.com/docs/82379/1541523", "stream"))
    } else {
        documented(Field::Stream, "stream")
    };
    vec![
        documented(Field::ResponseFormat, "response_format").one_of(&["url", "b64_json"]).default("url"),
        stream.default(false),
        documented(Field::Watermark, "watermark").default(false),
        FieldRule::ignored(Field::Format, Source::documented(PAGE, "members without effect")),
    ]
}
