//! Successes as a stream of events: Ark's, and what others make of it.

pub(crate) mod flaws;
pub(crate) mod format;
pub(crate) mod frame;

use std::time::Duration;

use seedream_fixtures::{ErrorCause, FieldRole, ResponseFamily};
use serde::Serialize;
use serde_json::Value;

use crate::faults::shape_words::StreamFault;
use crate::faults::word_values::SseFault;
use crate::image::test_image::TestImage;
use crate::request::context::RequestContext;
use crate::request::generation_spec::GenerationSpec;
use crate::response::chunk::{Chunk, ChunkContent, inline_marker};
use crate::response::endpoint_response::EndpointResponse;
use crate::response::image_results::ImageResult;
use crate::response::sse::format::SseFormat;
use crate::response::sse::frame::{MEDIA_TYPE, SseFrame};
use crate::response::success_json::{ImageMember, ImageUsage};
use crate::response::{error, image_results, success_json};
use crate::settings::relay_profile::RelayBehavior;
use crate::time::later;

const COMPLETED: &str = "image_generation.completed";

/// How long it takes until the next comment of a stream that does not end.
const KEPT_ALIVE: Duration = Duration::from_secs(15);

/// A group as a stream of events, one a flush. The head comes with the first.
pub(crate) fn respond(
    context: &RequestContext<'_>,
    spec: &GenerationSpec<'_>,
    items: &[ImageResult],
) -> EndpointResponse {
    if let Some(response) = flaws::instead(context, spec, items) {
        return response;
    }
    let fault = &context.fault;
    let (frames, billed) = if fault.flows(&StreamFault::Whole) {
        (whole(context, spec, items), items)
    } else if fault.streams(SseFault::OpenAi) {
        (open_ai(context, items), items)
    } else if fault.streams(SseFault::JsonAsStream) || context.profile.has(RelayBehavior::JsonAsStream) {
        (json_as_stream(context, spec, items), items)
    } else {
        by_image(context, spec, items)
    };
    let flaw = context.image_fault();
    let frames = flaws::events(fault, frames);
    let form = SseFormat::of(fault);
    let mut chunks = form.write(&frames);
    for chunk in &mut chunks {
        let content = std::mem::replace(&mut chunk.content, ChunkContent::Joined(Vec::new()));
        chunk.content = content.flawed(flaw);
    }
    let more = u32::from(fault.flows(&StreamFault::Overbilled));
    let kept_alive = || Chunk { after: KEPT_ALIVE, content: ChunkContent::Bytes(form.comment().into()) };
    EndpointResponse {
        streamed: true,
        billed: image_results::made(billed) + more,
        repeats: fault.flows(&StreamFault::NoEnd).then(kept_alive),
        ..EndpointResponse::new(200, MEDIA_TYPE, chunks)
    }
}

/// Whether a request for a stream is refused inside it.
pub(crate) fn refuses(context: &RequestContext<'_>) -> bool {
    let asks = || context.object()?.get(&context.provider.field(FieldRole::Stream)?.name)?.as_bool();
    flaws::tells_errors(&context.fault) && context.response_family() != ResponseFamily::Task && asks() == Some(true)
}

/// Everything in one event.
fn whole(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, items: &[ImageResult]) -> Vec<SseFrame> {
    let after = context.fault.pace.unwrap_or_default().saturating_mul(items.len().try_into().unwrap_or(u32::MAX));
    let document = SseFrame {
        images: success_json::images(items),
        after,
        ..SseFrame::text(None, success_json::text(context, spec, items))
    };
    let mut frames = vec![document];
    if ends(context) {
        frames.push(SseFrame::done());
    }
    frames
}

/// Whether `[DONE]` comes.
fn ends(context: &RequestContext<'_>) -> bool {
    !context.fault.streams(SseFault::NoDone) && !context.fault.flows(&StreamFault::NoEnd)
}

/// When the event at a place comes: its time grows from event to event, as Ark's does.
fn at(context: &RequestContext<'_>, place: usize) -> i64 {
    let each = context.fault.pace.unwrap_or_default();
    later(context.now, each.saturating_mul(u32::try_from(place + 1).unwrap_or(u32::MAX))).as_second()
}

#[derive(Serialize)]
struct SseEvent<'a, T> {
    r#type: &'static str,
    model: &'a str,
    created: i64,
    #[serde(flatten)]
    payload: T,
}

#[derive(Serialize)]
struct PartialEvent<'a> {
    image_index: usize,
    #[serde(flatten)]
    datum: ImageMember<'a>,
}

#[derive(Serialize)]
struct CompletedEvent<'a> {
    usage: ImageUsage,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a Value>,
}

/// Ark's events: one an image, `completed`, `[DONE]`. With them comes what is billed.
fn by_image<'i>(
    context: &RequestContext<'_>,
    spec: &GenerationSpec<'_>,
    items: &'i [ImageResult],
) -> (Vec<SseFrame>, &'i [ImageResult]) {
    let (fault, model) = (&context.fault, spec.reported);
    let mut frames = Vec::with_capacity(items.len() + 2);
    for (image_index, item) in items.iter().enumerate() {
        let r#type = match item {
            ImageResult::Made { .. } => "image_generation.partial_succeeded",
            ImageResult::Withheld { .. } => "image_generation.partial_failed",
        };
        let payload = PartialEvent { image_index, datum: ImageMember::of(spec, item, 0) };
        let event = SseEvent { r#type, model, created: at(context, image_index), payload };
        frames.push(SseFrame::new(Some(r#type), &event).of(item, fault.pace.unwrap_or_default()));
        if fault.streams(SseFault::Error) {
            frames.push(error(context));
            return (frames, &items[..=image_index]);
        }
        // new-api writes the failed frame and stops (new-api's source); upstream was paid for all.
        let cuts = fault.streams(SseFault::Cut) || context.profile.has(RelayBehavior::CutStreams);
        if cuts && item.image().is_none() {
            return (frames, items);
        }
    }
    if !fault.streams(SseFault::NoCompleted) {
        let created = at(context, items.len().saturating_sub(1));
        let usage = ImageUsage::of(spec, items);
        let usage = match flaws::counted(fault, image_results::made(items)) {
            Some(images) => usage.counting(images),
            None => usage,
        };
        let payload = CompletedEvent { usage, tools: spec.tools };
        frames.push(SseFrame::new(Some(COMPLETED), &SseEvent { r#type: COMPLETED, model, created, payload }));
    }
    if ends(context) {
        frames.push(SseFrame::done());
    }
    (frames, items)
}

#[derive(Serialize)]
struct StreamError {
    error: StreamErrorBody,
}

#[derive(Serialize)]
struct StreamErrorBody {
    code: String,
    message: String,
}

/// An error of the whole request: no type, no model (Ark's API reference).
fn error(context: &RequestContext<'_>) -> SseFrame {
    let (code, message) = error::of_image(context, ErrorCause::Internal);
    let (fault, id) = (&context.fault, &context.request_id);
    let code = fault.code.clone().unwrap_or(code);
    let message = fault.message.clone().unwrap_or_else(|| format!("{message} Request id: {id}"));
    SseFrame::new(None, &StreamError { error: StreamErrorBody { code, message } })
}

#[derive(Serialize)]
struct RelayedEvent<'a> {
    r#type: &'static str,
    created_at: i64,
    #[serde(flatten)]
    datum: ImageMember<'a>,
}

/// A JSON response as new-api turns it into a stream: a `completed` an image, without size (new-api's source).
fn json_as_stream(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, items: &[ImageResult]) -> Vec<SseFrame> {
    let made = items.iter().filter(|item| item.image().is_some());
    let frame = |(place, item)| {
        let datum = ImageMember::of(spec, item, 0).bare();
        let event = RelayedEvent { r#type: COMPLETED, created_at: at(context, place), datum };
        SseFrame::new(Some(COMPLETED), &event).of(item, context.fault.pace.unwrap_or_default())
    };
    let mut frames: Vec<SseFrame> = made.enumerate().map(frame).collect();
    if ends(context) {
        frames.push(SseFrame::done());
    }
    frames
}

#[derive(Serialize)]
struct OpenAiEvent {
    r#type: &'static str,
    b64_json: String,
    background: &'static str,
    created_at: i64,
    output_format: &'static str,
    quality: &'static str,
    size: String,
    usage: OpenAiUsage,
}

#[derive(Serialize)]
struct OpenAiUsage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

/// OpenAI's events: `completed` carries the image, always inline, and nothing follows (OpenAI's API reference).
fn open_ai(context: &RequestContext<'_>, items: &[ImageResult]) -> Vec<SseFrame> {
    let made = items.iter().filter_map(|item| item.image().map(|image| (item, image)));
    let frame = |(place, (item, image)): (usize, (&ImageResult, &TestImage))| {
        let tokens = success_json::tokens(std::slice::from_ref(item));
        let event = OpenAiEvent {
            r#type: COMPLETED,
            b64_json: inline_marker(0),
            background: "opaque",
            created_at: at(context, place),
            output_format: image.format.as_str(),
            quality: "high",
            size: format!("{}x{}", image.width, image.height),
            usage: OpenAiUsage { input_tokens: 0, output_tokens: tokens, total_tokens: tokens },
        };
        SseFrame::new(Some(COMPLETED), &event).of(item, context.fault.pace.unwrap_or_default())
    };
    made.enumerate().map(frame).collect()
}
