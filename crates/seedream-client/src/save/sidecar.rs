//! The file beside the pictures: what was asked, planned, answered and charged.

use std::{io, path::PathBuf};

use seedream_core::{
    Attempt, Charge, Error, ErrorKind, Generation, ImageData, ImageFailure, ImageProvider as _, ImageRequest, Plan,
    Task, Timestamp, Usage, Warning,
};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{SaveOptions, Saved, SavedImage, file, hex, stem};
use crate::Client;

/// The longest base64 that stands in a sidecar as it is, in bytes.
const LONGEST_BASE64: usize = 1024;

/// What was asked, planned, answered and charged, for a file beside the pictures.
///
/// Its JSON has the form of [`Sidecar::SCHEMA`], and every member is always there. It holds no key. Pictures that travelled with
/// the request stand as their length and SHA-256; signed URLs stand as they are, since a picture that could not be saved is found
/// by nothing else.
///
/// ```
/// # use seedream_client::{Client, SaveOptions, Sidecar};
/// # use seedream_core::{ImageProvider, ImageRequest, Result};
/// # async fn example(client: Client, request: ImageRequest) -> Result<()> {
/// let mut sidecar = Sidecar::new(&client);
/// sidecar.asked(&request);
/// sidecar.planned(&client.plan(&request)?);
/// let generation = client.generate(request).await?;
/// let options = SaveOptions::new("out", "lighthouse");
/// let saved = client.save(&generation, &options).await;
/// sidecar.ended(&Ok(generation), &saved);
/// let path = sidecar.write(&options).await.expect("a disk with room");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Sidecar {
    schema: &'static str,
    begun_at: Timestamp,
    provider: String,
    base_url: String,
    asked: Option<Value>,
    planned: Option<Value>,
    task: Option<Task>,
    answered: Option<Answered>,
    error: Option<Failed>,
    images: Vec<Image>,
    failures: Vec<ImageFailure>,
    charged: Charged,
    /// The first file, whose name it takes.
    #[serde(skip)]
    first: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize)]
struct Answered {
    model: String,
    reported_model: Option<String>,
    created: Option<Timestamp>,
    request_id: Option<String>,
    warnings: Vec<Warning>,
}

#[derive(Clone, Debug, Serialize)]
struct Failed {
    kind: ErrorKind,
    code: Option<String>,
    message: String,
    status: Option<u16>,
    request_id: Option<String>,
    attempts: Vec<Tried>,
    kept: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize)]
struct Tried {
    number: u32,
    after_ms: u64,
    place: String,
    outcome: String,
}

#[derive(Clone, Debug, Serialize)]
struct Image {
    index: u32,
    /// The name of its file, which is in the same directory.
    file: String,
    width: Option<u32>,
    height: Option<u32>,
    media_type: String,
    bytes: u64,
    sha256: String,
    url: Option<String>,
    expires_at: Option<Timestamp>,
    warnings: Vec<Warning>,
    other: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize)]
struct Charged {
    charge: Charge,
    requested: Option<u32>,
    delivered: u32,
    billed: Option<u64>,
    usage: Usage,
}

impl Sidecar {
    /// The JSON Schema (draft 2020-12) of a sidecar.
    pub const SCHEMA: &str = include_str!("sidecar.schema.json");

    /// A sidecar of a client's request, of which nothing is known yet.
    pub fn new(client: &Client) -> Self {
        Self {
            schema: "seedream-sidecar/1",
            begun_at: Timestamp::now(),
            provider: client.descriptor().id.to_owned(),
            base_url: client.base_url().to_owned(),
            asked: None,
            planned: None,
            task: None,
            answered: None,
            error: None,
            images: Vec::new(),
            failures: Vec::new(),
            charged: Charged {
                charge: Charge::No,
                requested: None,
                delivered: 0,
                billed: None,
                usage: Usage::default(),
            },
            first: None,
        }
    }

    /// Notes what was asked, as it was said.
    pub fn asked(&mut self, request: &ImageRequest) {
        self.asked = Some(without_pictures(request));
        self.charged.requested = request.requested();
    }

    /// Notes what was to be sent.
    pub fn planned(&mut self, plan: &Plan) {
        self.planned = Some(without_pictures(plan));
    }

    /// Notes the task that was accepted.
    pub fn task(&mut self, task: &Task) {
        self.task = Some(task.clone());
    }

    /// Notes how it ended, and where its pictures are.
    pub fn ended(&mut self, outcome: &Result<Generation, Error>, saved: &Saved) {
        let known = match outcome {
            Ok(generation) => Some(generation),
            Err(error) => error.generation(),
        };
        self.answered = known.map(Answered::of);
        self.error = outcome.as_ref().err().map(Failed::of);
        if let Some(task) = outcome.as_ref().err().and_then(Error::task) {
            self.task(task);
        }
        self.images = saved.images().map(|image| Image::of(image, known)).collect();
        self.failures = saved.failures().cloned().collect();
        self.first = saved.images().next().map(|image| image.path.clone());

        let incomplete = |failure: &&ImageFailure| failure.kind == ErrorKind::IncompleteImage;
        let cut = saved.failures().filter(incomplete).count();
        let made_but_not_saved = saved.failures().filter(|failure| failure.url.is_some()).count();
        let here = self.images.len() + made_but_not_saved;
        let delivered = known.map_or(here, |known| known.images().count().max(here)).saturating_sub(cut);
        self.charged.delivered = u32::try_from(delivered).unwrap_or(u32::MAX);
        self.charged.billed = known.and_then(Generation::billed);
        self.charged.usage = known.map(|known| known.usage.clone()).unwrap_or_default();
        self.charged.charge = match outcome {
            Ok(generation) => generation.charge(),
            Err(_) if delivered > 0 => Charge::Yes,
            Err(error) => error.charge(),
        };
    }

    /// Whether there is something to tell: an outcome that may have cost something.
    pub fn is_worth_a_file(&self) -> bool {
        self.charged.charge != Charge::No || !self.images.is_empty() || !self.failures.is_empty()
    }

    /// Writes it as `<prefix>-<n>.json`, with the number of the first picture, or the next one that is free. Nothing is
    /// overwritten.
    ///
    /// # Errors
    /// The disk's.
    pub async fn write(&self, options: &SaveOptions) -> io::Result<PathBuf> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let (directory, stem, first) = (options.directory.clone(), stem(&options.prefix), self.first.clone());
        let job = move || file::write_beside(first.as_deref(), &directory, &stem, "json", &text);
        tokio::task::spawn_blocking(job).await.map_err(io::Error::other)?
    }
}

impl Answered {
    fn of(generation: &Generation) -> Self {
        Self {
            model: generation.model.to_string(),
            reported_model: generation.reported_model.clone(),
            created: generation.created,
            request_id: generation.request_id.clone(),
            warnings: generation.warnings.clone(),
        }
    }
}

impl Failed {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            code: error.code().map(str::to_owned),
            message: error.message().to_owned(),
            status: error.status().map(|status| status.as_u16()),
            request_id: error.request_id().map(str::to_owned),
            attempts: error.attempts().iter().map(Tried::of).collect(),
            kept: error.kept().map(ToOwned::to_owned),
        }
    }
}

impl Tried {
    fn of(attempt: &Attempt) -> Self {
        let after_ms = u64::try_from(attempt.after.as_millis()).unwrap_or(u64::MAX);
        let (place, outcome) = (attempt.place.clone(), attempt.outcome.clone());
        Self { number: attempt.number, after_ms, place, outcome }
    }
}

impl Image {
    fn of(saved: &SavedImage, known: Option<&Generation>) -> Self {
        let made = known.into_iter().flat_map(Generation::images).find(|image| image.index == saved.index);
        let (url, expires_at) = match made.map(|image| &image.data) {
            Some(ImageData::Url { url, expires_at }) => (Some(url.clone()), *expires_at),
            _ => (None, None),
        };
        Self {
            index: saved.index,
            file: saved.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            width: saved.width,
            height: saved.height,
            media_type: saved.media_type.clone(),
            bytes: saved.bytes,
            sha256: saved.sha256.clone(),
            url,
            expires_at,
            warnings: saved.warnings.clone(),
            other: made.map(|image| image.other.clone()).unwrap_or_default(),
        }
    }
}

/// A value as JSON, with a few words in the place of every picture in it.
fn without_pictures(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    shorten(&mut value);
    value
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(short) = shortened(text) {
                *text = short;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// Long base64, alone or in a data URI, as the length and the SHA-256 of what it stands for.
fn shortened(text: &str) -> Option<String> {
    let (head, base64) = match text.split_once(";base64,") {
        Some((media_type, base64)) if media_type.starts_with("data:") => (format!("{media_type};"), base64),
        _ => (String::new(), text),
    };
    if base64.len() <= LONGEST_BASE64 {
        return None;
    }
    let bytes = base64_simd::STANDARD.decode_to_vec(base64).ok()?;
    Some(format!("{head}{} bytes, sha256 {}", bytes.len(), hex(&Sha256::digest(&bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_named_by_length_and_hash_and_texts_stay() {
        let picture = base64_simd::STANDARD.encode_to_string([7; 3000]);
        let hash = hex(&Sha256::digest([7; 3000]));
        let said = format!("3000 bytes, sha256 {hash}");
        assert_eq!(shortened(&picture).unwrap(), said);
        assert_eq!(shortened(&format!("data:image/png;base64,{picture}")).unwrap(), format!("data:image/png;{said}"));
        let prompt = "a lighthouse in fog ".repeat(200);
        for text in [prompt.as_str(), "https://a.example/0.png", "data:image/png;base64,AAAA", ""] {
            assert_eq!(shortened(text), None);
        }
    }
}
