//! The members of the body, in the order of docs.evolink.ai, seedream-4.5-image-generate.

use seedream_core::{Checked, Count, ImageSource, PromptMode, Tier};
use serde::Serialize;

pub(crate) const MEMBERS: &[&str] =
    &["model", "prompt", "n", "size", "quality", "prompt_priority", "image_urls", "callback_url", "model_params"];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Tier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_priority: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    image_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_params: Option<ModelParams>,
}

/// Public page of 5.0 lite; the spelling of its member is that of sibling models.
#[derive(Serialize)]
struct ModelParams {
    web_search: bool,
}

impl<'a> Body<'a> {
    pub(crate) fn of(checked: &'a Checked) -> Self {
        let request = checked.request();
        Self {
            model: checked.model().as_str(),
            prompt: &request.prompt,
            n: request.count.and_then(Count::number),
            size: checked.size().and_then(|size| size.size.as_deref()),
            quality: checked.size().and_then(|size| size.quality),
            prompt_priority: request.prompt_mode.map(PromptMode::wire),
            image_urls: request.references.iter().map(ImageSource::to_wire).collect(),
            callback_url: request.callback_url.as_deref(),
            model_params: request.web_search.map(|web_search| ModelParams { web_search }),
        }
    }
}
