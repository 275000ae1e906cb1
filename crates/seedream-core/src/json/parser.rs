//! A recursive parser that never fails: it omits values that it cannot read, and reports that.

use serde_json::{Map, Number, Value};

use super::document::Document;

/// The deepest nesting that is kept. Deeper values are omitted: serde reads a depth of 127, and a value may be inside another document.
const DEPTH: usize = 100;

/// Memory for values that cannot be an image, in bytes, in addition to twice the length of the text.
const FREE: usize = 256 << 10;

/// Spare memory, in bytes. Each list and each object takes at most half of its parent's rest, and its own scalars at most half of that,
/// so that values after a huge one are kept too.
const SPARE: usize = 1 << 20;

/// How many strings that may be images are kept after the spare memory is used up.
const CANDIDATES: usize = 4096;

/// The longest member name that is recognized after a missing comma, in bytes.
const LONGEST_NAME: usize = 64;

/// Memory of a value in a list, of a member in an object, and of an object itself, in bytes.
const VALUE: usize = 32;
const MEMBER: usize = 64;
const OBJECT: usize = 640;

/// Reads the first value of a text.
pub(super) fn read(text: &[u8]) -> Option<Document> {
    let mut parser = Parser {
        text,
        at: 0,
        cut: false,
        repaired: false,
        omitted: false,
        budget: FREE + text.len().saturating_mul(2),
        spare: SPARE,
        share: Share::default(),
        candidates: CANDIDATES,
    };
    if text.starts_with(b"\xef\xbb\xbf") {
        parser.at = 3;
    }
    parser.blanks();
    // A text that does not begin with a bracket, quote or number is not JSON.
    if !matches!(parser.peek()?, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') {
        return None;
    }
    let bare = !matches!(parser.peek()?, b'{' | b'[');
    let value = parser.value(0)?;
    if bare {
        parser.blanks();
        // A word that only starts like a literal.
        if parser.at < text.len() || parser.repaired {
            return None;
        }
    }
    let Parser { cut, mut repaired, mut omitted, at: length, .. } = parser;
    // An out-of-range number is valid JSON.
    if repaired && !cut && length == text.len() && super::is_strict::is_strict(text) {
        (repaired, omitted) = (false, true);
    }
    Some(Document { value, cut, repaired, omitted, length })
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    cut: bool,
    repaired: bool,
    omitted: bool,
    /// Remaining memory for values that cannot be an image.
    budget: usize,
    /// Spare memory after that.
    spare: usize,
    share: Share,
    /// Remaining count of strings that may be images and are kept without memory budget.
    candidates: usize,
}

/// The share of the spare memory for the current list or object.
#[derive(Clone, Copy, Default)]
struct Share {
    /// The part of the spare memory that must remain.
    floor: usize,
    /// The part for its own scalars; nested lists and objects leave it.
    own: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Skips blanks and comments.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(byte) if byte <= b' ' => self.at += 1,
                Some(b'/') if matches!(self.text.get(self.at + 1), Some(b'/' | b'*')) => self.comment(),
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        self.repaired = true;
        let rest = &self.text[self.at..];
        let length = if rest[1] == b'/' {
            memchr::memchr2(b'\n', b'\r', rest)
        } else {
            memchr::memmem::find(&rest[2..], b"*/").map(|end| end + 4)
        };
        self.at += length.unwrap_or(rest.len());
    }

    /// Reads a value; `None` if it is truncated, omitted or not a value.
    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.peek() {
            None => {
                self.cut = true;
                None
            }
            Some(b'{' | b'[') if depth >= DEPTH => {
                self.repaired = true;
                self.skip();
                None
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(quote @ (b'"' | b'\'')) => self.string(quote).map(Value::String),
            Some(_) => self.word(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        let outer = self.open(0);
        loop {
            self.separators();
            match self.peek() {
                None => self.cut = true,
                Some(b']') => self.at += 1,
                // The list is not closed: the bracket belongs to the object around it.
                Some(b'}') => self.repaired = true,
                Some(_) => {
                    let before = self.at;
                    if let Some(item) = self.value(depth + 1) {
                        self.keep(item, VALUE, |item| items.push(item));
                    }
                    self.progress(before);
                    continue;
                }
            }
            self.share = outer;
            return Some(Value::Array(items));
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut members = Map::new();
        let outer = self.open(OBJECT);
        loop {
            self.separators();
            match self.peek() {
                None => self.cut = true,
                Some(b'}') => self.at += 1,
                Some(b']') => self.repaired = true,
                Some(_) => {
                    let before = self.at;
                    self.member(depth, &mut members);
                    self.progress(before);
                    continue;
                }
            }
            self.share = outer;
            return Some(Value::Object(members));
        }
    }

    fn member(&mut self, depth: usize, members: &mut Map<String, Value>) {
        let name = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.string(quote),
            _ => self.bare_name(),
        };
        self.blanks();
        match self.peek() {
            Some(b':') => self.at += 1,
            // A name without a value: truncated, or not a value.
            None => {
                self.cut = true;
                return;
            }
            Some(_) => {
                self.repaired = true;
                return;
            }
        }
        self.blanks();
        if matches!(self.peek(), Some(b',' | b'}' | b']')) {
            self.repaired = true;
            return;
        }
        if let (Some(value), Some(name)) = (self.value(depth + 1), name) {
            self.keep(value, MEMBER + name.len(), |value| {
                // Of two members with one name, the non-empty one is kept.
                if !value.is_null() || !members.contains_key(&name) {
                    members.insert(name, value);
                }
            });
        }
    }

    /// Begins a list or an object of this size, and returns the share of its parent.
    fn open(&mut self, cost: usize) -> Share {
        let outer = self.share;
        let left = outer.floor + outer.own;
        match self.budget.checked_sub(cost) {
            Some(left) => self.budget = left,
            None => self.spare = self.spare.saturating_sub(cost).max(left),
        }
        let room = (self.spare - left) / 2;
        self.share = Share { floor: self.spare - room, own: room / 2 };
        outer
    }

    /// Keeps a value if there is memory for it. A value that may be an image is always kept.
    fn keep(&mut self, value: Value, cost: usize, keep: impl FnOnce(Value)) {
        let cost = cost + own_cost(&value);
        if self.budget >= cost {
            self.budget -= cost;
            return keep(value);
        }
        if self.share.own >= cost {
            self.share.own -= cost;
            self.spare -= cost;
            return keep(value);
        }
        self.omitted = true;
        match &value {
            Value::Array(items) if !items.is_empty() => keep(value),
            Value::Object(members) if !members.is_empty() => keep(value),
            Value::String(text) if self.candidates > 0 && may_be_image(text) => {
                self.candidates -= 1;
                keep(value);
            }
            _ => {}
        }
    }

    /// Skips the separators between values, extra commas included.
    fn separators(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    let after = self.at;
                    self.blanks();
                    // A comma before a bracket, or before another comma.
                    self.repaired |= matches!(self.peek(), Some(b',' | b'}' | b']'));
                    self.at = after;
                }
                Some(b':') => {
                    self.repaired = true;
                    self.at += 1;
                }
                _ => return,
            }
        }
    }

    /// Skips a byte if nothing was read, so that the parser always advances.
    fn progress(&mut self, before: usize) {
        if self.at == before {
            self.repaired = true;
            self.at += 1;
        }
    }

    /// Skips a value and its content.
    fn skip(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    drop(self.string(b'"'));
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
        self.cut = true;
    }

    /// A name without quotes, as JavaScript writes it.
    fn bare_name(&mut self) -> Option<String> {
        self.repaired = true;
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$' | b'.')));
        let length = length.unwrap_or(rest.len());
        self.at += length;
        (length > 0).then(|| String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    /// A number or a literal.
    fn word(&mut self) -> Option<Value> {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_')));
        let Some(length) = length else {
            // The end of the text may have truncated it.
            self.at = self.text.len();
            self.cut = true;
            return None;
        };
        if length == 0 {
            return None;
        }
        self.at += length;
        let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        match word {
            "true" => return Some(Value::Bool(true)),
            "false" => return Some(Value::Bool(false)),
            "null" => return Some(Value::Null),
            _ => {}
        }
        if let Ok(number) = serde_json::from_str::<Number>(word) {
            return Some(Value::Number(number));
        }
        self.repaired = true;
        Some(match word {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ => number(word),
        })
    }

    /// A string without its quotes; `None` if it is truncated.
    fn string(&mut self, quote: u8) -> Option<String> {
        let before = self.repaired;
        self.repaired |= quote != b'"';
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(plain) = memchr::memchr2(quote, b'\\', rest) else {
                self.at = self.text.len();
                self.cut = true;
                // The string is omitted, so nothing was repaired: an escape may be incomplete only because of the truncation.
                self.repaired = before;
                return None;
            };
            let (plain, mark) = (&rest[..plain], rest[plain]);
            self.repaired |= plain.iter().any(|byte| *byte < b' ');
            bytes.extend_from_slice(plain);
            self.at += plain.len() + 1;
            if mark == b'\\' {
                self.escape(&mut bytes);
            } else if self.ends_string(quote) {
                break;
            } else {
                self.repaired = true;
                bytes.push(quote);
            }
        }
        Some(String::from_utf8(bytes).unwrap_or_else(|bad| {
            self.repaired = true;
            String::from_utf8_lossy(bad.as_bytes()).into_owned()
        }))
    }

    /// Whether the quote before this position ends its string: a valid separator must follow.
    fn ends_string(&self, quote: u8) -> bool {
        let rest = self.text[self.at..].trim_ascii_start();
        match rest.first() {
            None | Some(b',' | b':' | b'}' | b']' | b'/') => true,
            // A comma is missing before the next member.
            Some(next) if *next == quote => {
                let rest = &rest[1..];
                let name = memchr::memchr(quote, &rest[..rest.len().min(LONGEST_NAME)]);
                name.is_some_and(|end| rest[end + 1..].trim_ascii_start().first() == Some(&b':'))
            }
            Some(_) => false,
        }
    }

    /// The character of an escape. Its backslash has been read.
    fn escape(&mut self, bytes: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        let plain = match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => return self.unicode(bytes),
            b'"' | b'\\' | b'/' => byte,
            // `\'`, `\x` and other unknown escapes.
            other => {
                self.repaired = true;
                other
            }
        };
        bytes.push(plain);
    }

    fn unicode(&mut self, bytes: &mut Vec<u8>) {
        let Some(first) = self.hex() else {
            self.repaired = true;
            return bytes.push(b'u');
        };
        let mut code = u32::from(first);
        if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            match self.hex() {
                Some(second @ 0xdc00..=0xdfff) => {
                    code = 0x10000 + ((code - 0xd800) << 10) + (u32::from(second) - 0xdc00);
                }
                _ => self.at = before,
            }
        }
        let character = char::from_u32(code).unwrap_or_else(|| {
            self.repaired = true;
            char::REPLACEMENT_CHARACTER
        });
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn hex(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }
}

/// A number that JSON forbids: with leading zeros or a sign, `NaN`, or out of range.
fn number(word: &str) -> Value {
    let (sign, digits) = match word.as_bytes().first() {
        Some(b'-') => ("-", &word[1..]),
        Some(b'+') => ("", &word[1..]),
        _ => ("", word),
    };
    let digits = digits.trim_start_matches('0');
    let digits =
        if digits.starts_with(|c: char| c.is_ascii_digit()) { digits.to_owned() } else { format!("0{digits}") };
    let known = word.bytes().any(|byte| byte.is_ascii_digit());
    let read = known.then(|| serde_json::from_str::<Number>(&format!("{sign}{digits}")).ok()).flatten();
    read.map_or(Value::Null, Value::Number)
}

fn own_cost(value: &Value) -> usize {
    match value {
        Value::String(text) => 24 + text.len(),
        _ => 0,
    }
}

/// Whether a string may be an image: a URL, a data URI, base64, or the token of an extracted image.
fn may_be_image(text: &str) -> bool {
    let start = text.trim_start();
    start.len() >= 8 && (start.len() >= 64 || start.contains("://") || start.contains('/') || is_token(start))
}

fn is_token(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
