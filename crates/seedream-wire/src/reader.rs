//! Reads a whole answer.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use seedream_core::{Error, ErrorKind, Generation, ModelId, Reply, Result, StreamDecoder};
use serde_json::{Map, Value};

use crate::{
    Failure,
    image::{Context, format},
    parse,
    stream::Decoder,
    usage::{usage, whole},
};

/// Reads the answers to one request, in any shape of the family.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The model that was asked for.
    pub model: ModelId,
    /// What a status and a code mean to this provider (the code is empty where there is none, or only the status again); `None`
    /// where it does not know them.
    pub kind_of: fn(u16, &str) -> Option<ErrorKind>,
    /// How long a result URL lives that does not say so itself, from the moment its picture was made.
    pub lifetime: Option<Duration>,
}

impl Reader {
    /// Reads an answer: pictures from a success, an error from everything else.
    ///
    /// # Errors
    /// What the answer says; [`ErrorKind::MalformedResponse`] for a success that cannot be read, with its body kept;
    /// [`ErrorKind::NoImages`] for one without pictures.
    pub fn generation(&self, reply: &Reply) -> Result<Generation> {
        if !reply.status.is_success() {
            return Err(self.error(reply));
        }
        let Some(Value::Object(body)) = parse(&reply.body) else {
            let failure = Failure::of(reply);
            let message = format!("the answer cannot be read: {}", failure.message);
            return Err(Error::from_reply(ErrorKind::MalformedResponse, message, reply));
        };
        let items = match body.get("data") {
            Some(Value::Array(items)) => items.as_slice(),
            Some(item @ Value::Object(_)) => std::slice::from_ref(item),
            _ => &[],
        };
        if items.is_empty() {
            if Failure::of(reply).code.is_some() || body.get("error").is_some_and(|error| !error.is_null()) {
                return Err(self.error(reply));
            }
            if !body.contains_key("data") {
                let message = "the answer is a success, but it has no `data`";
                return Err(Error::from_reply(ErrorKind::MalformedResponse, message, reply));
            }
        }
        let mut generation = self.facts(&body, reply);
        let context =
            Context { reader: self, blobs: reply.blobs(), created: generation.created, truncated: reply.truncated };
        let read = |(index, item)| context.item(u32::try_from(index).unwrap_or(u32::MAX), item);
        generation.outcomes = items.iter().enumerate().map(read).collect();
        // OpenAI states size and format once for all pictures.
        let stated = |name: &str| body.get(name).and_then(Value::as_str);
        for image in generation.outcomes.iter_mut().flatten() {
            image.size = image.size.or_else(|| stated("size")?.parse().ok());
            image.format = image.format.or_else(|| format(stated("output_format")?));
        }
        generation.or_no_images().map_err(|error| with_head(error, reply))
    }

    /// What an answer says around its pictures.
    fn facts(&self, body: &Map<String, Value>, reply: &Reply) -> Generation {
        let mut generation = Generation::new(self.model.clone());
        generation.reported_model = body.get("model").and_then(Value::as_str).map(str::to_owned);
        generation.created = created(body);
        generation.request_id = reply.request_id();
        generation.usage = usage(body.get("usage"));
        generation.raw = reply.body.clone();
        generation
    }

    /// The error that an answer is, with its code understood; one without a known code is understood by its status.
    pub fn error(&self, reply: &Reply) -> Error {
        let failure = Failure::of(reply);
        let status = reply.status;
        let code = failure.code.as_deref().filter(|code| *code != status.as_str()).unwrap_or_default();
        let known = (self.kind_of)(status.as_u16(), code);
        let kind = known.unwrap_or_else(|| by_status(status));
        let message = if reply.status.is_redirection() {
            let place = reply.header("location").unwrap_or("nowhere");
            format!(
                "the answer points to {place}: paid requests do not follow, so set the base URL to where it is meant to go"
            )
        } else {
            failure.message
        };
        Error::from_reply(kind, message, reply)
            .with_code(failure.code)
            .with_param(failure.param)
            .with_request_id(reply.request_id().or(failure.request_id))
    }

    /// A decoder for a stream of events.
    pub fn stream(self) -> Box<dyn StreamDecoder> {
        Box::new(Decoder::new(self))
    }
}

/// Adds the head of the answer to an error that was made from its body.
pub(crate) fn with_head(error: Error, reply: &Reply) -> Error {
    let id = error.request_id().map(str::to_owned).or_else(|| reply.request_id());
    error.with_request_id(id).with_body(reply.body.clone())
}

/// `created` (Ark, document 000 and 003) or `created_at` (OpenAI), in seconds.
pub(crate) fn created(body: &Map<String, Value>) -> Option<Timestamp> {
    let seconds = ["created", "created_at"].into_iter().find_map(|name| body.get(name).and_then(whole))?;
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

/// What a status means where there is no code, or none that is known.
fn by_status(status: StatusCode) -> ErrorKind {
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
