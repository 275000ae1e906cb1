//! A JSON document whose texts may hold images, in the order of its members.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::image::test_image::TestImage;
use crate::json::ordered::OrderedValue;
use crate::response::chunk::ChunkContent;
use crate::response::inline_encoding::TextEncoding;

/// A JSON value, or what is nearly one.
#[derive(Debug, Clone)]
pub(crate) enum LooseJson {
    Object(Vec<(String, LooseJson)>),
    List(Vec<LooseJson>),
    /// Any other value as it is written, which need not be JSON.
    Raw(String),
    /// A text: some words, then an image's file.
    Image(String, TestImage, TextEncoding),
}

/// What a text begins with that stands for an image's file: a control character, which no response has.
const MARKER: &str = "\\u0001@";

/// The member that holds an image's file.
pub(crate) const INLINE: &str = "b64_json";

impl LooseJson {
    /// The document that a content holds, if it is one.
    pub(crate) fn read(content: &ChunkContent) -> Option<Self> {
        let (mut text, mut images) = (Vec::new(), Vec::new());
        unsplice(content, &mut text, &mut images)?;
        let node = OrderedValue::parse(std::str::from_utf8(&text).ok()?).ok()?;
        matches!(node, OrderedValue::Object(_) | OrderedValue::Array(_)).then(|| Self::of(node, &images))
    }

    fn of(node: OrderedValue, images: &[TestImage]) -> Self {
        match node {
            OrderedValue::Object(members) => {
                Self::Object(members.into_iter().map(|(name, node)| (name, Self::of(node, images))).collect())
            }
            OrderedValue::Array(items) => Self::List(items.into_iter().map(|node| Self::of(node, images)).collect()),
            OrderedValue::Leaf(raw) => match marked(&raw, images) {
                Some(image) => Self::inline(image.clone()),
                None => Self::Raw(raw.get().to_owned()),
            },
        }
    }

    /// A value that always serialises.
    pub(crate) fn value(value: &(impl Serialize + ?Sized)) -> Self {
        Self::Raw(serde_json::to_string(value).unwrap_or_default())
    }

    /// An image's file in standard base64.
    pub(crate) fn inline(image: TestImage) -> Self {
        Self::Image(String::new(), image, TextEncoding::Standard)
    }

    pub(crate) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The text, if this is one without an image.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Raw(raw) => serde_json::from_str(raw).ok(),
            _ => None,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Sets a member of an object; a new one comes last.
    pub(crate) fn set(&mut self, name: &str, value: Self) {
        match (self.get_mut(name), value) {
            (Some(member), value) => *member = value,
            (None, value) => {
                if let Self::Object(members) = self {
                    members.push((name.to_owned(), value));
                }
            }
        }
    }

    /// Takes a member out of an object.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(members) = self else { return None };
        let place = members.iter().position(|(known, _)| known == name)?;
        Some(members.remove(place).1)
    }

    /// The document as it is sent, with or without commas where there should be none.
    pub(crate) fn write(&self, trailing_commas: bool) -> ChunkContent {
        let mut writer = LooseJsonWriter { parts: Vec::new(), text: String::new(), trailing_commas };
        writer.value(self);
        writer.finish()
    }
}

/// The image that stands where a text is only a marker.
fn marked<'p>(leaf: &RawValue, images: &'p [TestImage]) -> Option<&'p TestImage> {
    let marker = leaf.get().strip_prefix('"')?.strip_prefix(MARKER)?;
    images.get(marker.strip_suffix('"')?.parse::<usize>().ok()?)
}

/// A content's text with markers for its images.
fn unsplice(content: &ChunkContent, text: &mut Vec<u8>, images: &mut Vec<TestImage>) -> Option<()> {
    match content {
        ChunkContent::Bytes(bytes) => text.extend_from_slice(bytes),
        ChunkContent::Base64(image) => {
            text.extend_from_slice(format!("{MARKER}{}", images.len()).as_bytes());
            images.push(image.clone());
        }
        ChunkContent::Joined(parts) => {
            for part in parts {
                unsplice(part, text, images)?;
            }
        }
        _ => return None,
    }
    Some(())
}

struct LooseJsonWriter {
    parts: Vec<ChunkContent>,
    text: String,
    trailing_commas: bool,
}

impl LooseJsonWriter {
    fn value(&mut self, json: &LooseJson) {
        match json {
            LooseJson::Object(members) => {
                self.text.push('{');
                for (place, (name, value)) in members.iter().enumerate() {
                    self.separate(place);
                    // A text always serialises.
                    self.text.push_str(&serde_json::to_string(name).unwrap_or_default());
                    self.text.push(':');
                    self.value(value);
                }
                self.close(members.is_empty(), '}');
            }
            LooseJson::List(items) => {
                self.text.push('[');
                for (place, item) in items.iter().enumerate() {
                    self.separate(place);
                    self.value(item);
                }
                self.close(items.is_empty(), ']');
            }
            LooseJson::Raw(raw) => self.text.push_str(raw),
            LooseJson::Image(before, image, dress) => {
                self.text.push('"');
                self.text.push_str(before);
                self.flush();
                let image = image.clone();
                self.parts.push(match dress {
                    TextEncoding::Standard => ChunkContent::Base64(image),
                    dress => ChunkContent::Encoded(image, *dress),
                });
                self.text.push('"');
            }
        }
    }

    fn separate(&mut self, place: usize) {
        if place > 0 {
            self.text.push(',');
        }
    }

    fn close(&mut self, is_empty: bool, bracket: char) {
        if self.trailing_commas && !is_empty {
            self.text.push(',');
        }
        self.text.push(bracket);
    }

    fn flush(&mut self) {
        self.parts.push(ChunkContent::Bytes(std::mem::take(&mut self.text).into()));
    }

    fn finish(mut self) -> ChunkContent {
        self.flush();
        match self.parts.len() {
            1 => self.parts.remove(0),
            _ => ChunkContent::Joined(self.parts),
        }
    }
}
