//! The members of the body, in the order of docs.aioagi.tech/api-reference/endpoint/seedream, section "core parameters".

use seedream_core::{Checked, Count, ImageSource, OutputFormat, ResponseFormat};
use serde::Serialize;

pub(crate) const MEMBERS: &[&str] = &[
    "model",
    "prompt",
    "image",
    "size",
    "response_format",
    "output_format",
    "watermark",
    "sequential_image_generation",
    "sequential_image_generation_options",
    "seed",
    "guidance_scale",
];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_image_generation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_image_generation_options: Option<Options>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance_scale: Option<f64>,
}

/// A string for one image, an array for several, as in the examples of the page.
#[derive(Serialize)]
#[serde(untagged)]
enum Image {
    One(String),
    Several(Vec<String>),
}

#[derive(Serialize)]
struct Options {
    max_images: u32,
}

impl<'a> Body<'a> {
    pub(crate) fn of(checked: &'a Checked) -> Self {
        let request = checked.request();
        let group = match request.count {
            Some(Count::UpTo(max_images)) => Some(Options { max_images }),
            _ => None,
        };
        Self {
            model: checked.model().as_str(),
            prompt: &request.prompt,
            image: match request.references.as_slice() {
                [] => None,
                [one] => Some(Image::One(one.to_wire())),
                several => Some(Image::Several(several.iter().map(ImageSource::to_wire).collect())),
            },
            size: checked.size().and_then(|size| size.size.as_deref()),
            response_format: request.response_format.map(ResponseFormat::wire),
            output_format: request.format.map(OutputFormat::wire),
            watermark: request.watermark,
            sequential_image_generation: request
                .count
                .map(|count| if count == Count::One { "disabled" } else { "auto" }),
            sequential_image_generation_options: group,
            seed: request.seed,
            guidance_scale: request.guidance_scale,
        }
    }
}
