//! Streams that say things twice, miscount, break off inside an event, or hold something other than events.

use seedream_fixtures::Cause;
use serde_json::Value;

use super::form::COMMENT;
use super::{Frame, MEDIA_TYPE, reply};
use crate::engine::answer::Answer;
use crate::engine::ask::Ask;
use crate::engine::call::Call;
use crate::engine::problem::{Fill, Problem};
use crate::engine::reply::Item;
use crate::engine::script::{Chunk, splice};
use crate::engine::shape;
use crate::fault::{Fault, Refusal, StreamFault};

/// How many small events make one chunk.
const SMALL: usize = 1000;

/// The images a stream's usage counts, where it does not count right: one more than came, or none.
pub(super) fn counted(fault: &Fault, made: u32) -> Option<u32> {
    if fault.flows(&StreamFault::UnreadableFree) {
        return Some(0);
    }
    fault.flows(&StreamFault::Overbilled).then_some(made + 1)
}

/// The events of a stream, as a fault wants them.
pub(super) fn events(fault: &Fault, mut frames: Vec<Frame>) -> Vec<Frame> {
    for flaw in &fault.stream {
        match flaw {
            StreamFault::UnreadableFree => {
                if let Some(frame) = frames.iter_mut().find(|frame| frame.picture.is_some()) {
                    frame.data = halved(&frame.data);
                    frame.picture = None;
                }
            }
            StreamFault::FreeFirst => {
                let data = "{\"type\":\"image_generation.started\",\"usage\":{\"generated_images\":0}}";
                frames.insert(0, Frame::text(Some("image_generation.started"), data.to_owned()));
            }
            StreamFault::CutUrl => cut(&mut frames),
            StreamFault::Repeat => frames = frames.into_iter().flat_map(twice).collect(),
            StreamFault::Replay => frames.extend(frames.clone()),
            StreamFault::Many(thousands) => {
                let images = frames.iter().rposition(|frame| frame.picture.is_some()).map_or(0, |last| last + 1);
                let data = String::from("{\"type\":\"image_generation.progress\"}");
                let frame = Frame { many: (SMALL, thousands.get().into()), ..Frame::text(None, data) };
                frames.insert(images, frame);
            }
            _ => {}
        }
    }
    frames
}

fn twice(frame: Frame) -> [Frame; 2] {
    let again = Frame { after: std::time::Duration::ZERO, ..frame.clone() };
    [frame, again]
}

/// The first half of a text, which is no JSON any more.
fn halved(data: &str) -> String {
    let end = (0..=data.len() / 2).rev().find(|place| data.is_char_boundary(*place)).unwrap_or(0);
    data[..end].to_owned()
}

/// Ends a stream right after the last image's URL, or base64.
fn cut(frames: &mut Vec<Frame>) {
    let Some(last) = frames.iter().rposition(|frame| frame.picture.is_some()) else { return };
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
pub(super) fn instead(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> Option<Answer> {
    let fault = &call.fault;
    if fault.flows(&StreamFault::BareJson) {
        let document = splice(&reply::text(call, ask, items), &reply::pictures(items));
        let after = fault.pace.unwrap_or_default().saturating_mul(items.len().try_into().unwrap_or(u32::MAX));
        let chunks = vec![
            Chunk::text(COMMENT),
            Chunk { after, content: document.flawed(call.flaw()) },
            Chunk::text(format!("\n\n{COMMENT}")),
        ];
        let mut answer = Answer { streamed: true, ..Answer::new(200, MEDIA_TYPE, chunks) };
        answer.billed = reply::made(items);
        return Some(answer);
    }
    if !tells_errors(fault) {
        return None;
    }
    let Problem { status, body, .. } = problem(call);
    let body = shape::error_text(call, status, body);
    let text = if fault.flows(&StreamFault::ErrorJson) {
        format!("{COMMENT}{body}\n\n{COMMENT}")
    } else {
        format!("{COMMENT}event: error\ndata: {}\n\n", words(&body))
    };
    Some(Answer { streamed: true, ..Answer::new(200, MEDIA_TYPE, vec![Chunk::text(text)]) })
}

/// Whether an error stands inside the stream.
pub(super) fn tells_errors(fault: &Fault) -> bool {
    fault.flows(&StreamFault::ErrorText) || fault.flows(&StreamFault::ErrorJson)
}

/// The error that a fault asks for; the provider's own failure unless said.
fn problem(call: &Call<'_>) -> Problem {
    let own = Fault { refuse: Some(Refusal::Internal), ..call.fault.clone() };
    let is_said = call.fault.refuse.is_some() || call.fault.status.is_some();
    let problem = call.faulty(if is_said { &call.fault } else { &own });
    problem.unwrap_or_else(|| call.problem(Cause::Internal, &Fill::default()))
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
