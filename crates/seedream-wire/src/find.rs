//! Where the images of a response stand: under the documented name, or wherever else resellers put them.
//!
//! Only these names are followed. A response also echoes the request, and a reference that was sent must not be taken for an image
//! that was made.

use seedream_core::json;
use serde_json::{Map, Value};

/// Members that hold images or something around them, in the order in which they are tried.
const CONTAINERS: [&str; 27] = [
    "data",
    "results",
    "result",
    "images",
    "output",
    "outputs",
    "result_data",
    "generated_images",
    "output_images",
    "image_urls",
    "urls",
    "image_list",
    "items",
    "list",
    "artifacts",
    "generations",
    "predictions",
    "pictures",
    "files",
    "task_result",
    "response",
    "payload",
    "body",
    "choices",
    "message",
    "task",
    "content",
];

/// What the value of a member is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A link; a data URI or base64 of an image is taken too.
    Link,
    /// Base64; a link is taken too.
    Base64,
    /// Either, told apart by its text alone.
    Either,
}

/// Members of an item that may be its image, in the order in which they are tried: the documented ones first.
pub(crate) const NAMES: [(&str, Kind); 27] = [
    ("url", Kind::Link),
    ("b64_json", Kind::Base64),
    ("image_url", Kind::Link),
    ("result_url", Kind::Link),
    ("b64", Kind::Base64),
    ("base64", Kind::Base64),
    ("image_base64", Kind::Base64),
    ("base64_image", Kind::Base64),
    ("b64_image", Kind::Base64),
    ("image_b64", Kind::Base64),
    ("b64Json", Kind::Base64),
    ("imageBase64", Kind::Base64),
    ("bytesBase64Encoded", Kind::Base64),
    ("imageUrl", Kind::Link),
    ("imageURL", Kind::Link),
    ("resultUrl", Kind::Link),
    ("link", Kind::Either),
    ("uri", Kind::Either),
    ("href", Kind::Either),
    ("src", Kind::Either),
    ("download_url", Kind::Link),
    ("file_url", Kind::Link),
    ("output_url", Kind::Link),
    ("image", Kind::Either),
    ("img", Kind::Either),
    ("data", Kind::Either),
    ("file", Kind::Either),
];

/// How deep images are looked for.
const DEPTH: usize = 8;

/// The items of a response that are images, or say why there is none.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub items: Vec<&'a Value>,
    /// Where they stand, if that is not where the document says.
    pub undocumented: Option<String>,
}

/// Finds the images of a response whose document puts them into the member `documented`.
pub(crate) fn find<'a>(body: &'a Value, documented: &str) -> Found<'a> {
    let listed = match body.get(documented) {
        Some(Value::Array(items)) => items.as_slice(),
        Some(item @ Value::Object(members)) if holds_image(item) || members.contains_key("error") => {
            std::slice::from_ref(item)
        }
        _ => &[],
    };
    if listed.iter().any(holds_image) {
        return Found { items: listed.iter().collect(), undocumented: None };
    }
    let mut walk = Walk::default();
    walk.look(body, &mut String::new(), 0);
    if walk.items.is_empty() && holds_image(body) {
        walk.items.push(body);
    }
    if walk.items.is_empty() {
        return Found { items: listed.iter().collect(), undocumented: None };
    }
    let place = if walk.place.is_empty() { "the top of the response".to_owned() } else { walk.place };
    Found { items: walk.items, undocumented: Some(place) }
}

#[derive(Default)]
struct Walk<'a> {
    items: Vec<&'a Value>,
    /// Where the first of them stands.
    place: String,
}

impl<'a> Walk<'a> {
    /// Looks into a value, and says whether images were found there.
    fn look(&mut self, value: &'a Value, at: &mut String, depth: usize) -> bool {
        if depth > DEPTH {
            return false;
        }
        let before = self.items.len();
        match value {
            Value::Array(items) => {
                // What holds further lists is looked into, and an item without an image beside others may say why.
                let deeper: Vec<bool> = items.iter().map(|item| self.below(item, "", at, depth)).collect();
                let direct = items.iter().zip(&deeper).any(|(item, deeper)| !deeper && holds_image(item));
                if direct {
                    let direct = items.iter().zip(deeper).filter(|(item, deeper)| !deeper && !item.is_null());
                    self.take(direct.map(|(item, _)| item).collect(), at);
                }
            }
            Value::Object(members) => {
                for (name, value) in CONTAINERS.into_iter().filter_map(|name| Some((name, members.get(name)?))) {
                    self.below(value, name, at, depth);
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        self.items.len() > before
    }

    fn below(&mut self, value: &'a Value, name: &str, at: &mut String, depth: usize) -> bool {
        let length = at.len();
        if !name.is_empty() {
            if !at.is_empty() {
                at.push('.');
            }
            at.push_str(name);
        }
        let found = self.look(value, at, depth + 1);
        // A named value that is an image itself; elements of lists are taken together by their list.
        let found =
            found || (!name.is_empty() && !value.is_array() && holds_image(value) && self.take(vec![value], at));
        at.truncate(length);
        found
    }

    fn take(&mut self, items: Vec<&'a Value>, at: &str) -> bool {
        if self.items.is_empty() {
            at.clone_into(&mut self.place);
        }
        self.items.extend(items);
        true
    }
}

/// Whether a value is an item with an image: an object with such a member, or a text that can be one.
pub(crate) fn holds_image(item: &Value) -> bool {
    match item {
        Value::String(text) => can_be(text, Kind::Either),
        Value::Object(members) => NAMES.iter().any(|(name, kind)| {
            members.get(*name).is_some_and(|value| is_candidate(value, *kind, members.contains_key("error")))
        }),
        _ => false,
    }
}

fn is_candidate(value: &Value, kind: Kind, failed: bool) -> bool {
    match value {
        Value::String(text) => can_be(text, if failed { Kind::Either } else { kind }),
        Value::Array(items) => kind != Kind::Either && items.iter().any(|item| is_candidate(item, kind, failed)),
        Value::Object(members) => NAMES[..3]
            .iter()
            .any(|(name, kind)| members.get(*name).is_some_and(|value| is_candidate(value, *kind, failed))),
        _ => false,
    }
}

/// Whether a text under a name of this kind can be an image at all.
pub(crate) fn can_be(text: &str, kind: Kind) -> bool {
    let text = text.trim();
    match kind {
        Kind::Link | Kind::Base64 => !says_nothing(text),
        Kind::Either => is_link(text) || crate::base64::is_data_uri(text) || is_token(text) || begins_as_image(text),
    }
}

/// Whether a text stands where there is none: a word for nothing, or a URL without a host.
fn says_nothing(text: &str) -> bool {
    const WORDS: [&str; 8] = ["", "-", "null", "none", "nil", "n/a", "undefined", "false"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        || after_scheme(text).is_some_and(|rest| host(rest).is_empty())
}

/// What stands behind `http://` or `https://` in a text that begins so.
fn after_scheme(text: &str) -> Option<&str> {
    let is_scheme = |scheme: &&str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    ["http://", "https://"].iter().find(|scheme| is_scheme(scheme)).map(|scheme| &text[scheme.len()..])
}

fn host(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn begins_as_image(text: &str) -> bool {
    let end = text.char_indices().nth(64).map_or(text.len(), |(at, _)| at);
    crate::base64::image_of_base64(&text[..end]).is_some()
}

/// A link by its text alone: absolute, or a path to an image.
pub(crate) fn is_link(text: &str) -> bool {
    if let Some(rest) = after_scheme(text) {
        return !host(rest).is_empty();
    }
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let is_image = ["png", "jpg", "jpeg", "webp", "gif", "avif", "heic", "bmp", "tif", "tiff"].contains(&&*ending);
    is_image && !path.contains(char::is_whitespace)
}

/// What stands in the place of an image that was lifted out of the response.
fn is_token(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Puts values in the place of texts that hold JSON, where images are looked for.
pub(crate) fn expand(value: &mut Value) {
    expand_to(value, 4);
}

fn expand_to(value: &mut Value, depth: usize) {
    if depth == 0 {
        return;
    }
    if let Value::String(text) = value
        && json::is_meant(text.as_bytes())
        && let Some(document) = json::read(text.as_bytes())
    {
        *value = document.value;
    }
    match value {
        Value::Object(members) => {
            for name in CONTAINERS {
                if let Some(value) = members.get_mut(name) {
                    expand_to(value, depth - 1);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| expand_to(item, depth - 1)),
        _ => {}
    }
}

/// The objects around and inside envelopes in which facts may stand, the outermost first.
pub(crate) fn layers(body: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let mut found = Vec::new();
    collect_layers(body, 2, &mut found);
    found.into_iter()
}

fn collect_layers<'a>(value: &'a Value, depth: u8, found: &mut Vec<&'a Map<String, Value>>) {
    let members = match value {
        Value::Array(items) => items.first().and_then(Value::as_object),
        value => value.as_object(),
    };
    let Some(members) = members else { return };
    found.push(members);
    if depth > 0 {
        let inner = ["data", "result", "response", "output", "task", "payload"];
        inner.iter().filter_map(|name| members.get(*name)).for_each(|value| collect_layers(value, depth - 1, found));
    }
}
