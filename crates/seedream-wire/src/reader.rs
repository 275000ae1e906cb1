//! Reads a whole response.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use http::StatusCode;
use seedream_core::Timestamp;
use seedream_core::{
    Charge, Decoded, Error, ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, ModelId, Response, Result,
    StreamDecoder, Warning, WarningKind, json, redact,
    sse::{Frame, Parser},
};
use serde_json::{Map, Value};

use crate::{
    Failure,
    find::{self, find},
    image::{Context, format},
    stream::{Decoder, omitted},
    task,
    usage::{usage, whole},
};

/// How many outcomes of one response are told apart, and with those that are images.
const MOST: usize = 1024;
const MOST_IMAGES: usize = 8192;

/// Reads the responses to one request, in any shape of the family.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The model that was asked for.
    pub model: ModelId,
    /// What a status and a code mean to this provider (the code is empty where there is none, or only the status again); `None`
    /// where it does not know them.
    pub kind_of: fn(u16, &str) -> Option<ErrorKind>,
    /// How long a result URL lives that does not say so itself, from the moment its image was made.
    pub lifetime: Option<Duration>,
}

impl Reader {
    /// Reads a response: images from a success, an error from everything else. A task where images should be is an acceptance.
    ///
    /// # Errors
    /// What the response says; [`ErrorKind::MalformedResponse`] for a success that cannot be read, with its body kept;
    /// [`ErrorKind::NoImages`] for one without images.
    pub fn outcome(&self, response: &Response) -> Result<Decoded> {
        if response.status.is_success() { self.of_success(response) } else { self.of_failure(response) }
    }

    /// A response whose status says that it failed. Some gateways put one over a response that holds what was bought.
    fn of_failure(&self, response: &Response) -> Result<Decoded> {
        let error = self.error(response);
        let Some(mut document) = json::read(&response.body) else { return Err(error) };
        find::expand(&mut document.value);
        let body = &document.value;
        let failed = Failure::of_json(body).is_some() || find::layers(body).any(says_error);
        let images =
            body.get("data").and_then(Value::as_array).is_some_and(|items| items.iter().any(find::holds_image));
        let billed = self.facts(body, response).billed().is_some_and(|billed| billed > 0);
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
        if let Some(frames) = frames(response) {
            return self.streamed(&frames, response).map(Decoded::Done);
        }
        let Some(mut document) = json::read(&response.body) else {
            return Err(self.malformed(response, "the response cannot be read"));
        };
        find::expand(&mut document.value);
        if let Value::String(text) = &document.value
            && json::is_meant(text.as_bytes())
            && let Some(inner) = json::read(text.as_bytes())
        {
            document = inner;
        }
        let body = &document.value;
        if !(body.is_object() || body.is_array()) {
            return Err(self.malformed(response, "the response cannot be read"));
        }
        let found = find(body, "data");
        if !found.items.iter().any(|item| find::holds_image(item)) {
            let failed = Failure::of_json(body).is_some() || find::layers(body).any(says_error);
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
        let mut generation = self.facts(body, response);
        let mut collected = Collected::default();
        let context = self.context(response, generation.created);
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
            && find::layers(body).any(says_error)
            && let Some(failure) = Failure::of_json(body)
        {
            let code = failure.code.map(|code| format!(" ({code})")).unwrap_or_default();
            let message = redact(&format!("the response has an error beside its images: {}{code}", failure.message));
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

    /// Events of a stream that arrived as one body.
    fn streamed(&self, frames: &[Frame], response: &Response) -> Result<Generation> {
        let mut decoder = Box::new(Decoder::new(self.clone(), u32::MAX));
        for frame in frames.iter().filter(|frame| !frame.is_done()) {
            decoder.event(frame, response.blobs());
        }
        decoder.finish(response)
    }

    pub(crate) fn context<'a>(&'a self, response: &'a Response, created: Option<Timestamp>) -> Context<'a> {
        Context { reader: self, blobs: response.blobs(), created, truncated: response.truncated }
    }

    /// What a response says around its images.
    pub(crate) fn facts(&self, body: &Value, response: &Response) -> Generation {
        let mut generation = Generation::new(self.model.clone());
        for layer in find::layers(body) {
            generation.reported_model =
                generation.reported_model.or_else(|| layer.get("model").and_then(Value::as_str).map(str::to_owned));
            generation.created = generation.created.or_else(|| created(layer));
            if generation.usage.is_empty() {
                generation.usage = usage(layer.get("usage"));
            }
        }
        generation.request_id = response.request_id();
        generation.raw = response.body.clone();
        generation
    }

    /// What a status and a code mean; a code that is a status means that status.
    pub(crate) fn kind(&self, status: u16, code: Option<&str>) -> Option<ErrorKind> {
        let code = code?;
        let stated = code.parse().ok().filter(|stated| (400..600).contains(stated));
        match stated {
            Some(stated) => (self.kind_of)(stated, "").or_else(|| StatusCode::from_u16(stated).ok().map(by_status)),
            None => (self.kind_of)(status, code),
        }
    }

    /// The error that a response is, with its code understood; one without a known code is understood by its status.
    pub fn error(&self, response: &Response) -> Error {
        let failure = Failure::of(response);
        let status = response.status;
        let known = if status.is_success() {
            self.kind(status.as_u16(), failure.code.as_deref())
        } else {
            let code = failure.code.as_deref().filter(|code| *code != status.as_str()).unwrap_or_default();
            (self.kind_of)(status.as_u16(), code)
        };
        let kind = known.unwrap_or_else(|| by_status(status));
        let message = if status.is_redirection() {
            let place = response.header("location").unwrap_or("nowhere");
            format!(
                "the answer points to {place}: paid requests do not follow, so set the base URL to where it is meant to go"
            )
        } else {
            failure.message
        };
        Error::from_response(kind, message, response)
            .with_code_and_param(failure.code, failure.param)
            .with_request_id(response.request_id().or(failure.request_id))
    }

    /// A decoder for a stream of events; `asked` is how many images it may bring.
    pub fn stream(self, asked: u32) -> Box<dyn StreamDecoder> {
        Box::new(Decoder::new(self, asked))
    }
}

/// The events of a body that is a stream, whatever its label says: lines with fields, or several JSON values.
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

/// Outcomes that are being collected, each image once.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub outcomes: Vec<Result<GeneratedImage, ImageFailure>>,
    seen: Seen,
    /// The places of images that came before.
    repeated: Vec<usize>,
    undocumented: Vec<String>,
    unread: bool,
    left_out: usize,
}

impl Collected {
    /// Reads one item.
    pub(crate) fn add(&mut self, context: &Context<'_>, item: &Value) {
        // What is not an image must not keep one from being taken.
        if self.outcomes.len() >= MOST && !(find::holds_image(item) && self.outcomes.len() < MOST_IMAGES) {
            self.left_out += 1;
            return;
        }
        let index = u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX);
        let item = context.item(index, item);
        self.unread |= item.unread;
        self.undocumented.extend(item.undocumented.map(|name| format!("`{name}`")));
        for outcome in item.outcomes {
            let is_new = outcome.as_ref().map_or(true, |image| self.seen.is_new(&image.data));
            if !is_new {
                self.repeated.push(self.outcomes.len());
            }
            self.outcomes.push(outcome);
        }
    }

    /// Takes out what came again, unless it is billed again too: some documents print one URL for every image.
    fn without_repeated(&mut self, billed: Option<u64>) -> usize {
        let images = self.outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
        if self.repeated.is_empty() || billed.is_some_and(|billed| billed >= images) {
            return 0;
        }
        let mut at = 0;
        self.outcomes.retain(|_| {
            at += 1;
            self.repeated.binary_search(&(at - 1)).is_err()
        });
        self.repeated.len()
    }

    /// Notes where the items stand, where no document has that place.
    pub(crate) fn stands_in(&mut self, place: Option<String>) {
        self.undocumented.splice(0..0, place);
    }

    /// Hands everything over. `exact` says whether the response was read as it came.
    pub(crate) fn fill(mut self, generation: &mut Generation, exact: bool) {
        if let Some(place) = self.undocumented.first() {
            generation.warnings.push(undocumented(place));
        }
        let again = self.without_repeated(generation.billed());
        if again > 0 {
            generation.warnings.push(repeated(again));
        }
        for (index, outcome) in (0..).zip(&mut self.outcomes) {
            match outcome {
                Ok(image) => image.index = index,
                Err(failure) => failure.index = index,
            }
        }
        if self.left_out > 0 {
            let message =
                format!("{} items were left out after the first {MOST}; the raw response has them", self.left_out);
            generation.warnings.push(Warning::new(WarningKind::Unreadable, None, message));
        }
        generation.outcomes = self.outcomes;
        in_doubt(generation, exact && !self.unread && self.left_out == 0);
    }
}

/// Only a response that was read whole can say that nothing was billed.
pub(crate) fn in_doubt(generation: &mut Generation, exact: bool) {
    if !exact && generation.billed() == Some(0) {
        generation.charged = Some(Charge::Unknown);
    }
}

pub(crate) fn repaired() -> Warning {
    let message = "the response is not quite JSON: it was repaired, and what could be read of it was kept";
    Warning::new(WarningKind::Repaired, None, message)
}

pub(crate) fn undocumented(place: &str) -> Warning {
    let message = format!(
        "the images stood in {place}, which the provider's document does not have: that they are meant is our guess"
    );
    Warning::new(WarningKind::Undocumented, None, message)
}

pub(crate) fn repeated(count: usize) -> Warning {
    let came = if count == 1 { "1 image came again and is" } else { &format!("{count} images came again and are") };
    let message = format!("{came} delivered once");
    Warning::new(WarningKind::Repeated, None, message)
}

/// The images that have come, to tell repeated ones.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    urls: HashSet<String>,
    /// Images themselves, by their length: most differ in that.
    others: HashMap<usize, Vec<ImageData>>,
}

impl Seen {
    /// Whether an image has not come before; it has from now on.
    pub(crate) fn is_new(&mut self, data: &ImageData) -> bool {
        let length = match data {
            // Documents shorten URLs, so that all of them are one.
            ImageData::Url { url, .. } if url.contains("...") || url.contains('…') => return true,
            ImageData::Url { url, .. } => return self.urls.insert(url.clone()),
            ImageData::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        let same = self.others.entry(length).or_default();
        let is_new = !same.contains(data);
        if is_new {
            same.push(data.clone());
        }
        is_new
    }
}

/// Whether an object has an error that is not empty.
fn says_error(members: &Map<String, Value>) -> bool {
    members.get("error").is_some_and(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    })
}

/// Adds the head of the response to an error that was made from its body.
pub(crate) fn with_head(error: Error, response: &Response) -> Error {
    let id = error.request_id().map(str::to_owned).or_else(|| response.request_id());
    error.with_request_id(id).with_body(response.body.clone())
}

/// `created` (Ark, document 000 and 003) or `created_at` (OpenAI), in seconds.
pub(crate) fn created(body: &Map<String, Value>) -> Option<Timestamp> {
    let seconds = ["created", "created_at"].into_iter().find_map(|name| body.get(name).and_then(whole))?;
    Timestamp::from_unix_seconds(i64::try_from(seconds).ok()?)
}

/// What a status means where there is no code, or none that is known.
pub(crate) fn by_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        200..=299 => ErrorKind::Server,
        300..=399 => ErrorKind::Config,
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Balance,
        403 => ErrorKind::PermissionDenied,
        404 | 405 | 501 => ErrorKind::Unsupported,
        408 | 499 | 504 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    }
}
