//! One item of an answer: a picture, or why there is none.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use jiff::Timestamp;
use seedream_core::{Blobs, ErrorKind, GeneratedImage, ImageData, ImageFailure, OutputFormat};
use serde_json::{Map, Value};

use crate::{Failure, Reader, expiry_of};

/// Padding may be missing: not every relay keeps it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an item is read with.
pub(crate) struct Context<'a> {
    pub reader: &'a Reader,
    pub blobs: &'a Blobs,
    /// When the provider says that it made the pictures.
    pub created: Option<Timestamp>,
    /// Whether the answer was cut off, so that an item without a picture was probably one.
    pub truncated: bool,
}

impl Context<'_> {
    /// Reads the item at `index`.
    pub(crate) fn item(&self, index: u32, item: &Value) -> Result<GeneratedImage, ImageFailure> {
        let none = Map::new();
        let members = match item {
            Value::Object(members) => members,
            Value::String(url) => return Ok(GeneratedImage::new(index, self.url(url))),
            _ => &none,
        };
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(url) = text("url") {
            return Ok(with_facts(GeneratedImage::new(index, self.url(url)), members));
        }
        if let Some(base64) = text("b64_json") {
            let image = self.inline(index, base64)?;
            return Ok(with_facts(image, members));
        }
        if let Some(failure) = Failure::of_json(item) {
            return Err(self.failure(index, failure));
        }
        if self.truncated {
            return Err(ImageFailure::new(
                index,
                ErrorKind::Transport,
                "the answer was cut off before this picture had arrived",
            ));
        }
        Err(ImageFailure::new(index, ErrorKind::MalformedResponse, "the item holds neither a picture nor a reason"))
    }

    /// A failure that the provider gives a reason for.
    pub(crate) fn failure(&self, index: u32, failure: Failure) -> ImageFailure {
        let code = failure.code.as_deref().unwrap_or_default();
        let kind = (self.reader.kind_of)(200, code).unwrap_or(ErrorKind::Server);
        ImageFailure::new(index, kind, failure.message).with_code(failure.code)
    }

    fn url(&self, url: &str) -> ImageData {
        if let Some(data) = self.blobs.get(url) {
            return data.clone();
        }
        // A data URI in the place of a URL holds the picture itself.
        if let Some(bytes) = url.strip_prefix("data:").and_then(|_| decode(url)) {
            return ImageData::Bytes(bytes);
        }
        let lifetime = || self.created?.checked_add(self.reader.lifetime?).ok();
        ImageData::Url { url: url.to_owned(), expires_at: expiry_of(url).or_else(lifetime) }
    }

    fn inline(&self, index: u32, base64: &str) -> Result<GeneratedImage, ImageFailure> {
        if let Some(data) = self.blobs.get(base64) {
            return Ok(GeneratedImage::new(index, data.clone()));
        }
        let unreadable = || ImageFailure::new(index, ErrorKind::MalformedResponse, "the picture is not valid base64");
        decode(base64).map(|bytes| GeneratedImage::new(index, ImageData::Bytes(bytes))).ok_or_else(unreadable)
    }
}

/// Decodes base64, with or without a data URI before it and line breaks inside it.
fn decode(text: &str) -> Option<Bytes> {
    let text = match text.strip_prefix("data:") {
        Some(uri) => uri.split_once(',')?.1,
        None => text,
    };
    let decoded = if text.bytes().any(|b| b.is_ascii_whitespace()) {
        BASE64.decode(text.split_ascii_whitespace().collect::<String>())
    } else {
        BASE64.decode(text)
    };
    decoded.ok().map(Bytes::from)
}

/// Adds what the item says of its picture; nothing of it can make the picture worthless.
fn with_facts(mut image: GeneratedImage, members: &Map<String, Value>) -> GeneratedImage {
    for (name, value) in members {
        match name.as_str() {
            "url" | "b64_json" | "type" | "created" | "created_at" | "model" | "image_index" | "usage" => {}
            "size" => image.size = value.as_str().and_then(|text| text.parse().ok()),
            "output_format" => image.format = value.as_str().and_then(format),
            _ => {
                image.other.insert(name.clone(), value.clone());
            }
        }
    }
    image
}

/// A format by its name.
pub(crate) fn format(name: &str) -> Option<OutputFormat> {
    match name.to_ascii_lowercase().as_str() {
        "png" => Some(OutputFormat::Png),
        "jpeg" | "jpg" => Some(OutputFormat::Jpeg),
        _ => None,
    }
}
