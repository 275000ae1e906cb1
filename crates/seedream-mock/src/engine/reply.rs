//! Successes of the synchronous dialects, in the member order of their documents.

use seedream_fixtures::{Cause, ReplyFamily, ReportedMember};
use serde::Serialize;
use serde_json::Value;

use super::ask::Ask;
use super::call::Call;
use super::script::{Content, inline_marker, splice};
use crate::picture::Picture;

/// One place of a group: a picture, or why there is none.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A picture and the URL that opens it.
    Made { picture: Picture, url: String },
    /// A picture that was withheld, or at which generation failed.
    Withheld { cause: Cause, code: String, message: String },
}

impl Item {
    pub(crate) fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Made { picture, .. } => Some(picture),
            Self::Withheld { .. } => None,
        }
    }
}

/// How many pictures of a group were made.
pub(crate) fn made(items: &[Item]) -> u32 {
    u32::try_from(items.iter().filter_map(Item::picture).count()).unwrap_or(u32::MAX)
}

#[derive(Serialize)]
struct Ark<'a> {
    model: &'a str,
    created: i64,
    data: Vec<Datum<'a>>,
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a Value>,
}

/// One entry of `data`, and the tail of a stream's event.
#[derive(Default, Serialize)]
pub(super) struct Datum<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
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
    error: Option<Failure<'a>>,
}

/// Where a layer is, in pixels and in thousandths of the base.
#[derive(Serialize)]
struct BoundingBox {
    absolute: [u32; 4],
    normalized: [u32; 4],
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

/// What was used, as Ark counts.
#[derive(Serialize)]
pub(super) struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_images: Option<u32>,
    generated_images: u32,
    output_tokens: u64,
    total_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_usage: Option<ToolUsage>,
}

/// How often each tool was used.
#[derive(Serialize)]
struct ToolUsage {
    web_search: u32,
}

/// One token for every 256 pixels, rounded over the whole answer.
pub(crate) fn tokens(items: &[Item]) -> u64 {
    let area = |picture: &Picture| u64::from(picture.width) * u64::from(picture.height);
    let pixels: u64 = items.iter().filter_map(Item::picture).map(area).sum();
    (pixels + 128) / 256
}

impl Usage {
    pub(super) fn of(ask: &Ask<'_>, items: &[Item]) -> Self {
        let reports = ask.model.is_some_and(|model| model.reports(ReportedMember::InputImages));
        let tokens = tokens(items);
        Self {
            input_images: reports.then_some(ask.references),
            generated_images: made(items),
            output_tokens: tokens,
            total_tokens: tokens,
            tool_usage: ask.tools.map(|_| ToolUsage { web_search: 1 }),
        }
    }

    /// The same for another number of images.
    pub(super) fn counting(self, images: u32) -> Self {
        Self { generated_images: images, ..self }
    }
}

impl<'a> Datum<'a> {
    /// Without what only Ark says of a picture.
    pub(super) fn bare(self) -> Self {
        Self { size: None, output_format: None, ..self }
    }

    /// `place` is the place of the item's picture among the pictures that are spliced in.
    pub(super) fn of(ask: &Ask<'a>, item: &'a Item, place: usize) -> Self {
        let reports = |member| ask.model.is_none_or(|model| model.reports(member));
        match item {
            Item::Made { picture, url } => {
                let layer = ask.layer(picture.index);
                let (width, height) = ask.size;
                Self {
                    url: (!ask.inline).then_some(url),
                    b64_json: ask.inline.then(|| inline_marker(place)),
                    size: reports(ReportedMember::Size).then(|| format!("{}x{}", picture.width, picture.height)),
                    output_format: (ask.model.is_some() && reports(ReportedMember::OutputFormat))
                        .then_some(picture.format.as_str()),
                    z_index: ask.layers.map(|_| picture.index),
                    bounding_box: layer
                        .map(|layer| BoundingBox { absolute: layer.pixels(width, height), normalized: layer.edges }),
                    name: layer.map(|layer| layer.name.as_str()),
                    description: layer.map(|layer| layer.description.as_str()),
                    error: None,
                }
            }
            Item::Withheld { code, message, .. } => Self { error: Some(Failure { code, message }), ..Self::default() },
        }
    }
}

/// The body of an answer.
pub(crate) fn content(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> Content {
    let text = bytes(call, ask, items);
    if !ask.inline {
        return Content::Bytes(text.into());
    }
    splice(&String::from_utf8(text).unwrap_or_default(), &pictures(items))
}

/// The same with [markers](inline_marker) where pictures are inline.
pub(super) fn text(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> String {
    String::from_utf8(bytes(call, ask, items)).unwrap_or_default()
}

/// The pictures that were made.
pub(super) fn pictures(items: &[Item]) -> Vec<Picture> {
    items.iter().filter_map(Item::picture).cloned().collect()
}

fn bytes(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> Vec<u8> {
    let created = call.now.as_second();
    match call.reply() {
        ReplyFamily::ArkRelay => ark_relay(ask, items, created),
        ReplyFamily::Ark | ReplyFamily::Task => ark(ask, items, created),
    }
}

/// In Ark's form.
fn ark(ask: &Ask<'_>, items: &[Item], created: i64) -> Vec<u8> {
    let data = data(ask, items);
    let usage = Usage::of(ask, items);
    written(items, &Ark { model: ask.reported, created, data, usage, tools: ask.tools })
}

#[derive(Serialize)]
struct Relayed<'a> {
    data: Vec<Datum<'a>>,
    created: i64,
    usage: RelayedUsage,
}

/// The relay of document 003 writes Ark's tokens into the usage of a chat.
#[derive(Serialize)]
struct RelayedUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: Empty,
    output_tokens: u64,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens_details: Empty,
}

#[derive(Serialize)]
struct Empty {}

/// In the form of document 003: no model, no sizes.
fn ark_relay(ask: &Ask<'_>, items: &[Item], created: i64) -> Vec<u8> {
    let data = data(ask, items).into_iter().map(Datum::bare).collect();
    let tokens = tokens(items);
    let usage = RelayedUsage {
        prompt_tokens: 0,
        completion_tokens: 0,
        total_tokens: tokens,
        prompt_tokens_details: PromptDetails { cached_tokens_details: Empty {} },
        completion_tokens_details: Empty {},
        output_tokens: tokens,
    };
    written(items, &Relayed { data, created, usage })
}

fn data<'a>(ask: &Ask<'a>, items: &'a [Item]) -> Vec<Datum<'a>> {
    let mut pictures = 0;
    let datum = |item: &'a Item| {
        let place = pictures;
        pictures += usize::from(item.picture().is_some());
        Datum::of(ask, item, place)
    };
    items.iter().map(datum).collect()
}

fn written(items: &[Item], body: &impl Serialize) -> Vec<u8> {
    // About what one picture's URL and everything around it need.
    let mut text = Vec::with_capacity(1024 * items.len());
    // Structs of texts and numbers always serialise.
    let _ = serde_json::to_writer(&mut text, body);
    text
}
