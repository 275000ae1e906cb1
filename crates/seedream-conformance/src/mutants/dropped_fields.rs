//! Adapters that drop one field in silence: it is not sent, and no rule has a word for it.

use seedream_core::Field;

use super::broken_dialect::AdapterHooks;
use super::mutant::{Mutant, adapter};

/// One of each field that a request may set.
pub(super) fn all() -> Vec<Mutant> {
    let fields = [
        (Field::Prompt, "forgets-the-prompt", "sends a constant prompt"),
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
    let forgetful =
        |(field, name, says)| adapter(name, says, AdapterHooks { forgets: Some(field), ..AdapterHooks::NONE });
    fields.into_iter().map(forgetful).collect()
}
