//! A lenient JSON reader for responses of providers, truncated ones included.
//!
//! Requests are written strictly; responses are read leniently, since their content is billed. [`read`] accepts observed deviations
//! from RFC 8259: byte order marks, bytes that are not UTF-8, raw line breaks and quotes inside strings, unknown escapes, single
//! quotes, trailing commas, comments, leading zeros, `NaN`, Python's `None`, mismatched brackets, any depth, truncation at any byte,
//! UTF-16, and a few words around the JSON. [`Document`] states whether the text was truncated, repaired, or has more values than
//! are kept, so that such a response is never treated as complete.

mod document;
mod is_strict;
mod parser;

use serde_json::Value;

pub use document::Document;
pub use is_strict::is_strict;

/// The longest text that serde reads, in bytes. Longer text goes to a parser with bounded memory.
const STRICT: usize = 64 << 10;

/// Reads the first value of a text; `None` if there is no value.
///
/// Takes time linear in the text. The value of a long text takes at most about four times its memory: elements that cannot be an
/// image are omitted beyond that.
pub fn read(text: &[u8]) -> Option<Document> {
    // Validated as a whole, which costs less than string by string.
    if text.len() <= STRICT
        && let Ok(strict) = str::from_utf8(text)
        && let Ok(value) = serde_json::from_str(strict)
    {
        return Some(Document { value, cut: false, repaired: false, omitted: false, length: text.len() });
    }
    match utf16(text).and_then(|decoded| read(decoded.as_bytes())) {
        Some(document) => Some(Document { length: text.len(), ..document }),
        None => parser::read(text).or_else(|| wrapped(text)),
    }
}

/// Converts UTF-16 to UTF-8; UTF-16 is detected by a byte order mark or by the first characters.
fn utf16(text: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match *text {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        [a, 0, b, 0, ..] if a > 0 && b > 0 => u16::from_le_bytes,
        [0, a, 0, b, ..] if a > 0 && b > 0 => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<_> = text.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    Some(String::from_utf16_lossy(&units).trim_start_matches('\u{feff}').to_owned())
}

/// Finds JSON after a short prefix: in a Markdown block, as a function argument, after a script guard.
fn wrapped(text: &[u8]) -> Option<Document> {
    /// The longest prefix, in bytes.
    const LONGEST: usize = 64;
    let start = text.iter().take(LONGEST).position(|byte| matches!(byte, b'{' | b'['))?;
    // Not a prefix: markup, and lines with fields.
    if text[..start].iter().any(|byte| matches!(byte, b'<' | b':' | b'"')) {
        return None;
    }
    let document = parser::read(&text[start..])?;
    let told = match &document.value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => items.first().is_some_and(Value::is_object),
        _ => false,
    };
    let end = start + document.length;
    let closed = text[end..].iter().all(|byte| byte.is_ascii_whitespace() || b"`);".contains(byte));
    (told && closed).then_some(Document { repaired: true, length: text.len(), ..document })
}

/// Reads every object and list of a text and ignores the text between them.
pub fn documents(mut text: &[u8]) -> impl Iterator<Item = Document> {
    std::iter::from_fn(move || {
        let start = text.iter().position(|byte| matches!(byte, b'{' | b'['))?;
        let document = read(&text[start..])?;
        text = &text[start + document.length..];
        Some(document)
    })
}

/// Whether a text looks like a JSON object or list: its first non-blank byte is a bracket.
pub fn is_meant(text: &[u8]) -> bool {
    matches!(first_byte(text), Some(b'{' | b'['))
}

/// The first byte that is not a blank, a control byte or part of a byte order mark.
pub fn first_byte(text: &[u8]) -> Option<u8> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.iter().copied().find(|byte| *byte > b' ')
}

#[cfg(test)]
mod tests;
