//! What was asked and answered, without secrets.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::digest;

/// Texts longer than this stand in the journal as their hash and length.
const LONGEST_TEXT: usize = 1024;

/// Headers that hold secrets; they stand in the journal as a short hash.
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// One request and how it was answered.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its place among all requests of this mock.
    pub ordinal: u64,
    /// `request`, or `callback` for one that the mock sent: its path is the receiver's URL, its status the receiver's.
    pub kind: &'static str,
    /// When it came.
    pub at: Timestamp,
    /// Its session.
    pub session: String,
    /// The provider it meant, if any.
    pub provider: Option<String>,
    /// The model it named, if any.
    pub model: Option<String>,
    /// The method.
    pub method: String,
    /// The path as it was called, without its query.
    pub path: String,
    /// The status of the answer; 0 where the connection was reset before it.
    pub status: u16,
    /// The exchange the answer was taken from.
    pub fixture: Option<String>,
    /// How sure the answer is: `documented`, `published`, `observed`, `derived`.
    pub evidence: &'static str,
    /// How the relay before the provider behaves, where not as documented.
    pub profile: Option<String>,
    /// What went wrong on purpose.
    pub fault: Option<String>,
    /// How many pictures somebody pays for.
    pub billed: u32,
    /// The id the answer carries.
    pub request_id: String,
    /// The headers, secrets replaced by a short hash.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON with long texts replaced by hash and length, or a text, or hash and length of what is none.
    pub body: Value,
    /// The request as the provider's gateway sends it on.
    pub effective: Option<Value>,
    /// The broken rules.
    pub violation: Option<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// The last requests of a session.
#[derive(Debug)]
pub(crate) struct Journal {
    capacity: usize,
    entries: VecDeque<Entry>,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: VecDeque::new() }
    }

    /// Adds an entry, and returns the one that has to go for it: whoever holds a lock need not tear it down.
    pub(crate) fn push(&mut self, entry: Entry) -> Option<Entry> {
        self.entries.push_back(entry);
        (self.entries.len() > self.capacity).then(|| self.entries.pop_front()).flatten()
    }

    /// The request with this ordinal; it is among the last.
    pub(crate) fn find(&mut self, ordinal: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.ordinal == ordinal && entry.kind == "request")
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

/// Headers without their secrets.
pub(crate) fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let shown = |name: &str, value: &http::HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if SECRET_HEADERS.contains(&name) { digest::short(&text) } else { text }
    };
    headers.iter().map(|(name, value)| (name.to_string(), shown(name.as_str(), value))).collect()
}

/// A body as the journal shows it.
pub(crate) fn body(bytes: &Bytes, json: Option<Value>) -> Value {
    match json {
        Some(value) => shortened(value),
        None if bytes.is_empty() => Value::Null,
        // A form with a picture in it is no text: repaired, it would have another length and hash.
        None => std::str::from_utf8(bytes).map_or_else(|_| hashed(bytes), |text| shortened(text.into())),
    }
}

/// What stands for bytes that are not shown.
fn hashed(bytes: &[u8]) -> Value {
    json!({ "sha256": digest::full(bytes), "length": bytes.len() })
}

/// A value whose long texts are replaced by hash and length.
pub(crate) fn shortened(mut value: Value) -> Value {
    shorten(&mut value);
    value
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => *value = hashed(text.as_bytes()),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m20_secrets_and_long_texts_are_hashed() {
        let mut map = HeaderMap::new();
        map.insert("authorization", "Bearer sk-secret".parse().unwrap());
        map.insert("accept", "*/*".parse().unwrap());
        let shown = headers(&map);
        assert!(shown["authorization"].starts_with("sha256:"), "{shown:?}");
        assert_eq!(shown["accept"], "*/*");
        let long = shortened(json!({ "image": ["x".repeat(2000)], "prompt": "short" }));
        assert_eq!(long["image"][0]["length"], 2000);
        assert_eq!(long["prompt"], "short");
    }
}
