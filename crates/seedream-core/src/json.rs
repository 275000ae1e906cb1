//! Reads JSON as providers write it and as broken connections leave it.
//!
//! Requests are written strictly; responses are read leniently, since what they hold was paid for. [`read`] takes what RFC 8259
//! forbids and was seen all the same: byte order marks, bytes that are not UTF-8, raw line breaks and quotes inside strings, unknown
//! escapes, single quotes, trailing commas, comments, leading zeros, `NaN`, Python's `None`, mismatched brackets, any depth, and an
//! end anywhere. [`Document`] says whether the text was cut or had to be repaired, so that a caller never takes such a response for
//! a whole one.

mod parser;

use serde::de::IgnoredAny;
use serde_json::Value;

/// The longest text that is read by serde, in bytes. A longer one is read by a parser that bounds its memory.
const STRICT: usize = 64 << 10;

/// One JSON value, and how well it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The value. What was cut in the middle is left out; every member and element before it is kept.
    pub value: Value,
    /// Whether the text ended before the value did.
    pub cut: bool,
    /// Whether something had to be repaired or left out.
    pub repaired: bool,
    /// How many bytes of the text the value takes, blanks before it included.
    pub length: usize,
}

impl Document {
    /// Whether the value is exactly what the text says.
    pub fn is_exact(&self) -> bool {
        !self.cut && !self.repaired
    }
}

/// Reads the first value of a text; `None` where there is none.
///
/// Takes time linear in the text. The value takes at most about four times the memory of a long text: elements that cannot be an
/// image are left out of it then.
pub fn read(text: &[u8]) -> Option<Document> {
    if text.len() <= STRICT
        && let Ok(value) = serde_json::from_slice(text)
    {
        return Some(Document { value, cut: false, repaired: false, length: text.len() });
    }
    parser::read(text)
}

/// Reads every object and list of a text, whatever stands between them.
pub fn documents(mut text: &[u8]) -> impl Iterator<Item = Document> {
    std::iter::from_fn(move || {
        let start = text.iter().position(|byte| matches!(byte, b'{' | b'['))?;
        let document = read(&text[start..])?;
        text = &text[start + document.length..];
        Some(document)
    })
}

/// Whether a text is meant to be a JSON object or list: its first byte that is not blank is a bracket.
pub fn is_meant(text: &[u8]) -> bool {
    matches!(first_byte(text), Some(b'{' | b'['))
}

/// The first byte that is neither blank, which control bytes are too, nor of a byte order mark.
pub fn first_byte(text: &[u8]) -> Option<u8> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.iter().copied().find(|byte| *byte > b' ')
}

/// Whether any JSON reader takes a text: it keeps the grammar and is not nested deeper than readers go.
pub fn is_strict(text: &[u8]) -> bool {
    is_shallow(text) && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Whether a text is nested no deeper than serde goes, which skips values of any depth.
fn is_shallow(text: &[u8]) -> bool {
    const DEEPEST: usize = 127;
    if memchr::memchr2_iter(b'{', b'[', text).count() <= DEEPEST {
        return true;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    text.iter().all(|byte| {
        match (in_string, byte) {
            (true, _) if std::mem::take(&mut escaped) => {}
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= DEEPEST
    })
}

#[cfg(test)]
mod tests;
