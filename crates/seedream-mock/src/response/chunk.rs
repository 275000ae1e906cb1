//! The parts of a body. Images are described and rendered only when their bytes are read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};

use crate::faults::shape_words::Truncation;
use crate::faults::word_values::ImageFault;
use crate::image::test_image::TestImage;
use crate::response::inline_encoding::TextEncoding;

/// One part of a body.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// How long to wait before it.
    pub after: Duration,
    /// Its bytes, or what they are made from.
    pub(crate) content: ChunkContent,
}

impl Chunk {
    /// Its bytes. `render` makes the file of an image, as [`TestImage::render`] does, which takes milliseconds.
    pub fn bytes(&self, render: impl Fn(&TestImage) -> Bytes) -> Bytes {
        self.content.bytes(render)
    }

    /// A part that comes at once.
    pub(crate) fn now(content: ChunkContent) -> Self {
        Self { after: Duration::ZERO, content }
    }

    /// Text that comes at once.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self::now(ChunkContent::Bytes(text.into()))
    }
}

/// What a part of a body is. Images are described and not rendered, so that deciding stays fast.
#[derive(Debug, Clone)]
pub(crate) enum ChunkContent {
    /// Bytes as they are.
    Bytes(Bytes),
    /// An image's file.
    Image(TestImage),
    /// An image's file in standard base64.
    Base64(TestImage),
    /// An image's file, written in another way.
    Encoded(TestImage, TextEncoding),
    /// Several contents that belong to one chunk.
    Joined(Vec<ChunkContent>),
    /// A content whose images are wrong.
    Flawed(ImageFault, Box<ChunkContent>),
    /// A content up to a place.
    Beginning(Box<ChunkContent>, Truncation),
    /// Bytes that are made when they are read.
    Deferred(Arc<dyn DeferredBytes>),
}

/// Bytes that are made when they are read, because making them takes time or memory.
pub(crate) trait DeferredBytes: fmt::Debug + Send + Sync {
    /// The bytes, with a way to render images.
    fn read(&self, render: &dyn Fn(&TestImage) -> Bytes) -> Bytes;
}

impl ChunkContent {
    /// The bytes, with a way to render images.
    pub(crate) fn bytes(&self, render: impl Fn(&TestImage) -> Bytes) -> Bytes {
        self.read(&render)
    }

    fn read(&self, render: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Image(image) => render(image),
            Self::Base64(image) => STANDARD.encode(render(image)).into(),
            Self::Joined(parts) => {
                let mut joined = BytesMut::new();
                for part in parts {
                    joined.extend_from_slice(&part.read(render));
                }
                joined.freeze()
            }
            Self::Flawed(flaw, content) => content.read(&|image| flaw.file(image, render)),
            Self::Encoded(image, dress) => dress.write(&render(image)).into(),
            Self::Beginning(content, cut) => {
                let bytes = content.read(render);
                bytes.slice(..cut.of(&bytes))
            }
            Self::Deferred(deferred) => deferred.read(render),
        }
    }

    /// The same with a fault of its images, if there is one.
    pub(crate) fn flawed(self, flaw: Option<ImageFault>) -> Self {
        match flaw {
            Some(flaw) if self.is_costly() => Self::Flawed(flaw, Box::new(self)),
            _ => self,
        }
    }

    /// Whether reading the bytes takes its time.
    pub(crate) fn is_costly(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Image(_) | Self::Base64(_) | Self::Encoded(..) | Self::Deferred(_) => true,
            Self::Joined(parts) => parts.iter().any(Self::is_costly),
            Self::Flawed(_, content) | Self::Beginning(content, _) => content.is_costly(),
        }
    }
}

/// The place of an image inside a JSON text that is still being written; [`splice`] puts the base64 there.
pub(crate) fn inline_marker(index: usize) -> String {
    format!("@{index}")
}

/// Splits a JSON text at its markers.
///
/// A marker is recognised with its member's name and quotes: inside any other string of the text the quotes would be
/// escaped, so nothing a caller sent can look like one.
pub(crate) fn splice(text: &str, images: &[TestImage]) -> ChunkContent {
    const BEFORE: &str = "\"b64_json\":\"@";
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEFORE) {
        let digits = &rest[at + BEFORE.len()..];
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let Some(image) = digits[..length].parse().ok().and_then(|index: usize| images.get(index)) else { break };
        // Everything up to the opening quote stands before the image, the marker itself does not.
        parts.push(ChunkContent::Bytes(Bytes::copy_from_slice(&rest.as_bytes()[..at + BEFORE.len() - 1])));
        parts.push(ChunkContent::Base64(image.clone()));
        rest = &digits[length..];
    }
    let tail = ChunkContent::Bytes(Bytes::copy_from_slice(rest.as_bytes()));
    if parts.is_empty() {
        return tail;
    }
    parts.push(tail);
    ChunkContent::Joined(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::test_image::ImageFormat;

    #[test]
    fn markers_become_images_and_lookalikes_stay() {
        let image = TestImage {
            provider: "p".into(),
            key: 1,
            index: 0,
            width: 2,
            height: 2,
            format: ImageFormat::Png,
            mark: false,
            caption: String::new(),
        };
        let text = serde_json::json!({ "a": "\"b64_json\":\"@0\"", "b64_json": inline_marker(0) }).to_string();
        let body = splice(&text, std::slice::from_ref(&image)).bytes(TestImage::render);
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["a"], "\"b64_json\":\"@0\"");
        assert_eq!(value["b64_json"], STANDARD.encode(image.render()));
    }
}
