//! Successes as a stream of events: Ark's, and what others make of it.

mod form;

use std::time::Duration;

use seedream_fixtures::Cause;
use serde::Serialize;

use super::answer::Answer;
use super::ask::Ask;
use super::call::Call;
use super::reply::{self, Datum, Item, Usage};
use super::script::inline_marker;
use crate::clock::later;
use crate::fault::SseFault;
use crate::picture::Picture;
use crate::profile::Habit;
use form::Form;

/// The content type of a stream of events.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

const COMPLETED: &str = "image_generation.completed";

/// One event before it is written.
struct Frame {
    event: Option<&'static str>,
    /// JSON on one line, or another text.
    data: String,
    picture: Option<Picture>,
    /// How long it takes.
    after: Duration,
}

impl Frame {
    fn new(event: Option<&'static str>, data: &impl Serialize) -> Self {
        // Structs of texts and numbers always serialise.
        let data = serde_json::to_string(data).unwrap_or_default();
        Self { event, data, picture: None, after: Duration::ZERO }
    }

    fn done() -> Self {
        Self { event: None, data: String::from("[DONE]"), picture: None, after: Duration::ZERO }
    }

    fn of(self, item: &Item, after: Duration) -> Self {
        Self { picture: item.picture().cloned(), after, ..self }
    }
}

/// A group as a stream of events, one a flush. The head comes with the first.
pub(crate) fn answer(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> Answer {
    let fault = &call.fault;
    let (frames, billed) = if fault.streams(SseFault::OpenAi) {
        (open_ai(call, items), items)
    } else if fault.streams(SseFault::JsonAsStream) || call.profile.has(Habit::JsonAsStream) {
        (json_as_stream(call, ask, items), items)
    } else {
        ark(call, ask, items)
    };
    let flaw = call.flaw();
    let mut chunks = Form::of(&fault.sse).write(&frames);
    for chunk in &mut chunks {
        let content = std::mem::replace(&mut chunk.content, super::script::Content::Joined(Vec::new()));
        chunk.content = content.flawed(flaw);
    }
    Answer { streamed: true, billed: reply::made(billed), ..Answer::new(200, MEDIA_TYPE, chunks) }
}

/// When the event at a place comes: its time grows from event to event, as Ark's does.
fn at(call: &Call<'_>, place: usize) -> i64 {
    let each = call.fault.pace.unwrap_or_default();
    later(call.now, each.saturating_mul(u32::try_from(place + 1).unwrap_or(u32::MAX))).as_second()
}

#[derive(Serialize)]
struct Event<'a, T> {
    r#type: &'static str,
    model: &'a str,
    created: i64,
    #[serde(flatten)]
    payload: T,
}

#[derive(Serialize)]
struct Partial<'a> {
    image_index: usize,
    #[serde(flatten)]
    datum: Datum<'a>,
}

#[derive(Serialize)]
struct Completed {
    usage: Usage,
}

/// Ark's events: one a picture, `completed`, `[DONE]`. With them comes what is billed.
fn ark<'i>(call: &Call<'_>, ask: &Ask<'_>, items: &'i [Item]) -> (Vec<Frame>, &'i [Item]) {
    let (fault, model) = (&call.fault, ask.reported);
    let mut frames = Vec::with_capacity(items.len() + 2);
    for (image_index, item) in items.iter().enumerate() {
        let r#type = match item {
            Item::Made { .. } => "image_generation.partial_succeeded",
            Item::Withheld { .. } => "image_generation.partial_failed",
        };
        let payload = Partial { image_index, datum: Datum::of(ask, item, 0) };
        let event = Event { r#type, model, created: at(call, image_index), payload };
        frames.push(Frame::new(Some(r#type), &event).of(item, fault.pace.unwrap_or_default()));
        if fault.streams(SseFault::Error) {
            frames.push(error(call));
            return (frames, &items[..=image_index]);
        }
        // new-api writes the failed frame and stops (providers.md 6.3); upstream was paid for all.
        let cuts = fault.streams(SseFault::Cut) || call.profile.has(Habit::CutStreams);
        if cuts && item.picture().is_none() {
            return (frames, items);
        }
    }
    if !fault.streams(SseFault::NoCompleted) {
        let created = at(call, items.len().saturating_sub(1));
        let payload = Completed { usage: Usage::of(ask, items) };
        frames.push(Frame::new(Some(COMPLETED), &Event { r#type: COMPLETED, model, created, payload }));
    }
    if !fault.streams(SseFault::NoDone) {
        frames.push(Frame::done());
    }
    (frames, items)
}

#[derive(Serialize)]
struct RequestError {
    error: Failure,
}

#[derive(Serialize)]
struct Failure {
    code: String,
    message: String,
}

/// An error of the whole request: no type, no model (providers.md 1.6).
fn error(call: &Call<'_>) -> Frame {
    let (code, message) = call.sentence(Cause::Internal);
    let (fault, id) = (&call.fault, &call.request_id);
    let code = fault.code.clone().unwrap_or(code);
    let message = fault.message.clone().unwrap_or_else(|| format!("{message} Request id: {id}"));
    Frame::new(None, &RequestError { error: Failure { code, message } })
}

#[derive(Serialize)]
struct Relayed<'a> {
    r#type: &'static str,
    created_at: i64,
    #[serde(flatten)]
    datum: Datum<'a>,
}

/// A JSON answer as new-api turns it into a stream: a `completed` a picture, without size (providers.md 6.3).
fn json_as_stream(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> Vec<Frame> {
    let made = items.iter().filter(|item| item.picture().is_some());
    let frame = |(place, item)| {
        let datum = Datum::of(ask, item, 0).bare();
        let event = Relayed { r#type: COMPLETED, created_at: at(call, place), datum };
        Frame::new(Some(COMPLETED), &event).of(item, call.fault.pace.unwrap_or_default())
    };
    let mut frames: Vec<Frame> = made.enumerate().map(frame).collect();
    if !call.fault.streams(SseFault::NoDone) {
        frames.push(Frame::done());
    }
    frames
}

#[derive(Serialize)]
struct OpenAi {
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

/// OpenAI's events: `completed` carries the picture, always inline, and nothing follows (providers.md 7).
fn open_ai(call: &Call<'_>, items: &[Item]) -> Vec<Frame> {
    let made = items.iter().filter_map(|item| item.picture().map(|picture| (item, picture)));
    let frame = |(place, (item, picture)): (usize, (&Item, &Picture))| {
        let tokens = reply::tokens(std::slice::from_ref(item));
        let event = OpenAi {
            r#type: COMPLETED,
            b64_json: inline_marker(0),
            background: "opaque",
            created_at: at(call, place),
            output_format: picture.format.as_str(),
            quality: "high",
            size: format!("{}x{}", picture.width, picture.height),
            usage: OpenAiUsage { input_tokens: 0, output_tokens: tokens, total_tokens: tokens },
        };
        Frame::new(Some(COMPLETED), &event).of(item, call.fault.pace.unwrap_or_default())
    };
    made.enumerate().map(frame).collect()
}
