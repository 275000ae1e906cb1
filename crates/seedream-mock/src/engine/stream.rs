//! Successes as a stream of events, in Ark's form: one event a picture, then `completed`, then `[DONE]`.

use serde::Serialize;

use super::ask::Ask;
use super::reply::{Datum, Item, Usage};
use super::script::{Chunk, splice};

/// The content type of a stream of events.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

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

/// The events of a group, one a chunk.
pub(crate) fn events(ask: &Ask<'_>, items: &[Item], created: i64) -> Vec<Chunk> {
    let model = ask.reported.as_str();
    let mut chunks = Vec::with_capacity(items.len() + 2);
    for (image_index, item) in items.iter().enumerate() {
        let r#type = match item {
            Item::Made { .. } => "image_generation.partial_succeeded",
            Item::Withheld { .. } => "image_generation.partial_failed",
        };
        let payload = Partial { image_index, datum: Datum::of(ask, item, 0) };
        let text = frame(r#type, &Event { r#type, model, created, payload });
        let picture: Vec<_> = item.picture().cloned().into_iter().collect();
        chunks.push(Chunk::now(splice(&text, &picture)));
    }
    let r#type = "image_generation.completed";
    let payload = Completed { usage: Usage::of(ask, items) };
    chunks.push(Chunk::text(frame(r#type, &Event { r#type, model, created, payload })));
    chunks.push(Chunk::text("data: [DONE]\n\n"));
    chunks
}

fn frame(name: &str, event: &impl Serialize) -> String {
    // Structs of texts and numbers always serialise.
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(event).unwrap_or_default())
}
