//! The outcome of a request: images, failures and usage.

use std::{fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    Charge, ErrorKind, ModelId, OutputFormat, Pixels, Timestamp, Usage, Warning,
    error::{kind_members, told},
    redact,
    stored::known,
};

/// The outcome of a request with at least one image.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Generation {
    /// The requested model, in the provider's spelling.
    pub model: ModelId,
    /// The model that the provider reports: often the id of the provider behind it, which is never sent.
    pub reported_model: Option<String>,
    /// When the images were made, as the provider states it.
    pub created: Option<Timestamp>,
    /// The id to quote to the provider.
    pub request_id: Option<String>,
    /// One entry per image, in the provider's order, failures included. In JSON each is an object whose member `outcome` is `image` or
    /// `failure`.
    #[serde(with = "outcomes")]
    pub outcomes: Vec<Result<GeneratedImage, ImageFailure>>,
    /// The usage in the response.
    pub usage: Usage,
    /// Deviations from the request.
    pub warnings: Vec<Warning>,
    /// The charge, if the usage does not determine it: the response is truncated or contradicts itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Charge>,
    /// The raw response; long base64 is replaced by a short token.
    #[serde(skip)]
    pub raw: Bytes,
}

impl fmt::Debug for Generation {
    /// Shows the size of the response, not its content: it may contain signed URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("model", &self.model)
            .field("reported_model", &self.reported_model)
            .field("created", &self.created)
            .field("request_id", &self.request_id)
            .field("outcomes", &self.outcomes)
            .field("usage", &self.usage)
            .field("warnings", &self.warnings)
            .field("raw", &format_args!("{} bytes", self.raw.len()))
            .finish()
    }
}

/// An image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GeneratedImage {
    /// The index in the response, from 0, counting failures too.
    pub index: u32,
    /// The image or its location.
    #[serde(flatten)]
    pub data: ImageData,
    /// Width and height, as the provider states them.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub size: Option<Pixels>,
    /// The file format, as the provider states it.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub format: Option<OutputFormat>,
    /// Other members of the provider's item.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
}

/// An image or its location.
///
/// Its JSON is flat: `url` with `expires_at`, or `base64`, or `file`; and `incomplete` with the reason if the image is incomplete.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Members", try_from = "Members")]
#[non_exhaustive]
pub enum ImageData {
    /// A URL, usually signed and valid for 24 hours.
    Url {
        /// The unchanged URL: its signature covers every byte of the query.
        url: String,
        /// When the URL expires, if known.
        expires_at: Option<Timestamp>,
    },
    /// The image bytes.
    Bytes(Bytes),
    /// A file with the image.
    File(PathBuf),
    /// A truncated or damaged image, by its own format. Saving it is a failure that keeps the available bytes.
    Incomplete {
        /// The available part: bytes or a file.
        data: Box<ImageData>,
        /// The defect, such as `the PNG ends without its IEND chunk`.
        reason: String,
    },
}

impl ImageData {
    /// When the URL of the image expires, if it has one and the time is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Url { expires_at, .. } => *expires_at,
            Self::Bytes(_) | Self::File(_) | Self::Incomplete { .. } => None,
        }
    }
}

/// The stored form of an [`ImageData`].
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Members {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete: Option<String>,
}

impl From<ImageData> for Members {
    fn from(data: ImageData) -> Self {
        match data {
            ImageData::Url { url, expires_at } => Self { url: Some(url), expires_at, ..Self::default() },
            ImageData::Bytes(bytes) => Self { base64: Some(STANDARD.encode(bytes)), ..Self::default() },
            ImageData::File(file) => Self { file: Some(file), ..Self::default() },
            ImageData::Incomplete { data, reason } => Self { incomplete: Some(reason), ..Self::from(*data) },
        }
    }
}

impl TryFrom<Members> for ImageData {
    type Error = String;

    fn try_from(members: Members) -> Result<Self, String> {
        let data = match members {
            Members { file: Some(file), .. } => Self::File(file),
            Members { base64: Some(text), .. } => {
                Self::Bytes(STANDARD.decode(text).map_err(|error| format!("base64: {error}"))?.into())
            }
            Members { url: Some(url), expires_at, .. } => Self::Url { url, expires_at },
            _ => return Err("an image has a url, base64 or a file".to_owned()),
        };
        Ok(match members.incomplete {
            Some(reason) => Self::Incomplete { data: Box::new(data), reason },
            None => data,
        })
    }
}

/// The stored form of an outcome: `{"outcome": "image", "index": 0, …}`, `{"outcome": "failure", "index": 1, …}`.
mod outcomes {
    use super::*;

    #[derive(Serialize)]
    #[serde(tag = "outcome", rename_all = "snake_case")]
    enum Written<'a> {
        Image(&'a GeneratedImage),
        Failure(&'a ImageFailure),
    }

    #[derive(Deserialize)]
    #[serde(tag = "outcome", rename_all = "snake_case")]
    enum Read {
        Image(GeneratedImage),
        Failure(ImageFailure),
    }

    pub(super) fn serialize<S: Serializer>(
        outcomes: &[Result<GeneratedImage, ImageFailure>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(outcomes.iter().map(|outcome| match outcome {
            Ok(image) => Written::Image(image),
            Err(failure) => Written::Failure(failure),
        }))
    }

    /// An outcome of a newer version that cannot be read becomes a failure that states this.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Result<GeneratedImage, ImageFailure>>, D::Error> {
        let stored: Vec<Value> = Deserialize::deserialize(deserializer)?;
        let read = |(place, value): (usize, Value)| match Read::deserialize(&value) {
            Ok(Read::Image(image)) => Ok(image),
            Ok(Read::Failure(failure)) => Err(failure),
            Err(error) => {
                let index = value["index"].as_u64().unwrap_or(place as u64);
                let message = format!("the stored image cannot be read: {error}");
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                let mut failure = ImageFailure::new(index, ErrorKind::MalformedResponse, message);
                failure.url = value["url"].as_str().map(str::to_owned);
                Err(failure)
            }
        };
        Ok(stored.into_iter().enumerate().map(read).collect())
    }
}

impl fmt::Debug for ImageData {
    /// Never shows bytes or a signed query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, expires_at } => {
                f.debug_struct("Url").field("url", &redact(url)).field("expires_at", expires_at).finish()
            }
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Incomplete { data, reason } => {
                f.debug_struct("Incomplete").field("data", data).field("reason", reason).finish()
            }
        }
    }
}

/// An image that was not made, or that did not arrive.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImageFailure {
    /// The index in the response, from 0.
    pub index: u32,
    /// The kind of error. In JSON `stage` and `medium` are next to `kind`.
    #[serde(flatten, with = "kind_members")]
    pub kind: ErrorKind,
    /// The provider's own code.
    pub code: Option<String>,
    /// The message: one sentence.
    pub message: String,
    /// The URL of the image, if only its download failed.
    pub url: Option<String>,
    /// When that URL expires.
    pub expires_at: Option<Timestamp>,
}

impl ImageFailure {
    /// Creates a failure without a URL. URL queries and keys are removed from the message.
    pub fn new(index: u32, kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self { index, kind, code: None, message: told(message.as_ref()), url: None, expires_at: None }
    }

    /// Sets the provider's own code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Option<String>>) -> Self {
        self.code = code.into();
        self
    }

    /// Sets the URL of the image.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>, expires_at: Option<Timestamp>) -> Self {
        self.url = Some(url.into());
        self.expires_at = expires_at;
        self
    }
}

impl fmt::Debug for ImageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageFailure")
            .field("index", &self.index)
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("url", &self.url.as_deref().map(redact))
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ImageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {}: {}", self.index, self.message)
    }
}

impl std::error::Error for ImageFailure {}

impl GeneratedImage {
    /// An image of which only the location is known.
    pub fn new(index: u32, data: ImageData) -> Self {
        Self { index, data, size: None, format: None, other: Map::new() }
    }
}

impl Generation {
    /// Creates an outcome without images.
    pub fn new(model: ModelId) -> Self {
        Self {
            model,
            reported_model: None,
            created: None,
            request_id: None,
            outcomes: Vec::new(),
            usage: Usage::default(),
            warnings: Vec::new(),
            charged: None,
            raw: Bytes::new(),
        }
    }

    /// Removes a secret from the messages of failures and warnings; images and URLs are unchanged.
    #[must_use]
    pub fn without(mut self, secret: &str) -> Self {
        let failures =
            self.outcomes.iter_mut().filter_map(|outcome| outcome.as_mut().err()).map(|failure| &mut failure.message);
        for text in failures.chain(self.warnings.iter_mut().map(|warning| &mut warning.message)) {
            if text.contains(secret) {
                *text = text.replace(secret, "…");
            }
        }
        self
    }

    /// The images.
    pub fn images(&self) -> impl Iterator<Item = &GeneratedImage> {
        self.outcomes.iter().filter_map(|outcome| outcome.as_ref().ok())
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = &ImageFailure> {
        self.outcomes.iter().filter_map(|outcome| outcome.as_ref().err())
    }

    /// Returns the images if none failed.
    ///
    /// # Errors
    /// The first failure; `self` still has the images.
    pub fn require_all(&self) -> Result<Vec<&GeneratedImage>, &ImageFailure> {
        self.outcomes.iter().map(Result::as_ref).collect()
    }

    /// How many images the provider bills; `None` if it does not state that.
    pub fn billed(&self) -> Option<u64> {
        self.usage.generated_images
    }

    /// Whether the request was billed. A successful response counts as billed, unless the provider bills and delivers no image.
    pub fn charge(&self) -> Charge {
        let by_usage = match (self.billed(), self.images().next()) {
            (Some(0), None) => Charge::No,
            // The provider states that it did not bill these images.
            (Some(0), Some(_)) => Charge::Unknown,
            _ => Charge::Yes,
        };
        self.charged.unwrap_or(by_usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(index: u32, kind: ErrorKind) -> Result<GeneratedImage, ImageFailure> {
        Err(ImageFailure::new(index, kind, "refused"))
    }

    #[test]
    fn one_image_is_a_success_with_the_failures_inside() {
        let mut generation = Generation::new("m".into());
        let image = GeneratedImage::new(0, ImageData::Bytes(Bytes::from_static(b"x")));
        generation.outcomes = vec![Ok(image), failed(1, ErrorKind::Server)];
        let generation = generation.or_no_images().unwrap();
        assert_eq!((generation.images().count(), generation.failures().count()), (1, 1));
        assert_eq!(generation.require_all().unwrap_err().index, 1);
    }

    #[test]
    fn debug_shows_no_signature_and_no_bytes() {
        let data = ImageData::Url { url: "https://a.example/x.png?X-Tos-Signature=s3cret".into(), expires_at: None };
        let mut generation = Generation::new("m".into());
        generation.raw = Bytes::from_static(b"s3cret");
        generation.outcomes = vec![Ok(GeneratedImage::new(0, data.clone()))];
        let failure = ImageFailure::new(0, ErrorKind::Transport, "m").with_url("https://a/x?s3cret", None);
        assert!(!format!("{data:?}{failure:?}{generation:?}").contains("s3cret"));
    }
}
