//! How base64 is written: its letters, what may stand between them, and how lines of events go on.

use base64_simd::{Base64, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::body_syntax::DATA_FIELD;

/// What may stand in base64 beside its letters, as it stands in JSON, and the letter that it means.
///
/// PHP writes `\/`, .NET `\u002B`; line breaks come from encoders for e-mail; in a URI some letters have three bytes.
pub(super) static ODDITIES: [(&[u8], Option<u8>); 38] = [
    // Nothing: from here on letters are written in the other alphabet.
    (b"", None),
    (b"\\/", Some(b'/')),
    (b"\\n", None),
    (b"\\r", None),
    (b"\\t", None),
    (b"\n", None),
    (b"\r", None),
    (b"\t", None),
    (b" ", None),
    (b"\\u002f", Some(b'/')),
    (b"\\u002F", Some(b'/')),
    (b"\\u002b", Some(b'+')),
    (b"\\u002B", Some(b'+')),
    (b"\\u003d", Some(b'=')),
    (b"\\u003D", Some(b'=')),
    (b"\\u000a", None),
    (b"\\u000A", None),
    (b"\\u000d", None),
    (b"\\u000D", None),
    (b"\\u0009", None),
    (b"\\u0020", None),
    (b"\\u002d", Some(b'+')),
    (b"\\u002D", Some(b'+')),
    (b"\\u005f", Some(b'/')),
    (b"\\u005F", Some(b'/')),
    (b"%2f", Some(b'/')),
    (b"%2F", Some(b'/')),
    (b"%2b", Some(b'+')),
    (b"%2B", Some(b'+')),
    (b"%3d", Some(b'=')),
    (b"%3D", Some(b'=')),
    (b"%20", None),
    // A string that goes on in the next line of data of an event.
    (b"\ndata:", None),
    (b"\ndata: ", None),
    (b"\rdata:", None),
    (b"\rdata: ", None),
    (b"\r\ndata:", None),
    (b"\r\ndata: ", None),
];

/// The oddity that changes the alphabet.
pub(super) const OTHER_ALPHABET: usize = 0;

/// The oddity that an escape of two bytes is, by its second byte.
pub(super) fn escaped(byte: u8) -> Option<usize> {
    Some(match byte {
        b'/' => 1,
        b'n' => 2,
        b'r' => 3,
        b't' => 4,
        _ => return None,
    })
}

/// The oddity that a blank is.
pub(super) fn blank(byte: u8) -> Option<usize> {
    Some(match byte {
        b'\n' => 5,
        b'\r' => 6,
        b'\t' => 7,
        b' ' => 8,
        _ => return None,
    })
}

/// The two alphabets of base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    Standard,
    UrlSafe,
}

/// The value of what is no letter.
pub(super) const NONE: u8 = 0xff;

/// The value of every letter.
type LetterValues = [u8; 256];

static STANDARD: LetterValues = values(b"+/");
static URL_SAFE: LetterValues = values(b"-_");

/// The letters of the standard alphabet.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Those of an alphabet with these two last letters.
const fn values(last: &[u8; 2]) -> LetterValues {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        let letter = if value < 62 { LETTERS[value] } else { last[value - 62] };
        values[letter as usize] = value as u8;
        value += 1;
    }
    values
}

impl Alphabet {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Standard => Self::UrlSafe,
            Self::UrlSafe => Self::Standard,
        }
    }

    pub(super) fn values(self) -> &'static LetterValues {
        match self {
            Self::Standard => &STANDARD,
            Self::UrlSafe => &URL_SAFE,
        }
    }

    pub(super) fn has(self, byte: u8) -> bool {
        self.values()[usize::from(byte)] != NONE
    }

    pub(super) fn decoder(self) -> &'static Base64 {
        match self {
            Self::Standard => &STANDARD_NO_PAD,
            Self::UrlSafe => &URL_SAFE_NO_PAD,
        }
    }

    /// What a letter of the standard alphabet is here.
    pub(super) fn written(self, letter: u8) -> u8 {
        match (self, letter) {
            (Self::UrlSafe, b'+') => b'-',
            (Self::UrlSafe, b'/') => b'_',
            _ => letter,
        }
    }
}

/// The letter of the standard alphabet with this value.
pub(super) fn letter(value: u8) -> u8 {
    LETTERS[usize::from(value & 63)]
}

/// The three bytes of four values.
pub(super) fn quantum(values: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = values;
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

/// Whether a string continues after a line break in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextLine {
    /// More has to arrive.
    Open,
    /// The next line is one of data that goes on with it: so many bytes are the break, `data:` and a blank.
    Yes(usize),
    /// It does not.
    No,
}

/// Judges what begins with a line break in a string. The parser of events joins lines of data, so that a string may go on in the
/// next one; a bracket there begins another document, since an event may be cut off without an empty line after it.
pub(super) fn continued(text: &[u8]) -> NextLine {
    let breaks = if text.starts_with(b"\r\n") { 2 } else { 1 };
    let line = &text[breaks..];
    if line.is_empty() || (line.len() < DATA_FIELD.len() && DATA_FIELD.starts_with(line)) {
        return NextLine::Open;
    }
    let Some(value) = line.strip_prefix(DATA_FIELD) else { return NextLine::No };
    let blank = usize::from(value.first() == Some(&b' '));
    match value.get(blank) {
        None => NextLine::Open,
        Some(b'{' | b'[') => NextLine::No,
        Some(_) => NextLine::Yes(breaks + DATA_FIELD.len() + blank),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_oddities_are_found_without_a_search() {
        for byte in 0..=255 {
            let at = |text: &[u8]| ODDITIES.iter().position(|(oddity, _)| *oddity == text);
            assert_eq!(escaped(byte), at(&[b'\\', byte]));
            assert_eq!(blank(byte), at(&[byte]));
        }
        assert_eq!(ODDITIES[OTHER_ALPHABET], (&b""[..], None));
    }
}
