//! The members of the body: those of doc.aimanyi.top/api-349230272 in its order, then those that only Ark's own pages list.

use seedream_core::{Checked, Count, ImageSource, OutputFormat, PromptMode, ResponseFormat};
use serde::Serialize;

pub(crate) const MEMBERS: &[&str] = &[
    "model",
    "prompt",
    "image",
    "sequential_image_generation",
    "sequential_image_generation_options",
    "response_format",
    "size",
    "stream",
    "watermark",
    "output_format",
    "optimize_prompt_options",
    "tools",
    "seed",
    "guidance_scale",
];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    /// Always an array, as on doc.aimanyi.top/api-349230272; Ark accepts a string too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    image: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_image_generation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_image_generation_options: Option<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    optimize_prompt_options: Option<OptimizePrompt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance_scale: Option<f64>,
}

#[derive(Serialize)]
struct Group {
    max_images: u32,
}

#[derive(Serialize)]
struct OptimizePrompt {
    mode: &'static str,
}

#[derive(Serialize)]
struct Tool {
    r#type: &'static str,
}

impl<'a> Body<'a> {
    pub(crate) fn of(checked: &'a Checked) -> Self {
        let request = checked.request();
        let (sequential, group) = match request.count {
            Some(Count::UpTo(max_images)) => (Some("auto"), Some(Group { max_images })),
            Some(Count::Auto) => (Some("auto"), None),
            Some(_) => (Some("disabled"), None),
            None => (None, None),
        };
        Self {
            model: checked.model().as_str(),
            prompt: &request.prompt,
            image: request.references.iter().map(ImageSource::to_wire).collect(),
            sequential_image_generation: sequential,
            sequential_image_generation_options: group,
            response_format: request.response_format.map(ResponseFormat::wire),
            size: checked.size().and_then(|size| size.size.as_deref()),
            stream: request.stream,
            watermark: request.watermark,
            output_format: request.format.map(OutputFormat::wire),
            optimize_prompt_options: request.prompt_mode.map(|mode| OptimizePrompt { mode: PromptMode::wire(mode) }),
            tools: if request.web_search == Some(true) { vec![Tool { r#type: "web_search" }] } else { Vec::new() },
            seed: request.seed,
            guidance_scale: request.guidance_scale,
        }
    }
}
