//! Adapters that drop one field in silence: it is not sent, and no rule has a word for it.

use seedream_core::{
    Capabilities, Field, FieldRule, ImageRequest, ImagesRule, PixelRule, PromptRule, Ratio, ReferenceRule, Tier,
};

use super::dialect::Hooks;
use super::{Mutant, dialect};

/// One of each field that a request may set.
pub(super) fn all() -> Vec<Mutant> {
    let fields = [
        (Field::Prompt, "forgets-the-prompt", "sends a prompt of its own"),
        (Field::References, "forgets-references", "drops `references` in silence"),
        (Field::Size, "forgets-size", "drops `size` in silence"),
        (Field::Count, "forgets-count", "drops `count` in silence"),
        (Field::ResponseFormat, "forgets-response-format", "drops `response_format` in silence"),
        (Field::Format, "forgets-format", "drops `format` in silence"),
        (Field::Watermark, "forgets-watermark", "drops `watermark` in silence"),
        (Field::Seed, "forgets-seed", "drops `seed` in silence"),
        (Field::GuidanceScale, "forgets-guidance-scale", "drops `guidance_scale` in silence"),
        (Field::PromptMode, "forgets-prompt-mode", "drops `prompt_mode` in silence"),
        (Field::WebSearch, "forgets-web-search", "drops `web_search` in silence"),
        (Field::CallbackUrl, "forgets-callback-url", "drops `callback_url` in silence"),
        (Field::Stream, "forgets-stream", "drops `stream` in silence"),
        (Field::Extra, "forgets-extra", "drops `extra` in silence"),
    ];
    let forgetful = |(field, name, says)| dialect(name, says, Hooks { forgets: Some(field), ..Hooks::NONE });
    fields.into_iter().map(forgetful).collect()
}

/// Takes a field out of a request.
pub(super) fn forget(request: &mut ImageRequest, field: Field) {
    match field {
        Field::Prompt => "a picture".clone_into(&mut request.prompt),
        Field::References => request.references.clear(),
        Field::Extra => request.extra.clear(),
        Field::Size => request.size = None,
        Field::Count => request.count = None,
        Field::ResponseFormat => request.response_format = None,
        Field::Format => request.format = None,
        Field::Watermark => request.watermark = None,
        Field::Seed => request.seed = None,
        Field::GuidanceScale => request.guidance_scale = None,
        Field::PromptMode => request.prompt_mode = None,
        Field::WebSearch => request.web_search = None,
        Field::CallbackUrl => request.callback_url = None,
        Field::Stream => request.stream = None,
        // No request is without a model.
        _ => {}
    }
}

/// Takes every rule away that could refuse a field or warn about it.
pub(super) fn say_nothing(rules: &mut Capabilities, field: Field) {
    let source = rules.members.source.clone();
    match field {
        Field::Prompt => rules.prompt = PromptRule::any(source),
        Field::References => {
            rules.references = ReferenceRule::at_most(None, source);
            rules.images.with_references = None;
        }
        Field::Size => {
            rules.size.tiers = vec![Tier::K1, Tier::K2, Tier::K3, Tier::K4];
            rules.size.qualities.clone_from(&rules.size.tiers);
            rules.size.ratios = vec![Ratio::new(16, 9), Ratio::new(4, 5)];
            rules.size.auto = true;
            rules.size.pixels = Some(PixelRule::sides(1, u32::MAX));
        }
        Field::Count => rules.images = ImagesRule::up_to(None, source),
        Field::Extra => {
            rules.members.names.clear();
            rules.ignored_members.names.clear();
            rules.precedence = None;
        }
        field => {
            rules.fields.insert(FieldRule::honoured(field, source));
        }
    }
}
