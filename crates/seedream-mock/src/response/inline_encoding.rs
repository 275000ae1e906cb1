//! How an image's file is written inside a text.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

/// How many characters stand in a line.
const LINE: usize = 76;

/// How an image's file is written inside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    /// In standard base64.
    Standard,
    /// In the URL-safe alphabet.
    UrlSafe,
    /// In the standard alphabet, from the middle on in the URL-safe one.
    Mixed,
    /// With a line break, as JSON escapes it, after every 76 characters.
    Wrapped,
    /// With a blank after every 76 characters.
    Blanks,
    /// Without the `=` at its end.
    Unpadded,
    /// Byte by byte, as `%89`.
    Percent,
}

impl TextEncoding {
    /// A file, written like this.
    pub(crate) fn write(self, file: &[u8]) -> String {
        match self {
            Self::Standard => STANDARD.encode(file),
            Self::UrlSafe => URL_SAFE.encode(file),
            Self::Unpadded => STANDARD_NO_PAD.encode(file),
            Self::Mixed => {
                let middle = file.len() / 6 * 3;
                let (first, second) = file.split_at(middle);
                STANDARD.encode(first) + &URL_SAFE.encode(second)
            }
            Self::Wrapped => broken(&STANDARD.encode(file), "\\n"),
            Self::Blanks => broken(&STANDARD.encode(file), " "),
            Self::Percent => {
                let mut text = String::with_capacity(3 * file.len());
                for byte in file {
                    match byte {
                        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
                            text.push(char::from(*byte));
                        }
                        byte => {
                            // Texts take everything that is written into them.
                            let _ = write!(text, "%{byte:02X}");
                        }
                    }
                }
                text
            }
        }
    }
}

/// A text in lines.
fn broken(text: &str, between: &str) -> String {
    let mut lines = String::with_capacity(text.len() + between.len() * text.len().div_ceil(LINE));
    for (place, character) in text.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            lines.push_str(between);
        }
        lines.push(character);
    }
    lines
}
