//! The members of the body, in the order of ope.ai, the seedream series, section 1.

use seedream_core::{Checked, Count, ImageSource, OutputFormat, ResponseFormat};
use serde::Serialize;

pub(crate) const MEMBERS: &[&str] =
    &["model", "prompt", "size", "response_format", "image", "stream", "watermark", "n", "output_format"];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    /// Only for a group without a number: the gateway converts every `n` above 1 to a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_image_generation: Option<&'static str>,
    /// Has no effect; sent with a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'static str>,
}

/// A string for one image, an array for several: the page shows neither, Ark accepts both.
#[derive(Serialize)]
#[serde(untagged)]
enum Image {
    One(String),
    Several(Vec<String>),
}

impl<'a> Body<'a> {
    pub(crate) fn of(checked: &'a Checked) -> Self {
        let request = checked.request();
        Self {
            model: checked.model().as_str(),
            prompt: &request.prompt,
            size: checked.size().and_then(|size| size.size.as_deref()),
            response_format: request.response_format.map(ResponseFormat::wire),
            image: match request.references.as_slice() {
                [] => None,
                [one] => Some(Image::One(one.to_wire())),
                several => Some(Image::Several(several.iter().map(ImageSource::to_wire).collect())),
            },
            stream: request.stream,
            watermark: request.watermark,
            n: request.count.and_then(Count::number),
            sequential_image_generation: (request.count == Some(Count::Auto)
                && !request.extra.contains_key("sequential_image_generation"))
            .then_some("auto"),
            output_format: request.format.map(OutputFormat::wire),
        }
    }
}
