//! The reader of JSON that is not quite JSON.

use seedream::seedream_core::json::{self, Document};
use serde_json::Value;

use crate::input::split;

/// Bytes of a text, cut at a place that the first byte chooses.
pub fn run(input: &[u8]) {
    let (choice, text) = split(input);
    let document = json::read(text);
    if let Ok(value) = serde_json::from_slice::<Value>(text) {
        // Longer texts lose what cannot be an image.
        if text.len() <= 64 << 10 {
            let strict =
                Document { value: value.clone(), cut: false, repaired: false, omitted: false, length: text.len() };
            assert_eq!(document.as_ref(), Some(&strict), "a strict text is read as it is");
        }
        // Of two members of one name the first is not in the whole.
        if members(&value) == colons(text) {
            let at = text.len() * usize::from(choice) / 256;
            cut(&text[..at], &value);
        }
        // The same text with another value before it, so that the parser of almost JSON reads it alone.
        let listed = [b"[,", text, b"]"].concat();
        let lenient = json::read(&listed).expect("a list is one");
        if depth(&value) < 90 && text.len() < 64 << 10 {
            assert_eq!(lenient.value, Value::Array(vec![value]), "almost JSON means what JSON means");
        }
    }
    let mut read = 0;
    for document in json::documents(text) {
        assert!(document.length > 0, "a document takes bytes");
        read += document.length;
        assert!(size(&document.value) <= 3 * document.length + 1, "a value has no more than its text");
    }
    assert!(read <= text.len(), "no byte is read twice");
}

/// What is read of a text that was cut is a part of the whole.
fn cut(text: &[u8], whole: &Value) {
    let is_structure = whole.is_array() || whole.is_object();
    if !is_structure || std::str::from_utf8(text).is_err() || !json::is_meant(text) || depth(whole) >= 90 {
        return;
    }
    let part = json::read(text).expect("the beginning of a list or an object is one");
    if part.cut {
        assert!(!part.repaired, "what was cut needs no repair");
        assert!(is_part(&part.value, whole), "{} is no part of {whole}", part.value);
    }
}

/// Whether each part of a value is in another one.
pub(crate) fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| is_part(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() <= whole.len() && part.iter().zip(whole).all(|(part, whole)| is_part(part, whole))
        }
        (part, whole) => part == whole,
    }
}

/// How many members a value has.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(named) => named.values().map(|value| 1 + members(value)).sum(),
        _ => 0,
    }
}

/// How many members a strict text has.
fn colons(text: &[u8]) -> usize {
    let (mut colons, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// How many bytes of text and how many values a value has.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => 1 + members.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>(),
        Value::String(text) => text.len(),
        _ => 1,
    }
}
