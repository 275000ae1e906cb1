//! Streams that say things twice, miscount, break off inside an event, or hold something other than events.

use seedream_fixtures::ErrorCause;
use serde_json::Value;

use crate::faults::grammar::Fault;
use crate::faults::reshape;
use crate::faults::shape_words::StreamFault;
use crate::faults::word_values::RefusalCause;
use crate::request::context::RequestContext;
use crate::request::generation_spec::GenerationSpec;
use crate::response::chunk::{Chunk, splice};
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::{ErrorDetails, ErrorResponse};
use crate::response::image_results::ImageResult;
use crate::response::sse::format::COMMENT;
use crate::response::sse::frame::{MEDIA_TYPE, SseFrame};
use crate::response::{error, image_results, success_json};

/// How many small events make one chunk.
const SMALL: usize = 1000;

/// The images a stream's usage counts, where it does not count right: one more than came, or none.
pub(crate) fn counted(fault: &Fault, made: u32) -> Option<u32> {
    if fault.flows(&StreamFault::UnreadableFree) {
        return Some(0);
    }
    fault.flows(&StreamFault::Overbilled).then_some(made + 1)
}

/// The events of a stream, as a fault wants them.
pub(crate) fn events(fault: &Fault, mut frames: Vec<SseFrame>) -> Vec<SseFrame> {
    for flaw in &fault.stream {
        match flaw {
            StreamFault::UnreadableFree => {
                if let Some(frame) = frames.iter_mut().find(|frame| frame.image.is_some()) {
                    frame.data = halved(&frame.data);
                    frame.image = None;
                }
            }
            StreamFault::FreeFirst => {
                let data = "{\"type\":\"image_generation.started\",\"usage\":{\"generated_images\":0}}";
                frames.insert(0, SseFrame::text(Some("image_generation.started"), data.to_owned()));
            }
            StreamFault::CutUrl => cut(&mut frames),
            StreamFault::Repeat => frames = frames.into_iter().flat_map(twice).collect(),
            StreamFault::Replay => frames.extend(frames.clone()),
            StreamFault::Many(thousands) => {
                let images = frames.iter().rposition(|frame| frame.image.is_some()).map_or(0, |last| last + 1);
                let data = String::from("{\"type\":\"image_generation.progress\"}");
                let frame = SseFrame { many: (SMALL, thousands.get().into()), ..SseFrame::text(None, data) };
                frames.insert(images, frame);
            }
            _ => {}
        }
    }
    frames
}

fn twice(frame: SseFrame) -> [SseFrame; 2] {
    let again = SseFrame { after: std::time::Duration::ZERO, ..frame.clone() };
    [frame, again]
}

/// The first half of a text, which is no JSON any more.
fn halved(data: &str) -> String {
    let end = (0..=data.len() / 2).rev().find(|place| data.is_char_boundary(*place)).unwrap_or(0);
    data[..end].to_owned()
}

/// Ends a stream right after the last image's URL, or base64.
fn cut(frames: &mut Vec<SseFrame>) {
    let Some(last) = frames.iter().rposition(|frame| frame.image.is_some()) else { return };
    frames.truncate(last + 1);
    if let Some(frame) = frames.last_mut() {
        let value = ["\"url\":\"", "\"b64_json\":\""].into_iter().find_map(|name| {
            let start = frame.data.find(name)? + name.len();
            Some(start + frame.data[start..].find('"')? + 1)
        });
        frame.data.truncate(value.unwrap_or(frame.data.len()));
        frame.ends = true;
    }
}

/// What stands instead of events, where a fault wants that: one JSON document, or an error.
pub(crate) fn instead(
    context: &RequestContext<'_>,
    spec: &GenerationSpec<'_>,
    items: &[ImageResult],
) -> Option<EndpointResponse> {
    let fault = &context.fault;
    if fault.flows(&StreamFault::BareJson) {
        let document = splice(&success_json::text(context, spec, items), &success_json::images(items));
        let after = fault.pace.unwrap_or_default().saturating_mul(items.len().try_into().unwrap_or(u32::MAX));
        let chunks = vec![
            Chunk::text(COMMENT),
            Chunk { after, content: document.flawed(context.image_fault()) },
            Chunk::text(format!("\n\n{COMMENT}")),
        ];
        let mut response = EndpointResponse { streamed: true, ..EndpointResponse::new(200, MEDIA_TYPE, chunks) };
        response.billed = image_results::made(items);
        return Some(response);
    }
    if !tells_errors(fault) {
        return None;
    }
    let ErrorResponse { status, body, .. } = problem(context);
    let body = reshape::error_text(context, status, body);
    let text = if fault.flows(&StreamFault::ErrorJson) {
        format!("{COMMENT}{body}\n\n{COMMENT}")
    } else {
        format!("{COMMENT}event: error\ndata: {}\n\n", words(&body))
    };
    Some(EndpointResponse { streamed: true, ..EndpointResponse::new(200, MEDIA_TYPE, vec![Chunk::text(text)]) })
}

/// Whether an error stands inside the stream.
pub(crate) fn tells_errors(fault: &Fault) -> bool {
    fault.flows(&StreamFault::ErrorText) || fault.flows(&StreamFault::ErrorJson)
}

/// The error that a fault asks for; the provider's own failure unless said.
fn problem(context: &RequestContext<'_>) -> ErrorResponse {
    let own = Fault { refuse: Some(RefusalCause::Internal), ..context.fault.clone() };
    let is_said = context.fault.refuse.is_some() || context.fault.status.is_some();
    let problem = error::of_fault(context, if is_said { &context.fault } else { &own });
    problem.unwrap_or_else(|| error::of(context, ErrorCause::Internal, &ErrorDetails::default()))
}

/// An error in one line of words: its code and its message.
fn words(body: &str) -> String {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let error = document.get("error").unwrap_or(&document);
    let text = |name: &str| error[name].as_str().unwrap_or_default().replace('\n', " ");
    match text("code").as_str() {
        "" => text("message"),
        code => format!("{code}: {}", text("message")),
    }
}
