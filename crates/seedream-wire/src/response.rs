//! Decodes a complete response.

use seedream_core::{
    Charge, Decoded, Error, ErrorKind, Generation, Response, Result, StreamDecoder, Warning, WarningKind, json, redact,
    sse::{Frame, Parser},
};
use serde_json::{Map, Value};

use crate::{
    Failure, Reader,
    collected::{Collected, MOST},
    find_images::{self, find},
    image::{Context, format},
    reader::with_head,
    stream::Decoder,
    task,
    warnings::{omitted, repaired},
};

impl Reader {
    /// Decodes a response: images from a success, otherwise an error. A task instead of images is an acceptance.
    ///
    /// # Errors
    /// The error in the response; [`ErrorKind::MalformedResponse`], with the body, for a success that cannot be decoded;
    /// [`ErrorKind::NoImages`] for a success without images.
    pub fn outcome(&self, response: &Response) -> Result<Decoded> {
        if response.status.is_success() { self.of_success(response) } else { self.of_failure(response) }
    }

    /// Decodes a response with an error status. Some gateways return billed images with such a status.
    fn of_failure(&self, response: &Response) -> Result<Decoded> {
        let error = self.error(response);
        let Some(mut document) = json::read(&response.body) else { return Err(error) };
        find_images::expand(&mut document.value);
        let body = &document.value;
        let layers: Vec<_> = find_images::layers(body).collect();
        let failed = Failure::of_json(body).is_some() || layers.iter().any(|layer| says_error(layer));
        let images =
            body.get("data").and_then(Value::as_array).is_some_and(|items| items.iter().any(find_images::holds_image));
        let billed = self.facts(&layers, response).billed().is_some_and(|billed| billed > 0);
        if !images && !billed {
            let accepted = task::instead_of_images(body).filter(|_| !failed);
            return accepted.map(Decoded::Accepted).ok_or(error);
        }
        match self.of_success(response) {
            Ok(Decoded::Done(mut generation)) if !failed => {
                let message = format!("the response has images under the status {}", response.status.as_u16());
                generation.warnings.push(Warning::new(WarningKind::Undocumented, None, message));
                Ok(Decoded::Done(generation))
            }
            Ok(Decoded::Done(generation)) => {
                let charge = generation.charge().max(Charge::Unknown);
                Err(error.with_charge(charge).with_generation(generation))
            }
            _ if billed => Err(error.with_charge(Charge::Yes)),
            _ => Err(error.with_charge(Charge::Unknown)),
        }
    }

    fn of_success(&self, response: &Response) -> Result<Decoded> {
        let document = json::read(&response.body);
        // One value that is exactly the body is no stream, which nearly every response shows at once.
        let is_one = document.as_ref().is_some_and(|one| one.is_exact() && one.length == response.body.len());
        if let Some(frames) = (!is_one).then(|| frames(response)).flatten() {
            return self.streamed(&frames, response).map(Decoded::Done);
        }
        let Some(mut document) = document else {
            return Err(self.malformed(response, "the response cannot be decoded"));
        };
        find_images::expand(&mut document.value);
        if let Value::String(text) = &document.value
            && json::is_meant(text.as_bytes())
            && let Some(inner) = json::read(text.as_bytes())
        {
            document = inner;
        }
        let body = &document.value;
        if !(body.is_object() || body.is_array()) {
            return Err(self.malformed(response, "the response cannot be decoded"));
        }
        let found = find(body, "data");
        if !found.items.iter().any(|item| find_images::holds_image(item)) {
            let failed = Failure::of_json(body).is_some() || find_images::layers(body).any(says_error);
            if let Some(accepted) = task::instead_of_images(body).filter(|_| !failed) {
                return Ok(Decoded::Accepted(accepted));
            }
            if failed && found.items.is_empty() {
                return Err(self.error(response));
            }
            let listed = |data: &Value| data.is_array() || data.is_object() || data.is_null();
            if found.items.is_empty() && !body.get("data").is_some_and(listed) {
                let named = task::named_ids(body);
                return Err(self.malformed(response, &format!("the response is a success without images{named}")));
            }
        }
        let layers: Vec<_> = find_images::layers(body).collect();
        let mut generation = self.facts(&layers, response);
        let mut collected = Collected::default();
        let context = Context::new(self, response, generation.created);
        for item in found.items {
            collected.add(&context, item);
        }
        collected.stands_in(found.undocumented);
        let exact = document.is_exact() && response.is_whole();
        if document.repaired || response.repaired {
            generation.warnings.push(repaired());
        }
        generation.warnings.extend(document.omitted.then(omitted));
        collected.fill(&mut generation, exact);
        if generation.images().next().is_some()
            && layers.into_iter().any(says_error)
            && let Some(failure) = Failure::of_json(body)
        {
            let code = failure.code.map(|code| format!(" ({code})")).unwrap_or_default();
            let message =
                redact(&format!("the response has an error in addition to its images: {}{code}", failure.message));
            generation.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
        }
        // OpenAI states size and format once for all images.
        let stated = |name: &str| body.get(name).and_then(Value::as_str);
        for image in generation.outcomes.iter_mut().flatten() {
            image.size = image.size.or_else(|| stated("size")?.parse().ok());
            image.format = image.format.or_else(|| format(stated("output_format")?));
        }
        generation.or_no_images().map(Decoded::Done).map_err(|error| with_head(error, response))
    }

    fn malformed(&self, response: &Response, what: &str) -> Error {
        let message = format!("{what}: {}", Failure::of(response).message);
        Error::from_response(ErrorKind::MalformedResponse, message, response)
    }

    /// Decodes stream events that arrived as one body.
    fn streamed(&self, frames: &[Frame], response: &Response) -> Result<Generation> {
        let mut decoder = Box::new(Decoder::new(self.clone(), u32::MAX));
        for frame in frames.iter().filter(|frame| !frame.is_done()) {
            decoder.event(frame, response.blobs());
        }
        decoder.finish(response)
    }

    /// Creates a decoder for an event stream; `asked` is the most images.
    pub fn stream(self, asked: u32) -> Box<dyn StreamDecoder> {
        Box::new(Decoder::new(self, asked))
    }
}

/// The events of a body that is a stream, with any content type: lines with fields, or several JSON values.
fn frames(response: &Response) -> Option<Vec<Frame>> {
    let body = response.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&response.body).trim_ascii_start();
    let begins = [&b"data:"[..], b"event:", b"id:", b"retry:", b":"]
        .iter()
        .any(|field| body.get(..field.len()).is_some_and(|head| head.eq_ignore_ascii_case(field)));
    if begins {
        let mut parser = Parser::new();
        let frames = parser.feed(&response.body);
        return Some(frames.into_iter().chain(parser.finish()).collect());
    }
    if !json::is_meant(body) || json::is_strict(body) {
        return None;
    }
    let several: Vec<_> = json::documents(body).take(MOST).collect();
    let is_stream = several.len() > 1 && several.iter().all(|document| document.value.is_object());
    let frame = |value: Value| Frame { event: None, data: value.to_string() };
    is_stream.then(|| several.into_iter().map(|document| frame(document.value)).collect())
}

/// Whether an object has a non-empty error.
fn says_error(members: &Map<String, Value>) -> bool {
    members.get("error").is_some_and(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    })
}
