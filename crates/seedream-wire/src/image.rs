//! Decodes one item of a response: an image, or the reason for a missing one.

use seedream_core::{Blobs, ErrorKind, GeneratedImage, ImageData, ImageFailure, OutputFormat, Response, Timestamp};
use serde_json::{Map, Value};

use crate::{
    Failure, Reader, base64, expiry_of,
    find_images::{Kind, NAMES, can_be, is_link},
};

/// The context for decoding an item.
pub(crate) struct Context<'a> {
    pub reader: &'a Reader,
    pub blobs: &'a Blobs,
    /// When the images were made, as the provider states it.
    pub created: Option<Timestamp>,
    /// Whether the response is truncated, so that an item without an image was probably one.
    pub truncated: bool,
}

/// A decoded item.
pub(crate) struct Item {
    /// The image (several if its member is a list), or the failure.
    pub outcomes: Vec<Result<GeneratedImage, ImageFailure>>,
    /// The member with the image, if it is undocumented.
    pub undocumented: Option<&'static str>,
    /// Whether a part of it could not be decoded.
    pub unread: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn new(reader: &'a Reader, response: &'a Response, created: Option<Timestamp>) -> Self {
        Self { reader, blobs: response.blobs(), created, truncated: response.truncated }
    }
}

impl Context<'_> {
    /// Decodes an item; `index` is the index of its first outcome.
    pub(crate) fn item(&self, index: u32, item: &Value) -> Item {
        let none = Map::new();
        let members = match item {
            Value::Object(members) => members,
            Value::String(text) => return self.text(index, text),
            _ => &none,
        };
        let mut bad = false;
        for (name, kind) in NAMES {
            let Some(value) = members.get(name) else { continue };
            let (images, unread) = self.images(value, kind);
            bad |= unread;
            if images.is_empty() {
                continue;
            }
            let with_index = |(at, data)| Ok(with_facts(GeneratedImage::new(at, data), members));
            let outcomes = (index..).zip(images).map(with_index).collect();
            let plain = value.is_string() && matches!(name, "url" | "b64_json");
            return Item { outcomes, undocumented: (!plain).then_some(name), unread: bad };
        }
        let failure = if let Some(failure) = Failure::of_json(item) {
            return Item::failed(self.failure(index, failure), false);
        } else if bad {
            ImageFailure::new(index, ErrorKind::MalformedResponse, "the image is not valid base64")
        } else if self.truncated {
            let message = "the response is truncated before this image";
            ImageFailure::new(index, ErrorKind::Transport, message)
        } else {
            let message = "the item contains neither an image nor a reason";
            ImageFailure::new(index, ErrorKind::MalformedResponse, message)
        };
        Item::failed(failure, true)
    }

    fn text(&self, index: u32, text: &str) -> Item {
        match self.candidate(text, Kind::Link) {
            Some(Ok(data)) => {
                let outcomes = vec![Ok(GeneratedImage::new(index, data))];
                Item { outcomes, undocumented: None, unread: false }
            }
            _ => {
                let message = "the item contains neither an image nor a reason";
                Item::failed(ImageFailure::new(index, ErrorKind::MalformedResponse, message), true)
            }
        }
    }

    /// A failure with the provider's reason.
    pub(crate) fn failure(&self, index: u32, failure: Failure) -> ImageFailure {
        let kind = self.reader.kind(200, failure.code.as_deref()).unwrap_or(ErrorKind::Server);
        ImageFailure::new(index, kind, failure.message).with_code(failure.code)
    }

    /// The images in a member's value, and whether a part could not be decoded.
    fn images(&self, value: &Value, kind: Kind) -> (Vec<ImageData>, bool) {
        match value {
            Value::String(text) => match self.candidate(text, kind) {
                Some(Ok(data)) => (vec![data], false),
                Some(Err(Unreadable)) => (Vec::new(), true),
                None => (Vec::new(), false),
            },
            Value::Array(items) => {
                let (images, bad): (Vec<_>, Vec<_>) = items.iter().map(|item| self.images(item, kind)).unzip();
                (images.into_iter().flatten().collect(), bad.contains(&true))
            }
            Value::Object(members) => {
                let found = NAMES.iter().find_map(|(name, kind)| {
                    let (images, _) = self.images(members.get(*name).filter(|value| !value.is_object())?, *kind);
                    (!images.is_empty()).then_some(images)
                });
                (found.unwrap_or_default(), false)
            }
            _ => (Vec::new(), false),
        }
    }

    /// The image of a text, or the reason why it cannot be decoded; `None` if the text is not meant to be an image.
    fn candidate(&self, text: &str, kind: Kind) -> Option<Result<ImageData, Unreadable>> {
        if let Some(data) = self.blobs.get(text.trim()) {
            return Some(Ok(data.clone()));
        }
        if !can_be(text, kind) {
            return None;
        }
        let inline = |bytes| ImageData::Bytes(bytes);
        let trimmed = text.trim();
        if base64::is_data_uri(trimmed) {
            return Some(base64::of_data_uri(trimmed).map(inline).ok_or(Unreadable));
        }
        if is_link(trimmed) {
            return Some(Ok(self.link(text)));
        }
        if let Some(bytes) = base64::image_of_base64(trimmed) {
            return Some(Ok(inline(bytes)));
        }
        match kind {
            Kind::Link => Some(Ok(self.link(text))),
            Kind::Base64 => Some(match base64::of_base64(trimmed) {
                Some(bytes) => Ok(inline(bytes)),
                None if trimmed.starts_with('/') => Ok(self.link(text)),
                None => Err(Unreadable),
            }),
            Kind::Either => None,
        }
    }

    /// An unchanged URL: its signature covers every byte.
    fn link(&self, url: &str) -> ImageData {
        let lifetime = || self.created?.checked_add(self.reader.lifetime?);
        ImageData::Url { url: url.to_owned(), expires_at: expiry_of(url).or_else(lifetime) }
    }
}

impl Item {
    fn failed(failure: ImageFailure, unread: bool) -> Self {
        Self { outcomes: vec![Err(failure)], undocumented: None, unread }
    }
}

/// A text that is meant to be an image and cannot be decoded.
struct Unreadable;

/// Adds the item's metadata; invalid metadata does not invalidate the image.
fn with_facts(mut image: GeneratedImage, members: &Map<String, Value>) -> GeneratedImage {
    for (name, value) in members {
        match name.as_str() {
            "type" | "created" | "created_at" | "model" | "image_index" | "usage" => {}
            name if NAMES.iter().any(|(known, _)| *known == name) => {}
            "size" => image.size = value.as_str().and_then(|text| text.parse().ok()),
            "output_format" => image.format = value.as_str().and_then(format),
            _ => {
                image.other.insert(name.clone(), value.clone());
            }
        }
    }
    image
}

/// A format by name.
pub(crate) fn format(name: &str) -> Option<OutputFormat> {
    match name.to_ascii_lowercase().as_str() {
        "png" => Some(OutputFormat::Png),
        "jpeg" | "jpg" => Some(OutputFormat::Jpeg),
        _ => None,
    }
}
