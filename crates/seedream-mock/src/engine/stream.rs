//! Successes as a stream of events: Ark's, and what others make of it.

mod flaws;
mod form;

use std::time::Duration;

use seedream_fixtures::{Cause, ReplyFamily, Role};
use serde::Serialize;
use serde_json::Value;

use super::answer::Answer;
use super::ask::Ask;
use super::call::Call;
use super::reply::{self, Datum, Item, Usage};
use super::script::{Chunk, Content, inline_marker};
use crate::clock::later;
use crate::fault::{SseFault, StreamFault};
use crate::picture::Picture;
use crate::profile::Habit;
use form::Form;

/// The content type of a stream of events.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

const COMPLETED: &str = "image_generation.completed";

/// How long it takes until the next comment of a stream that does not end.
const KEPT_ALIVE: Duration = Duration::from_secs(15);

/// One event before it is written.
#[derive(Clone)]
struct Frame {
    event: Option<&'static str>,
    /// JSON on one line, or another text.
    data: String,
    picture: Option<Picture>,
    /// The pictures of an event that holds several.
    pictures: Vec<Picture>,
    /// How long it takes.
    after: Duration,
    /// How often it stands in a chunk, and how many such chunks come.
    many: (usize, usize),
    /// Whether the stream ends with its last byte of data.
    ends: bool,
}

impl Frame {
    fn new(event: Option<&'static str>, data: &impl Serialize) -> Self {
        // Structs of texts and numbers always serialise.
        Self::text(event, serde_json::to_string(data).unwrap_or_default())
    }

    fn text(event: Option<&'static str>, data: String) -> Self {
        let (pictures, after) = (Vec::new(), Duration::ZERO);
        Self { event, data, picture: None, pictures, after, many: (1, 1), ends: false }
    }

    fn done() -> Self {
        Self::text(None, String::from("[DONE]"))
    }

    fn of(self, item: &Item, after: Duration) -> Self {
        Self { picture: item.picture().cloned(), after, ..self }
    }
}

/// A group as a stream of events, one a flush. The head comes with the first.
pub(crate) fn answer(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> Answer {
    if let Some(answer) = flaws::instead(call, ask, items) {
        return answer;
    }
    let fault = &call.fault;
    let (frames, billed) = if fault.flows(&StreamFault::Whole) {
        (whole(call, ask, items), items)
    } else if fault.streams(SseFault::OpenAi) {
        (open_ai(call, items), items)
    } else if fault.streams(SseFault::JsonAsStream) || call.profile.has(Habit::JsonAsStream) {
        (json_as_stream(call, ask, items), items)
    } else {
        ark(call, ask, items)
    };
    let flaw = call.flaw();
    let frames = flaws::events(fault, frames);
    let form = Form::of(fault);
    let mut chunks = form.write(&frames);
    for chunk in &mut chunks {
        let content = std::mem::replace(&mut chunk.content, Content::Joined(Vec::new()));
        chunk.content = content.flawed(flaw);
    }
    let more = u32::from(fault.flows(&StreamFault::Overbilled));
    let kept_alive = || Chunk { after: KEPT_ALIVE, content: Content::Bytes(form.comment().into()) };
    Answer {
        streamed: true,
        billed: reply::made(billed) + more,
        repeats: fault.flows(&StreamFault::NoEnd).then(kept_alive),
        ..Answer::new(200, MEDIA_TYPE, chunks)
    }
}

/// Whether a request for a stream is refused inside it.
pub(crate) fn refuses(call: &Call<'_>) -> bool {
    let asks = || call.object()?.get(&call.provider.field(Role::Stream)?.name)?.as_bool();
    flaws::tells_errors(&call.fault) && call.reply() != ReplyFamily::Task && asks() == Some(true)
}

/// Everything in one event.
fn whole(call: &Call<'_>, ask: &Ask<'_>, items: &[Item]) -> Vec<Frame> {
    let after = call.fault.pace.unwrap_or_default().saturating_mul(items.len().try_into().unwrap_or(u32::MAX));
    let document =
        Frame { pictures: reply::pictures(items), after, ..Frame::text(None, reply::text(call, ask, items)) };
    let mut frames = vec![document];
    if ends(call) {
        frames.push(Frame::done());
    }
    frames
}

/// Whether `[DONE]` comes.
fn ends(call: &Call<'_>) -> bool {
    !call.fault.streams(SseFault::NoDone) && !call.fault.flows(&StreamFault::NoEnd)
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
struct Completed<'a> {
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a Value>,
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
        let usage = Usage::of(ask, items);
        let usage = match flaws::counted(fault, reply::made(items)) {
            Some(images) => usage.counting(images),
            None => usage,
        };
        let payload = Completed { usage, tools: ask.tools };
        frames.push(Frame::new(Some(COMPLETED), &Event { r#type: COMPLETED, model, created, payload }));
    }
    if ends(call) {
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
    if ends(call) {
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
