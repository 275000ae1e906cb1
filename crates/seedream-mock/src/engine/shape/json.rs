//! A JSON document whose texts may hold images, in the order of its members.

use serde::Serialize;

use super::Dress;
use crate::engine::ordered::Node;
use crate::engine::script::Content;
use crate::picture::Picture;

/// A JSON value, or what is nearly one.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Object(Vec<(String, Json)>),
    List(Vec<Json>),
    /// Any other value as it is written, which need not be JSON.
    Raw(String),
    /// A text: some words, then an image's file.
    Image(String, Picture, Dress),
}

/// The member that holds an image's file.
pub(super) const INLINE: &str = "b64_json";

impl Json {
    /// The document that a content holds, if it is one.
    pub(super) fn read(content: &Content) -> Option<Self> {
        let (mut text, mut pictures) = (Vec::new(), Vec::new());
        unsplice(content, &mut text, &mut pictures)?;
        let node = Node::parse(std::str::from_utf8(&text).ok()?).ok()?;
        matches!(node, Node::Object(_) | Node::Array(_)).then(|| Self::of(node, &pictures))
    }

    fn of(node: Node, pictures: &[Picture]) -> Self {
        match node {
            Node::Object(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(name, node)| match (name.as_str(), marked(&node, pictures)) {
                        (INLINE, Some(picture)) => (name, Self::inline(picture.clone())),
                        _ => (name, Self::of(node, pictures)),
                    })
                    .collect(),
            ),
            Node::Array(items) => Self::List(items.into_iter().map(|node| Self::of(node, pictures)).collect()),
            Node::Leaf(raw) => Self::Raw(raw.get().to_owned()),
        }
    }

    /// A value that always serialises.
    pub(super) fn value(value: &(impl Serialize + ?Sized)) -> Self {
        Self::Raw(serde_json::to_string(value).unwrap_or_default())
    }

    /// An image's file in standard base64.
    pub(super) fn inline(picture: Picture) -> Self {
        Self::Image(String::new(), picture, Dress::Standard)
    }

    pub(super) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The text, if this is one without an image.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Raw(raw) => serde_json::from_str(raw).ok(),
            _ => None,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Sets a member of an object; a new one comes last.
    pub(super) fn set(&mut self, name: &str, value: Self) {
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
    pub(super) fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(members) = self else { return None };
        let place = members.iter().position(|(known, _)| known == name)?;
        Some(members.remove(place).1)
    }

    /// The document as it is sent, with or without commas where there should be none.
    pub(super) fn write(&self, trailing_commas: bool) -> Content {
        let mut writer = Writer { parts: Vec::new(), text: String::new(), trailing_commas };
        writer.value(self);
        writer.finish()
    }
}

/// The image that stands where a text is only a marker.
fn marked<'p>(node: &Node, pictures: &'p [Picture]) -> Option<&'p Picture> {
    if pictures.is_empty() {
        return None;
    }
    pictures.get(node.text()?.strip_prefix('@')?.parse::<usize>().ok()?)
}

/// A content's text with markers for its images.
fn unsplice(content: &Content, text: &mut Vec<u8>, pictures: &mut Vec<Picture>) -> Option<()> {
    match content {
        Content::Bytes(bytes) => text.extend_from_slice(bytes),
        Content::Base64(picture) => {
            text.extend_from_slice(format!("@{}", pictures.len()).as_bytes());
            pictures.push(picture.clone());
        }
        Content::Joined(parts) => {
            for part in parts {
                unsplice(part, text, pictures)?;
            }
        }
        _ => return None,
    }
    Some(())
}

struct Writer {
    parts: Vec<Content>,
    text: String,
    trailing_commas: bool,
}

impl Writer {
    fn value(&mut self, json: &Json) {
        match json {
            Json::Object(members) => {
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
            Json::List(items) => {
                self.text.push('[');
                for (place, item) in items.iter().enumerate() {
                    self.separate(place);
                    self.value(item);
                }
                self.close(items.is_empty(), ']');
            }
            Json::Raw(raw) => self.text.push_str(raw),
            Json::Image(before, picture, dress) => {
                self.text.push('"');
                self.text.push_str(before);
                self.flush();
                let picture = picture.clone();
                self.parts.push(match dress {
                    Dress::Standard => Content::Base64(picture),
                    dress => Content::Dressed(picture, *dress),
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
        self.parts.push(Content::Bytes(std::mem::take(&mut self.text).into()));
    }

    fn finish(mut self) -> Content {
        self.flush();
        match self.parts.len() {
            1 => self.parts.remove(0),
            _ => Content::Joined(self.parts),
        }
    }
}
