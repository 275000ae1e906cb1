//! Reads a stream of events, Ark's or OpenAI's.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use seedream_core::{
    Blobs, Error, ErrorKind, GeneratedImage, Generation, ImageFailure, Reply, Result, StreamDecoder, StreamItem,
    Warning, WarningKind, sse::Frame,
};
use serde_json::Value;

use crate::{
    Failure, Reader,
    image::Context,
    parse,
    reader::{created, with_head},
    usage::{usage, whole},
};

/// How much of an event that cannot be read is kept, in characters.
const LONGEST_UNREADABLE: usize = 4096;

/// Collects the events of one stream.
///
/// A failed picture does not end the others (the protocol says so; two official SDKs stop there), `completed` may be missing, and
/// an event is a picture if it holds one, whatever its name: OpenAI's `completed` carries the picture, Ark's only the usage.
pub(crate) struct Decoder {
    reader: Reader,
    generation: Generation,
    outcomes: BTreeMap<u32, Result<GeneratedImage, ImageFailure>>,
    /// An error that is about the whole request.
    error: Option<Failure>,
    unreadable: u32,
    /// The events as they came, pictures left out.
    raw: String,
}

impl fmt::Debug for Decoder {
    /// Leaves out what was received: signed URLs stand in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("generation", &self.generation)
            .field("outcomes", &self.outcomes)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    pub(crate) fn new(reader: Reader) -> Self {
        let generation = Generation::new(reader.model.clone());
        Self { reader, generation, outcomes: BTreeMap::new(), error: None, unreadable: 0, raw: String::new() }
    }

    /// The place of an event's picture: its own, or the next.
    fn index(&self, body: &Value) -> u32 {
        let stated = body.get("image_index").and_then(whole).and_then(|index| u32::try_from(index).ok());
        let next = || (0..=u32::MAX).find(|index| !self.outcomes.contains_key(index)).unwrap_or(u32::MAX);
        stated.filter(|index| !self.outcomes.contains_key(index)).unwrap_or_else(next)
    }

    fn keep(&mut self, index: u32, outcome: Result<GeneratedImage, ImageFailure>) -> Vec<StreamItem> {
        self.outcomes.insert(index, outcome.clone());
        vec![outcome.map_or_else(StreamItem::Failed, StreamItem::Image)]
    }

    fn remember(&mut self, mut body: Value) {
        if let Some(base64) = body.get_mut("b64_json") {
            let length = base64.as_str().map_or(0, str::len);
            *base64 = format!("{length} characters of base64").into();
        }
        self.raw.push_str(&body.to_string());
        self.raw.push('\n');
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, frame: &Frame, blobs: &Blobs) -> Vec<StreamItem> {
        let Some(body @ Value::Object(_)) = parse(frame.data.as_bytes()) else {
            self.unreadable += 1;
            self.raw.extend(frame.data.chars().take(LONGEST_UNREADABLE));
            self.raw.push('\n');
            return Vec::new();
        };
        let kind = body.get("type").and_then(Value::as_str).or(frame.event.as_deref()).unwrap_or_default().to_owned();
        if kind.ends_with("partial_image") {
            // A preview (OpenAI): the picture itself comes later.
            return Vec::new();
        }
        let facts = &mut self.generation;
        facts.created = body.as_object().and_then(created).or(facts.created);
        if let Some(model) = body.get("model").and_then(Value::as_str) {
            facts.reported_model = Some(model.to_owned());
        }
        if body.get("usage").is_some() {
            facts.usage = usage(body.get("usage"));
        }
        let holds = |name: &str| body.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let index = self.index(&body);
        let context = Context { reader: &self.reader, blobs, created: self.generation.created, truncated: false };
        let items = if holds("url") || holds("b64_json") {
            let outcome = context.item(index, &body);
            self.keep(index, outcome)
        } else if let Some(failure) = Failure::of_json(&body) {
            if kind.ends_with("partial_failed") {
                let failure = context.failure(index, failure);
                self.keep(index, Err(failure))
            } else {
                self.error = Some(failure);
                Vec::new()
            }
        } else {
            Vec::new()
        };
        self.remember(body);
        items
    }

    fn finish(self: Box<Self>, reply: &Reply) -> Result<Generation> {
        let Self { reader, mut generation, outcomes, error, unreadable, raw } = *self;
        let any_image = outcomes.values().any(Result::is_ok);
        generation.request_id = reply.request_id();
        generation.raw = Bytes::from(raw);
        generation.outcomes = outcomes.into_values().collect();
        if unreadable > 0 {
            let message = format!("{unreadable} events of the stream could not be read");
            generation.warnings.push(Warning::new(WarningKind::Unreadable, None, message));
        }
        match error {
            Some(failure) if !any_image => {
                let code = failure.code.as_deref().unwrap_or_default();
                let kind = (reader.kind_of)(200, code).unwrap_or(ErrorKind::Server);
                let error =
                    Error::from_reply(kind, failure.message, reply).with_code(failure.code).with_param(failure.param);
                let raw = generation.raw.clone();
                Err(error.with_request_id(failure.request_id).with_body(raw).with_generation(generation))
            }
            error => {
                if let Some(failure) = error {
                    let message =
                        format!("the stream ended with an error: {}", seedream_core::redact(&failure.message));
                    generation.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
                }
                let raw = generation.raw.clone();
                generation.or_no_images().map_err(|error| with_head(error, reply).with_body(raw))
            }
        }
    }
}
