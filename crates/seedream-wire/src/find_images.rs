//! Finds the images of a response: in the documented member, or in other members that resellers use.
//!
//! Only these names are followed: a response may echo the request, and a reference must not be mistaken for a generated image.

use std::collections::HashSet;

use seedream_core::json;
use serde_json::{Map, Value};

use crate::usage::whole;

/// Members with images or with envelopes of images, in order of precedence.
const CONTAINERS: [&str; 30] = [
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
    "result_urls",
    "result_json",
    "binary_data_base64",
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

/// Lists of images in addition to the documented one.
const BESIDE: [&str; 5] = ["data", "results", "images", "generated_images", "output_images"];

/// Members with metadata of images.
const FACTS: [&str; 8] = ["usage", "model", "created", "error", "type", "size", "image_index", "output_format"];

/// The expected value of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A URL; a data URI or base64 of an image is accepted too.
    Link,
    /// Base64; a URL is accepted too.
    Base64,
    /// Either, distinguished by the text.
    Either,
}

/// Members of an item that may be its image, in order of precedence: the documented ones first.
pub(crate) const NAMES: [(&str, Kind); 22] = [
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
    ("bytes_base64_encoded", Kind::Base64),
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

/// The deepest nesting that is searched.
const DEPTH: usize = 8;

/// The items of a response: images, or reasons for missing images.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub items: Vec<&'a Value>,
    /// Their location, if it is undocumented.
    pub undocumented: Option<String>,
}

/// Finds the images of a response; `documented` is the documented member.
pub(crate) fn find<'a>(body: &'a Value, documented: &str) -> Found<'a> {
    let listed = match body.get(documented) {
        Some(Value::Array(items)) => items.as_slice(),
        Some(item @ Value::Object(members)) if holds_image(item) || members.contains_key("error") => {
            std::slice::from_ref(item)
        }
        _ => &[],
    };
    if listed.iter().any(holds_image) {
        return beside(body, documented, listed.iter().filter(|item| !is_summary(item)).collect());
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

/// Adds images of other lists, each image once. If the bill covers only the documented list, the other lists repeat the request.
fn beside<'a>(body: &'a Value, documented: &str, mut items: Vec<&'a Value>) -> Found<'a> {
    let billed = body.get("usage").and_then(|usage| usage.get("generated_images")).and_then(whole);
    if billed.is_some_and(|billed| billed <= items.len() as u64) {
        return Found { items, undocumented: None };
    }
    let mut walk = Walk::default();
    for name in BESIDE.into_iter().filter(|name| *name != documented) {
        if let Some(list) = body.get(name).filter(|list| elements(list).is_some()) {
            walk.below(list, name, &mut String::new(), 0);
        }
    }
    let mut seen: HashSet<_> = items.iter().filter_map(|item| text_of(item)).collect();
    let before = items.len();
    items.extend(walk.items.into_iter().filter(|item| text_of(item).is_none_or(|text| seen.insert(text))));
    let undocumented = (items.len() > before).then_some(walk.place);
    Found { items, undocumented }
}

/// The elements of a list, or of an object with numbered members, in order.
fn elements(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(items) => Some(items.iter().collect()),
        Value::Object(members) if !members.is_empty() => {
            let numbered = members.iter().map(|(name, value)| Some((name.parse::<u16>().ok()?, value)));
            let mut numbered: Vec<_> = numbered.collect::<Option<_>>()?;
            numbered.sort_by_key(|(number, _)| *number);
            Some(numbered.into_iter().map(|(_, value)| value).collect())
        }
        _ => None,
    }
}

/// The first text of an item that may be its image.
fn text_of(item: &Value) -> Option<&str> {
    match item {
        Value::String(text) => Some(text),
        Value::Object(members) => NAMES.iter().find_map(|(name, kind)| match members.get(*name)? {
            Value::String(text) => Some(&**text).filter(|text| can_be(text, *kind)),
            Value::Object(_) => text_of(members.get(*name)?),
            _ => None,
        }),
        _ => None,
    }
}

/// Whether a list element is a stream event.
fn is_event(item: &Value) -> bool {
    item.get("type").and_then(Value::as_str).is_some_and(|kind| kind.contains('.'))
}

/// Whether an item is the end event of a stream.
fn is_summary(item: &Value) -> bool {
    let kind = item.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("completed")) && !holds_image(item) && item.get("error").is_none()
}

#[derive(Default)]
struct Walk<'a> {
    items: Vec<&'a Value>,
    /// The location of the first one.
    place: String,
}

impl<'a> Walk<'a> {
    /// Searches a value, and returns whether it contains images.
    fn look(&mut self, value: &'a Value, at: &mut String, depth: usize) -> bool {
        if depth > DEPTH {
            return false;
        }
        let before = self.items.len();
        if let Some(items) = elements(value) {
            // Nested lists are searched, and an item without an image may state the reason.
            let deeper: Vec<bool> = items.iter().map(|item| self.below(item, "", at, depth)).collect();
            let direct = items.iter().zip(&deeper).any(|(item, deeper)| !deeper && holds_image(item));
            if direct {
                let direct = items.into_iter().zip(deeper);
                let direct = direct.filter(|(item, deeper)| !deeper && !item.is_null() && !is_summary(item));
                self.take(direct.map(|(item, _)| item).collect(), at);
            }
        } else if let Value::Object(members) = value {
            for (name, value) in containers(members) {
                self.below(value, name, at, depth);
            }
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
        // A named value that is itself an image; list elements are handled by their list.
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

/// The members that may contain images, in order of precedence. An object has fewer members than the table has names.
fn containers(members: &Map<String, Value>) -> Vec<(&'static str, &Value)> {
    let rank = |name: &str| CONTAINERS.iter().position(|known| *known == name);
    let mut found: Vec<_> = members.iter().filter_map(|(name, value)| Some((rank(name)?, value))).collect();
    found.sort_unstable_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(rank, value)| (CONTAINERS[rank], value)).collect()
}

/// Whether a value is an item with an image: an object with such a member, or a text that may be an image.
pub(crate) fn holds_image(item: &Value) -> bool {
    match item {
        Value::String(text) => can_be(text, Kind::Either),
        Value::Object(members) => members.iter().any(|(name, value)| {
            let known = NAMES.iter().find(|(known, _)| known == name);
            known.is_some_and(|(_, kind)| is_candidate(value, *kind, members.contains_key("error")))
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

/// Whether a text in a member of this kind may be an image.
pub(crate) fn can_be(text: &str, kind: Kind) -> bool {
    let text = text.trim();
    match kind {
        Kind::Link | Kind::Base64 => !says_nothing(text),
        Kind::Either => is_link(text) || crate::base64::is_data_uri(text) || is_token(text) || begins_as_image(text),
    }
}

/// Whether a text is a placeholder: a word for "nothing", or a URL without a host.
fn says_nothing(text: &str) -> bool {
    const WORDS: [&str; 8] = ["", "-", "null", "none", "nil", "n/a", "undefined", "false"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) || after_scheme(text).is_some_and(|rest| !has_host(rest))
}

/// The rest of a text after `http://` or `https://`.
fn after_scheme(text: &str) -> Option<&str> {
    let is_scheme = |scheme: &&str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    ["http://", "https://"].iter().find(|scheme| is_scheme(scheme)).map(|scheme| &text[scheme.len()..])
}

/// Whether the rest of a URL begins with a host.
fn has_host(rest: &str) -> bool {
    !rest.is_empty() && !rest.starts_with(['/', '?', '#'])
}

fn begins_as_image(text: &str) -> bool {
    let end = text.char_indices().nth(64).map_or(text.len(), |(at, _)| at);
    crate::base64::image_of_base64(&text[..end]).is_some()
}

/// Whether a text is a URL: absolute, or a path to an image.
pub(crate) fn is_link(text: &str) -> bool {
    if let Some(rest) = after_scheme(text) {
        return has_host(rest);
    }
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let is_image = ["png", "jpg", "jpeg", "webp", "gif", "avif", "heic", "bmp", "tif", "tiff"].contains(&&*ending);
    is_image && !path.contains(char::is_whitespace)
}

/// Whether a text is the token of an extracted image.
fn is_token(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Normalizes a response before the search: texts with JSON become values, and member names get the spelling of the tables in this
/// file (letter case and underscores are ignored).
pub(crate) fn expand(value: &mut Value) {
    expand_to(value, DEPTH + 2, 4);
}

fn expand_to(value: &mut Value, depth: usize, texts: usize) {
    if depth == 0 {
        return;
    }
    if let Value::String(text) = value
        && texts > 0
        && json::is_meant(text.as_bytes())
        && let Some(document) = json::read(text.as_bytes())
    {
        *value = document.value;
    }
    let texts = texts.saturating_sub(1);
    match value {
        Value::Object(members) => {
            rename(members);
            let is_list = members.keys().all(|name| name.parse::<u16>().is_ok());
            for (name, value) in members {
                if is_list || CONTAINERS.contains(&&**name) {
                    expand_to(value, depth - 1, texts);
                } else if let Value::Object(members) = value
                    && NAMES.iter().any(|(known, _)| known == name)
                {
                    rename(members);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| expand_to(item, depth - 1, texts)),
        _ => {}
    }
}

/// Renames members to the spelling of the tables, unless that name is taken.
fn rename(members: &mut Map<String, Value>) {
    const LONGEST: usize = 24;
    let tables = || NAMES.iter().map(|(name, _)| *name).chain(CONTAINERS).chain(FACTS);
    let odd = members
        .keys()
        .filter(|name| name.len() <= LONGEST && name.bytes().any(|b| b.is_ascii_uppercase() || b == b'-'));
    let renamed: Vec<_> =
        odd.filter_map(|name| Some((name.clone(), tables().find(|known| is_same(name, known))?))).collect();
    for (name, known) in renamed {
        let is_free = members.get(known).is_none_or(|value| value.is_null() || *value == "");
        if is_free && let Some(value) = members.remove(&name) {
            members.insert(known.to_owned(), value);
        }
    }
}

/// Whether two names are equal apart from letter case, `_` and `-`.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = u8> {
        name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase())
    }
    letters(one).eq(letters(other))
}

/// The objects outside and inside envelopes that may have metadata, the outermost first.
pub(crate) fn layers(body: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let mut found = Vec::new();
    collect_layers(body, 2, &mut found);
    found.into_iter()
}

fn collect_layers<'a>(value: &'a Value, depth: u8, found: &mut Vec<&'a Map<String, Value>>) {
    let members = match value {
        // Stream events, each with its own metadata.
        Value::Array(items) if items.iter().all(is_event) => {
            return found.extend(items.iter().filter_map(Value::as_object));
        }
        Value::Array(items) => items.first().and_then(Value::as_object),
        value => value.as_object(),
    };
    let Some(members) = members else { return };
    found.push(members);
    if depth > 0 {
        let inner = ["data", "result", "result_json", "response", "output", "task", "payload"];
        inner.iter().filter_map(|name| members.get(*name)).for_each(|value| collect_layers(value, depth - 1, found));
    }
}
