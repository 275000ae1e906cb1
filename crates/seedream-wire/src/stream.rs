//! Decodes an event stream, Ark's or OpenAI's.

use std::{collections::BTreeMap, fmt};

use seedream_core::{
    Blobs, Error, ErrorKind, GeneratedImage, Generation, ImageFailure, Response, Result, StreamDecoder, StreamItem,
    Warning, WarningKind, json, redact, sse::Frame,
};
use serde_json::Value;

use crate::{
    Failure, Reader,
    collected::Seen,
    find_images::{self, find, holds_image},
    image::Context,
    reader::{created, with_head},
    usage::{usage, whole},
    warnings::{in_doubt, omitted, repaired, repeated, undocumented},
};

/// How many characters of an event that is not JSON are kept.
const LONGEST_UNREADABLE: usize = 4096;

/// Decodes the events of one stream.
///
/// A failed image does not end the stream (by the protocol; two official SDKs stop there), `completed` may be missing, and an event with
/// an image is an image whatever its name: OpenAI's `completed` has the image, Ark's only the usage. An event may contain several JSON
/// values, and a value a whole list.
pub(crate) struct Decoder {
    reader: Reader,
    /// The most images.
    asked: u32,
    generation: Generation,
    outcomes: BTreeMap<u32, Result<GeneratedImage, ImageFailure>>,
    /// The lowest index that may be free.
    next: u32,
    seen: Seen,
    repeated: usize,
    place: Option<String>,
    /// An error of the whole request.
    error: Option<Failure>,
    /// Plain text among the events.
    words: Option<String>,
    unreadable: u32,
    /// Whether an event was repaired.
    repaired: bool,
    /// Whether an event had more values than are kept.
    omitted: bool,
    /// Whether an event was truncated or could not be decoded.
    unread: bool,
    /// Whether the final event with the usage has arrived.
    completed: bool,
}

impl fmt::Debug for Decoder {
    /// Omits received content: it may contain signed URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("generation", &self.generation)
            .field("outcomes", &self.outcomes)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    pub(crate) fn new(reader: Reader, asked: u32) -> Self {
        let generation = Generation::new(reader.model.clone());
        Self {
            reader,
            asked,
            generation,
            outcomes: BTreeMap::new(),
            next: 0,
            seen: Seen::default(),
            repeated: 0,
            place: None,
            error: None,
            words: None,
            unreadable: 0,
            repaired: false,
            omitted: false,
            unread: false,
            completed: false,
        }
    }

    /// The index of an event's image: its own, or the next free one.
    fn index(&mut self, stated: Option<u32>) -> u32 {
        while self.outcomes.contains_key(&self.next) {
            self.next += 1;
        }
        stated.filter(|index| !self.outcomes.contains_key(index)).unwrap_or(self.next)
    }

    fn keep(&mut self, stated: Option<u32>, outcome: Result<GeneratedImage, ImageFailure>) -> Option<StreamItem> {
        // An event with an index is repeated only if the same image has that index.
        let known = stated.and_then(|index| self.outcomes.get(&index));
        let is_new = match (&outcome, known) {
            (Ok(image), Some(Ok(known))) => known.data != image.data && self.seen.is_new(&image.data),
            (Ok(image), _) => self.seen.is_new(&image.data) || stated.is_some(),
            (Err(failure), Some(Err(known))) => known.code != failure.code || known.message != failure.message,
            (Err(_), _) => true,
        };
        if !is_new {
            self.repeated += 1;
            return None;
        }
        let index = self.index(stated);
        let mut outcome = outcome;
        match &mut outcome {
            Ok(image) => image.index = index,
            Err(failure) => failure.index = index,
        }
        self.outcomes.insert(index, outcome.clone());
        Some(outcome.map_or_else(StreamItem::Failed, StreamItem::Image))
    }

    /// Handles text that is not JSON: an error, a remark, or damaged JSON.
    fn text(&mut self, frame: &Frame) {
        let text = frame.data.trim();
        if text.is_empty() || text.starts_with(':') {
            return;
        }
        let words: String = text.chars().take(LONGEST_UNREADABLE).collect();
        if names_error(frame) {
            // The text may contain Ark's error.
            let failure = Failure::of_json(&serde_json::json!({ "error": words })).unwrap_or_default();
            self.error = Some(Failure { code: failure.code.or_else(|| self.code_in(&words)), ..failure });
        } else if text.contains(['{', '"', '\u{fffd}']) {
            self.unreadable += 1;
        } else {
            self.words.get_or_insert(words);
        }
    }

    /// The first word that is a code of the seller.
    fn code_in(&self, words: &str) -> Option<String> {
        let tokens = words.split(|c: char| !(c.is_ascii_alphanumeric() || "_.:-".contains(c)));
        let mut tokens = tokens.map(|token| token.trim_matches(['.', ':', '-']));
        tokens.find(|token| self.reader.kind(200, Some(token)).is_some()).map(str::to_owned)
    }

    fn value(&mut self, mut body: Value, name: Option<&str>, blobs: &Blobs) -> Vec<StreamItem> {
        find_images::expand(&mut body);
        let kind = body.get("type").and_then(Value::as_str).or(name).unwrap_or_default().to_owned();
        if kind.ends_with("partial_image") {
            // A preview (OpenAI): the final image follows.
            return Vec::new();
        }
        let facts = &mut self.generation;
        for layer in find_images::layers(&body) {
            facts.created = created(layer).or(facts.created);
            if let Some(model) = layer.get("model").and_then(Value::as_str) {
                facts.reported_model = Some(model.to_owned());
            }
            if layer.get("usage").is_some_and(|usage| !usage.is_null()) {
                facts.usage = usage(layer.get("usage"));
            }
        }
        let stated = body.get("image_index").and_then(whole).and_then(|index| u32::try_from(index).ok());
        let reader = self.reader.clone();
        let context = Context { reader: &reader, blobs, created: self.generation.created, truncated: false };
        let direct = ["url", "b64_json"].iter().any(|name| body.get(*name).is_some_and(says));
        let found = if direct || body.is_string() { vec![&body] } else { self.listed(&body) };
        let is_completed = kind.ends_with("completed");
        let mut items = Vec::new();
        if !found.is_empty() {
            let several = found.len() > 1;
            for value in found {
                let item = context.item(0, value);
                self.unread |= item.unread;
                self.place = self.place.take().or_else(|| item.undocumented.map(|name| format!("`{name}`")));
                let stated = stated.filter(|_| !several && item.outcomes.len() == 1);
                items.extend(item.outcomes.into_iter().filter_map(|outcome| self.keep(stated, outcome)));
            }
            self.completed |= is_completed && self.outcomes.len() >= self.asked as usize;
        } else if let Some(failure) = Failure::of_json(&body).or_else(|| named_error(&body, &kind)) {
            if kind.ends_with("partial_failed") {
                let failure = context.failure(0, failure);
                items.extend(self.keep(stated, Err(failure)));
            } else {
                self.error = Some(failure);
            }
        } else {
            self.completed |= is_completed;
        }
        items
    }

    /// Decodes the images of a complete response in one event.
    fn listed<'a>(&mut self, body: &'a Value) -> Vec<&'a Value> {
        let found = find(body, "data");
        if found.items.iter().any(|item| holds_image(item)) {
            self.place = self.place.take().or(found.undocumented);
            return found.items;
        }
        Vec::new()
    }
}

/// Whether a member contains any text.
fn says(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// Whether the name of an event marks an error.
fn names_error(frame: &Frame) -> bool {
    frame.event.as_deref().is_some_and(|event| event.to_ascii_lowercase().contains("error"))
}

/// Decodes an event that is named an error, with any members.
fn named_error(body: &Value, kind: &str) -> Option<Failure> {
    kind.contains("error").then(|| {
        let message = body.get("message").or(body.get("data")).and_then(Value::as_str).map(str::to_owned);
        let message = message.unwrap_or_else(|| body.to_string());
        Failure { message, ..Failure::default() }
    })
}

impl StreamDecoder for Decoder {
    fn event(&mut self, frame: &Frame, blobs: &Blobs) -> Vec<StreamItem> {
        let mut items = Vec::new();
        let mut any = false;
        // Brackets inside text are not JSON.
        let meant = json::is_meant(frame.data.as_bytes());
        if !meant && names_error(frame) && !frame.data.trim().is_empty() {
            self.text(frame);
            return items;
        }
        for document in json::documents(frame.data.as_bytes()).take_while(|document| meant || !document.cut) {
            self.repaired |= document.repaired;
            self.omitted |= document.omitted;
            self.unreadable += u32::from(document.cut);
            any = true;
            let values = match document.value {
                Value::Array(values) if values.iter().all(|value| value.get("type").is_some()) => values,
                value => vec![value],
            };
            for value in values {
                items.extend(self.value(value, frame.event.as_deref(), blobs));
            }
        }
        if !any {
            // A bare image, or text.
            let text = Value::String(frame.data.trim().to_owned());
            if holds_image(&text) {
                return self.value(text, frame.event.as_deref(), blobs);
            }
            self.text(frame);
        }
        items
    }

    fn is_complete(&self) -> bool {
        let came = self.outcomes.len() as u64;
        self.completed && self.generation.billed().is_none_or(|billed| came >= billed)
    }

    fn finish(self: Box<Self>, response: &Response) -> Result<Generation> {
        let Self { reader, mut generation, outcomes, error, words, unreadable, .. } = *self;
        let any_image = outcomes.values().any(Result::is_ok);
        generation.request_id = response.request_id();
        generation.outcomes = outcomes.into_values().collect();
        if unreadable > 0 {
            let message = format!("{unreadable} events of the stream could not be decoded");
            generation.warnings.push(Warning::new(WarningKind::Unreadable, None, message));
        }
        if self.repaired {
            generation.warnings.push(repaired());
        }
        generation.warnings.extend(self.omitted.then(omitted));
        generation.warnings.extend(self.place.as_deref().map(undocumented));
        generation.warnings.extend((self.repeated > 0).then(|| repeated(self.repeated)));
        let exact = !self.repaired && !self.omitted && !self.unread && unreadable == 0 && self.completed;
        in_doubt(&mut generation, exact && response.is_whole());
        match error {
            Some(failure) if !any_image => {
                let kind = reader.kind(200, failure.code.as_deref()).unwrap_or(ErrorKind::Server);
                let error = Error::from_response(kind, failure.message, response)
                    .with_code_and_param(failure.code, failure.param);
                Err(error.with_request_id(failure.request_id).with_generation(generation))
            }
            error => {
                if let Some(failure) = error {
                    let message = format!("the stream ended with an error: {}", redact(&failure.message));
                    generation.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
                }
                generation.or_no_images().map_err(|error| {
                    let error = match words {
                        Some(words) => error.adding(&format!("; the stream contains: {words}")),
                        None => error,
                    };
                    with_head(error, response)
                })
            }
        }
    }
}
