//! The rules of doc.aimanyi.top/api-349230272 for 4.0, and those of Ark's own pages for it and its siblings.

use seedream_core::{
    Amount, BackgroundRule, Capabilities, Descriptor, Family, Field, FieldRule, LayersRule, Limits, Members, ModelId,
    Price, PromptRule, RelayMinimum, Source, Tier,
};

use crate::body::MEMBERS;

/// The documentation page of the adapter.
pub(crate) const PAGE: &str = "doc.aimanyi.top/api-349230272";

const ARK_PAGE: &str = "volcengine.com/docs/82379/1541523";

/// Seedream 5.5: a reseller's page, since no page of Ark on it is available.
pub(crate) const fn page_5_5(at: &'static str) -> Source {
    Source::published_on("2026-11-28", "docs.laozhang.ai/en/api-capabilities/seedream-5-5", at)
}

/// The 5.5 request as another reseller forwards it unchanged, with its excluded combinations.
const fn schema_5_5(at: &'static str) -> Source {
    let page = "docs.comfy.org/development/comfy-router/models/byteplus/seedream-5-5-261028/code";
    Source::published_on("2026-11-28", page, at)
}

pub(crate) fn of(descriptor: &Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family;
    let limits = family.map_or_else(Limits::unknown, Limits::of);
    let members = Members::new(MEMBERS.iter().copied(), Source::documented(PAGE, "request body"));
    let mut rules = Capabilities::new(descriptor, resolution, limits.size, members);
    if family == Some(Family::Seedream4) {
        // The minimum is that of a relay; Ark's own page starts at 1280x720.
        rules.size.relay_min = Some(RelayMinimum { pixels: 1024 * 1024, source: Source::documented(PAGE, "size") });
    }
    rules.references = limits.references;
    rules.images = limits.images;
    rules.prompt = PromptRule::advised(Source::documented(PAGE, "prompt"));
    rules.fields = fields(family).into();
    (rules.background, rules.layers) = (background(family), layers(family));
    rules.price = family.and_then(price);
    rules
}

/// The prices of BytePlus in USD, as a public note quotes them. Volcengine bills in CNY.
fn price(family: Family) -> Option<Price> {
    let usd = |micros| Amount::micros(micros, "USD");
    let page =
        Source::published_on("2026-10-31", "BytePlus model pricing, as a public note quotes it", "price per image");
    Some(match family {
        Family::Seedream5_5 => {
            // The price at resellers.
            let page = Source::published_on("2026-11-28", "inference.sh/apps/bytedance/seedream-5-5", "price");
            let by_tier = [(&[Tier::K1, Tier::K1_5][..], usd(20_000)), (&[Tier::K2], usd(35_000))];
            Price::by_tier(by_tier, page).with_reference(usd(8_000))
        }
        Family::Seedream5Pro => {
            // Up to 2.61 million pixels, and above. The first reference is free.
            let by_tier = [(&[Tier::K1, Tier::K1_5][..], usd(45_000)), (&[], usd(90_000))];
            Price::by_tier(by_tier, page).with_reference(usd(3_000))
        }
        Family::Seedream5Flash => Price::flat(usd(18_000), page),
        Family::Seedream5Lite => Price::flat(usd(35_000), page),
        Family::Seedream4_5 => Price::flat(usd(40_000), page),
        Family::Seedream4 => Price::flat(usd(30_000), page),
        Family::Seededit3I2i => Price::flat(usd(30_000), page),
        _ => return None,
    })
}

fn background(family: Option<Family>) -> Option<BackgroundRule> {
    Some(match family? {
        Family::Seedream5_5 => BackgroundRule::one_of(&["auto", "transparent", "opaque"], schema_5_5("background")),
        Family::Seedream5Pro | Family::Seedream5Flash => {
            BackgroundRule::one_of(&["opaque", "transparent"], Source::published(ARK_PAGE, "background"))
        }
        _ => BackgroundRule::refused(Source::published(ARK_PAGE, "background")),
    })
}

fn layers(family: Option<Family>) -> Option<LayersRule> {
    Some(match family? {
        Family::Seedream5_5 => LayersRule::up_to(99, schema_5_5("layer_decomposition")).open(),
        Family::Seedream5Pro | Family::Seedream5Flash => {
            LayersRule::up_to(16, Source::published(ARK_PAGE, "layer_decomposition"))
        }
        _ => LayersRule::refused(Source::published(ARK_PAGE, "layer_decomposition")),
    })
}

fn fields(family: Option<Family>) -> Vec<FieldRule> {
    use Family::{Seededit3I2i, Seedream3T2i, Seedream4, Seedream5_5, Seedream5Flash, Seedream5Lite, Seedream5Pro};
    let source = |at| if family == Some(Seedream5_5) { page_5_5(at) } else { Source::published(ARK_PAGE, at) };
    let page = |field, at| FieldRule::honoured(field, source(at));
    let refused = |field, at| FieldRule::refused(field, source(at));
    let three = matches!(family, Some(Seedream3T2i | Seededit3I2i));
    let one_at_a_time = three || matches!(family, Some(Seedream5Pro | Seedream5Flash | Seedream5_5));

    let format = match family {
        Some(Seedream5Lite | Seedream5Pro | Seedream5Flash | Seedream5_5) | None => {
            page(Field::Format, "output_format").one_of(&["jpeg", "png"])
        }
        // 4.5 and 4.0 make JPEG and refuse the member.
        Some(_) => refused(Field::Format, "output_format"),
    };
    let mode = match family {
        Some(Seedream4 | Seedream5Pro) | None => {
            page(Field::PromptMode, "optimize_prompt_options.mode").one_of(&["standard", "fast"])
        }
        Some(_) if three => refused(Field::PromptMode, "optimize_prompt_options.mode"),
        Some(_) => page(Field::PromptMode, "optimize_prompt_options.mode").one_of(&["standard"]),
    };
    let search = match family {
        Some(Seedream5Lite) | None => page(Field::WebSearch, "tools").unsaid(false),
        Some(_) => refused(Field::WebSearch, "tools"),
    };
    let stream = if one_at_a_time {
        refused(Field::Stream, "stream")
    } else {
        FieldRule::honoured(Field::Stream, Source::documented(PAGE, "stream"))
    };
    let seed = match family {
        // Documented for the 3.0 family; an official example sends it with 4.0 and succeeds.
        Some(_) if !three => FieldRule::ignored(Field::Seed, source("seed")),
        _ => page(Field::Seed, "seed"),
    };
    let guidance = match family {
        Some(_) if !three => refused(Field::GuidanceScale, "guidance_scale"),
        _ => page(Field::GuidanceScale, "guidance_scale").within(1.0, 10.0),
    };
    vec![
        FieldRule::honoured(Field::ResponseFormat, Source::documented(PAGE, "response_format"))
            .one_of(&["url", "b64_json"])
            .default("url"),
        stream.default(false),
        FieldRule::honoured(Field::Watermark, Source::documented(PAGE, "watermark")).default(true),
        format.default(if family == Some(Seedream5_5) { "png" } else { "jpeg" }),
        mode.default("standard"),
        search,
        seed.within(-1.0, 2_147_483_647.0),
        guidance,
    ]
}
