//! Takes a field out of a request and out of the rules.

use seedream_core::{
    Capabilities, Field, FieldRule, ImageRequest, ImagesRule, PixelRule, PromptRule, Ratio, ReferenceRule, Tier,
};

/// Takes a field out of a request.
pub(super) fn forget(request: &mut ImageRequest, field: Field) {
    match field {
        Field::Prompt => "an image".clone_into(&mut request.prompt),
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
            rules.size.ratios = vec![Ratio::of(16, 9), Ratio::of(4, 5)];
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
