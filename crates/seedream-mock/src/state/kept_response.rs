//! The response of a journal entry, as it is kept for whoever looks at it: its images are described and not rendered.

use std::borrow::Cow;

use bytes::Bytes;

use crate::image::signed_url;
use crate::image::test_image::TestImage;
use crate::request::address::NESTED;
use crate::response::chunk::ChunkContent;
use crate::response::endpoint_response::EndpointResponse;

/// The longest body that is kept, in bytes.
const LONGEST: usize = 64 * 1024;

/// About how much memory the description of an image takes, in bytes.
const DESCRIPTION: usize = 256;

/// A response as it is kept.
#[derive(Debug)]
pub(crate) struct KeptResponse {
    /// The query of its request.
    pub(crate) query: Option<Box<str>>,
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) headers: Box<[(String, String)]>,
    /// Its parts; `None` if they are too long to be kept.
    parts: Option<Box<[ChunkContent]>>,
    bytes: usize,
}

impl KeptResponse {
    pub(crate) fn of(query: Option<&str>, response: &EndpointResponse) -> Self {
        let length: usize = response.chunks.iter().map(|chunk| size(&chunk.content)).sum();
        let parts = (length <= LONGEST).then(|| response.chunks.iter().map(|chunk| copied(&chunk.content)).collect());
        let head: usize = response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = size_of::<Self>() + head + query.map_or(0, str::len) + parts.as_ref().map_or(0, |_| length);
        let (content_type, headers) = (response.content_type.clone(), response.headers.clone().into());
        Self { query: query.map(Box::from), content_type, headers, parts, bytes }
    }

    /// How much memory it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The body as a text, with `inline` in the place of images that stand in it; `None` if it is not kept, or is not text: an
    /// image, or compressed.
    pub(crate) fn text(&self, inline: impl Fn(&TestImage) -> String) -> Option<String> {
        let mut bytes = Vec::new();
        let all = self.parts.as_ref()?.iter().all(|part| write(part, &inline, &mut bytes));
        all.then(|| String::from_utf8(bytes).ok()).flatten()
    }

    /// The images to which it links and those that it contains, each once.
    pub(crate) fn images(&self) -> Vec<TestImage> {
        let (mut images, mut bytes) = (Vec::new(), Vec::new());
        for part in self.parts.iter().flatten() {
            contained(part, &mut images);
            write(part, &|_| String::new(), &mut bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        for (at, _) in text.match_indices(NESTED) {
            let link = &text[at..];
            let end = link.find(|c: char| matches!(c, '"' | '\\' | '<' | ')') || c.is_whitespace());
            let link = &link[..end.unwrap_or(link.len())];
            images.extend(link.split_once('?').and_then(|(path, query)| signed_url::describe(path, query)));
        }
        let mut once: Vec<TestImage> = Vec::with_capacity(images.len());
        for image in images {
            if !once.contains(&image) {
                once.push(image);
            }
        }
        once
    }
}

/// About how much memory a content takes, in bytes.
fn size(content: &ChunkContent) -> usize {
    match content {
        ChunkContent::Bytes(bytes) => bytes.len(),
        ChunkContent::Image(_) | ChunkContent::Base64(_) | ChunkContent::Encoded(..) => DESCRIPTION,
        ChunkContent::Joined(parts) => parts.iter().map(size).sum(),
        ChunkContent::Flawed(_, content) | ChunkContent::Beginning(content, _) => size(content),
        // What it is made from is unknown and may be large.
        ChunkContent::Deferred(_) => LONGEST + 1,
    }
}

/// The same content with bytes of its own: a part of a file would keep the whole file in memory.
fn copied(content: &ChunkContent) -> ChunkContent {
    match content {
        ChunkContent::Bytes(bytes) => ChunkContent::Bytes(Bytes::copy_from_slice(bytes)),
        ChunkContent::Joined(parts) => ChunkContent::Joined(parts.iter().map(copied).collect()),
        ChunkContent::Flawed(flaw, content) => ChunkContent::Flawed(*flaw, copied(content).into()),
        ChunkContent::Beginning(content, cut) => ChunkContent::Beginning(copied(content).into(), *cut),
        ChunkContent::Image(_) | ChunkContent::Base64(_) | ChunkContent::Encoded(..) | ChunkContent::Deferred(_) => {
            content.clone()
        }
    }
}

/// Writes a content that is text; says whether it is.
fn write(content: &ChunkContent, inline: &impl Fn(&TestImage) -> String, into: &mut Vec<u8>) -> bool {
    match content {
        ChunkContent::Bytes(bytes) => into.extend_from_slice(bytes),
        ChunkContent::Base64(image) | ChunkContent::Encoded(image, _) => into.extend(inline(image).into_bytes()),
        ChunkContent::Joined(parts) => return parts.iter().all(|part| write(part, inline, into)),
        ChunkContent::Flawed(_, content) => return write(content, inline, into),
        ChunkContent::Beginning(content, cut) => {
            let mut whole = Vec::new();
            let is_text = write(content, inline, &mut whole);
            into.extend_from_slice(&whole[..cut.of(&whole)]);
            return is_text;
        }
        ChunkContent::Image(_) | ChunkContent::Deferred(_) => return false,
    }
    true
}

/// The images that a content contains.
fn contained(content: &ChunkContent, images: &mut Vec<TestImage>) {
    match content {
        ChunkContent::Image(image) | ChunkContent::Base64(image) | ChunkContent::Encoded(image, _) => {
            images.push(image.clone());
        }
        ChunkContent::Joined(parts) => parts.iter().for_each(|part| contained(part, images)),
        ChunkContent::Flawed(_, content) | ChunkContent::Beginning(content, _) => contained(content, images),
        ChunkContent::Bytes(_) | ChunkContent::Deferred(_) => {}
    }
}
