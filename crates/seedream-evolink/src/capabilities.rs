//! The rules of docs.evolink.ai, seedream-4.5-image-generate, and of the public pages of the two sibling models.

use seedream_core::{
    Amount, Capabilities, Descriptor, Family, Field, FieldRule, ImagesRule, Limits, Members, ModelId, PixelRule, Price,
    PromptRule, Ratio, ReferenceRule, SizeRule, Source, Tier, TotalRule,
};

use crate::body::MEMBERS;

/// The documentation page of the adapter.
pub(crate) const PAGE: &str = "docs.evolink.ai, seedream-4.5-image-generate";

/// The ratios, without `auto` (docs.evolink.ai, seedream-4.5-image-generate, size).
const RATIOS: [Ratio; 10] = [
    Ratio::of(1, 1),
    Ratio::of(2, 3),
    Ratio::of(3, 2),
    Ratio::of(3, 4),
    Ratio::of(4, 3),
    Ratio::of(4, 5),
    Ratio::of(5, 4),
    Ratio::of(9, 16),
    Ratio::of(16, 9),
    Ratio::of(21, 9),
];

const PAGE_4_0: &str = "docs.evolink.ai, seedream-4.0-image-generate";
const PAGE_5_0: &str = "docs.evolink.ai, seedream-5.0-lite-image-generate";

pub(crate) fn of(descriptor: &Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family.filter(|_| matches!(resolution.standing, seedream_core::Standing::Sold));
    let members = Members::new(MEMBERS.iter().copied(), Source::documented(PAGE, "ImageGenerationRequest"));
    let mut rules = Capabilities::new(descriptor, resolution, size(family), members);
    rules.references = references(family);
    let mut images = ImagesRule::up_to(15, page(family, "n"));
    // "The number that is made is then 15 less the references": fewer images, no error.
    images.with_references = Some(TotalRule { limit: 15, truncates: true, source: page(family, "n") });
    rules.images = images;
    rules.prompt = PromptRule::at_most(2000, page(family, "prompt"));
    rules.prompt.note = Some("its text says 2000 tokens, its schema 2000 characters".into());
    rules.fields = fields(family).into();
    rules.price = price(family);
    rules
}

/// The credits of an image, of pages older than those of the request. A response has `credits_reserved`.
fn price(family: Option<Family>) -> Option<Price> {
    let (micros, page) = match family? {
        Family::Seedream4_5 => (2_000_000, PAGE),
        Family::Seedream4 => (1_400_000, PAGE_4_0),
        _ => return None,
    };
    Some(Price::flat(
        Amount::micros(micros, "credits"),
        Source::published_on("2026-11-20", page, "price of an older version"),
    ))
}

/// The page of a model; docs.evolink.ai, seedream-4.5-image-generate is that of 4.5.
fn page(family: Option<Family>, at: &'static str) -> Source {
    match family {
        Some(Family::Seedream4) => Source::published(PAGE_4_0, at),
        Some(Family::Seedream5Lite) => Source::published(PAGE_5_0, at),
        _ => Source::documented(PAGE, at),
    }
}

fn size(family: Option<Family>) -> SizeRule {
    let by_ratio = |qualities: &[Tier], pixels, source| {
        let mut rule = SizeRule::only_pixels(pixels, "2048x2048", source);
        rule.ratios = RATIOS.to_vec();
        rule.qualities = qualities.to_vec();
        rule.auto = true;
        rule
    };
    match family {
        Some(Family::Seedream4_5) => {
            by_ratio(&[Tier::K2, Tier::K4], PixelRule::new(3_686_400, 16_777_216, 16), page(family, "size"))
        }
        Some(Family::Seedream5Lite) => {
            by_ratio(&[Tier::K2, Tier::K3], PixelRule::new(3_686_400, 9_437_184, 16), page(family, "size"))
        }
        Some(Family::Seedream4) => {
            let mut rule = Limits::of(Family::Seedream4).size;
            rule.source = page(family, "size");
            rule
        }
        _ => {
            let any = PixelRule::any();
            by_ratio(&Tier::ALL, any, Limits::unknown().size.source)
        }
    }
}

fn references(family: Option<Family>) -> ReferenceRule {
    let mut rule = ReferenceRule::at_most(14, page(family, "image_urls"));
    rule.inline = false;
    rule.max_bytes = Some(10 * 1024 * 1024);
    rule.media_types =
        ["jpeg", "jpg", "png", "webp", "bmp", "tiff", "gif"].map(|format| format!("image/{format}")).into();
    rule.side_above = Some(14);
    rule.pixels = Some(PixelRule::new(1, 36_000_000, 16));
    rule
}

fn fields(family: Option<Family>) -> Vec<FieldRule> {
    let mode = FieldRule::honoured(Field::PromptMode, page(family, "prompt_priority")).default("standard");
    let mode = match family {
        Some(Family::Seedream4_5) => mode.one_of(&["standard"]),
        _ => mode.one_of(&["standard", "fast"]),
    };
    let mut fields = vec![mode, FieldRule::honoured(Field::CallbackUrl, page(family, "callback_url"))];
    if !matches!(family, Some(Family::Seedream4_5 | Family::Seedream4)) {
        fields.push(FieldRule::honoured(Field::WebSearch, Source::published(PAGE_5_0, "web_search")));
    }
    fields
}
