//! Successes of the synchronous dialects, in the member order of their documents.

use seedream_fixtures::{ReportedMember, ResponseFamily};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::digits::push_number;
use crate::image::test_image::TestImage;
use crate::request::amount::Amount;
use crate::request::context::RequestContext;
use crate::request::generation_spec::GenerationSpec;
use crate::request::sizes::Dimensions;
use crate::response::chunk::{ChunkContent, inline_marker, splice};
use crate::response::image_results;
use crate::response::image_results::ImageResult;

#[derive(Serialize)]
struct ImagesBody<'a> {
    model: &'a str,
    created: i64,
    data: Vec<ImageMember<'a>>,
    usage: ImageUsage,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a Value>,
}

/// One entry of `data`, and the tail of a stream's event.
#[derive(Default, Serialize)]
pub(crate) struct ImageMember<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b64_json: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'static str>,
    /// The place of a layer; the base, of which nothing else is said, is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    z_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bounding_box: Option<BoundingBox>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ImageError<'a>>,
}

/// Where a layer is, in pixels and in thousandths of the base.
#[derive(Serialize)]
struct BoundingBox {
    absolute: [u32; 4],
    normalized: [u32; 4],
}

#[derive(Serialize)]
struct ImageError<'a> {
    code: &'a str,
    message: &'a str,
}

/// What was used, as Ark counts.
#[derive(Serialize)]
pub(crate) struct ImageUsage {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_images: Option<Amount>,
    generated_images: Amount,
    output_tokens: Amount,
    total_tokens: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_usage: Option<ToolUsage>,
}

/// How often each tool was used.
#[derive(Serialize)]
struct ToolUsage {
    web_search: Amount,
}

/// One token for every 256 pixels, rounded over the whole response.
pub(crate) fn tokens(items: &[ImageResult]) -> u64 {
    let area = |image: &TestImage| u64::from(image.width) * u64::from(image.height);
    let pixels: u64 = items.iter().filter_map(ImageResult::image).map(area).sum();
    (pixels + 128) / 256
}

impl ImageUsage {
    pub(crate) fn of(spec: &GenerationSpec<'_>, items: &[ImageResult]) -> Self {
        let reports = spec.model.is_some_and(|model| model.reports(ReportedMember::InputImages));
        let tokens = spec.amount(tokens(items));
        Self {
            input_images: reports.then(|| spec.amount(spec.references)),
            generated_images: spec.amount(image_results::made(items)),
            output_tokens: tokens,
            total_tokens: tokens,
            tool_usage: spec.tools.map(|_| ToolUsage { web_search: spec.amount(1u32) }),
        }
    }

    /// The same for another number of images.
    pub(crate) fn counting(self, images: u32) -> Self {
        let generated_images = Amount { value: images.into(), ..self.generated_images };
        Self { generated_images, ..self }
    }
}

impl<'a> ImageMember<'a> {
    /// Without what only Ark says of an image.
    pub(crate) fn bare(self) -> Self {
        Self { size: None, output_format: None, ..self }
    }

    /// `place` is the place of the item's image among the images that are spliced in.
    pub(crate) fn of(spec: &GenerationSpec<'a>, item: &'a ImageResult, place: usize) -> Self {
        let reports = |member| spec.model.is_none_or(|model| model.reports(member));
        match item {
            ImageResult::Made { image, url } => {
                let layer = spec.layer(image.index);
                let (width, height) = spec.size;
                Self {
                    url: if spec.inline { None } else { quoted(url) },
                    b64_json: spec.inline.then(|| inline_marker(place)),
                    size: reports(ReportedMember::Size).then(|| dimensions(spec.stated_size(image))),
                    output_format: (spec.model.is_some() && reports(ReportedMember::OutputFormat))
                        .then_some(image.format.as_str()),
                    z_index: spec.layers.map(|_| image.index),
                    bounding_box: layer
                        .map(|layer| BoundingBox { absolute: layer.pixels(width, height), normalized: layer.edges }),
                    name: layer.map(|layer| layer.name.as_str()),
                    description: layer.map(|layer| layer.description.as_str()),
                    error: None,
                }
            }
            ImageResult::Withheld { code, message, .. } => {
                Self { error: Some(ImageError { code, message }), ..Self::default() }
            }
        }
    }
}

/// The body of a response.
pub(crate) fn content(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, items: &[ImageResult]) -> ChunkContent {
    let text = bytes(context, spec, items);
    if !spec.inline {
        return ChunkContent::Bytes(text.into());
    }
    splice(&String::from_utf8(text).unwrap_or_default(), &images(items))
}

/// The same with [markers](inline_marker) where images are inline.
pub(crate) fn text(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, items: &[ImageResult]) -> String {
    String::from_utf8(bytes(context, spec, items)).unwrap_or_default()
}

/// The images that were made.
pub(crate) fn images(items: &[ImageResult]) -> Vec<TestImage> {
    items.iter().filter_map(ImageResult::image).cloned().collect()
}

fn bytes(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, items: &[ImageResult]) -> Vec<u8> {
    let created = context.now.as_second();
    match context.response_family() {
        ResponseFamily::ImagesInTokens => in_tokens(spec, items, created),
        ResponseFamily::Images | ResponseFamily::Task => in_images(spec, items, created),
    }
}

/// In Ark's form.
fn in_images(spec: &GenerationSpec<'_>, items: &[ImageResult], created: i64) -> Vec<u8> {
    let data = data(spec, items);
    let usage = ImageUsage::of(spec, items);
    written(items, &ImagesBody { model: spec.reported, created, data, usage, tools: spec.tools })
}

#[derive(Serialize)]
struct TokensBody<'a> {
    data: Vec<ImageMember<'a>>,
    created: i64,
    usage: TokenUsage,
}

/// The relay of doc.aimanyi.top writes Ark's tokens into the usage of a chat.
#[derive(Serialize)]
struct TokenUsage {
    prompt_tokens: Amount,
    completion_tokens: Amount,
    total_tokens: Amount,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: EmptyObject,
    output_tokens: Amount,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens_details: EmptyObject,
}

#[derive(Serialize)]
struct EmptyObject {}

/// In the form of doc.aimanyi.top: no model, no sizes.
fn in_tokens(spec: &GenerationSpec<'_>, items: &[ImageResult], created: i64) -> Vec<u8> {
    let data = data(spec, items).into_iter().map(ImageMember::bare).collect();
    let tokens = spec.amount(tokens(items));
    let usage = TokenUsage {
        prompt_tokens: spec.amount(0u32),
        completion_tokens: spec.amount(0u32),
        total_tokens: tokens,
        prompt_tokens_details: PromptDetails { cached_tokens_details: EmptyObject {} },
        completion_tokens_details: EmptyObject {},
        output_tokens: tokens,
    };
    written(items, &TokensBody { data, created, usage })
}

fn dimensions((width, height): Dimensions) -> String {
    let mut text = String::with_capacity("16384x16384".len());
    push_number(&mut text, width.into());
    text.push('x');
    push_number(&mut text, height.into());
    text
}

/// A URL as it stands in JSON. Reading it once to see that nothing is to be escaped costs less than writing it byte by byte.
fn quoted(url: &str) -> Option<Box<RawValue>> {
    let plain = (!url.contains('\\')).then(|| RawValue::from_string(["\"", url, "\""].concat()).ok()).flatten();
    plain.or_else(|| serde_json::value::to_raw_value(url).ok())
}

fn data<'a>(spec: &GenerationSpec<'a>, items: &'a [ImageResult]) -> Vec<ImageMember<'a>> {
    let mut images = 0;
    let datum = |item: &'a ImageResult| {
        let place = images;
        images += usize::from(item.image().is_some());
        ImageMember::of(spec, item, place)
    };
    items.iter().map(datum).collect()
}

fn written(items: &[ImageResult], body: &impl Serialize) -> Vec<u8> {
    // About what one image's URL and everything around it need.
    let mut text = Vec::with_capacity(1024 * items.len());
    // Structs of texts and numbers always serialise.
    let _ = serde_json::to_writer(&mut text, body);
    text
}
