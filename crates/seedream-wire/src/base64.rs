//! Lenient decoding of base64 and data URIs.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;

/// Padding may be missing and the last character may have stray bits: some encoders are wrong about them.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How many characters are needed to recognize base64 of an image.
const HEAD: usize = 24;

/// Whether a text is a data URI, in any letter case.
pub(crate) fn is_data_uri(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Removes blanks, quotes and Python's `b` prefix around base64.
fn undressed(text: &str) -> &str {
    let text = text.trim_ascii();
    let quoted = text.strip_prefix('b').filter(|rest| rest.starts_with(['\'', '"'])).unwrap_or(text);
    let inner = quoted.strip_prefix(['\'', '"']);
    // A prefix of the text has no closing quote.
    inner.map_or(text, |inner| inner.strip_suffix(['\'', '"']).unwrap_or(inner).trim_ascii())
}

/// The bytes of a data URI: base64 or percent-encoded, also nested.
pub(crate) fn of_data_uri(uri: &str) -> Option<Bytes> {
    let mut text = uri;
    let mut is_base64 = false;
    while is_data_uri(text) {
        let (head, rest) = text.split_once(',')?;
        is_base64 |= head.to_ascii_lowercase().contains("base64");
        text = rest.trim_ascii_start();
    }
    if is_base64 {
        return of_base64(&String::from_utf8_lossy(&percent_decoded(text)));
    }
    // Without `;base64` the data is percent-encoded; some encoders omit the word.
    let literal = percent_decoded(text);
    if !is_image(&literal)
        && let Some(bytes) = image_of_base64(text)
    {
        return Some(bytes);
    }
    (!literal.is_empty()).then(|| literal.into_owned().into())
}

/// The bytes of base64 in either alphabet, with blanks or quotes, with or without padding; `None` if it is not base64.
pub(crate) fn of_base64(text: &str) -> Option<Bytes> {
    let text = undressed(text);
    let odd = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'-' | b'_');
    let standard: Cow<'_, [u8]> = if text.bytes().any(odd) {
        let letters = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
        letters
            .map(|byte| {
                if byte == b'-' {
                    b'+'
                } else if byte == b'_' {
                    b'/'
                } else {
                    byte
                }
            })
            .collect()
    } else {
        text.as_bytes().into()
    };
    if standard.is_empty() {
        return None;
    }
    LENIENT.decode(standard).ok().map(Bytes::from)
}

/// The bytes of base64 that begins with an image signature.
pub(crate) fn image_of_base64(text: &str) -> Option<Bytes> {
    let text = undressed(text);
    let head: String = text.chars().filter(|c| !c.is_ascii_whitespace()).take(HEAD).collect();
    if head.len() < HEAD || !is_image(&of_base64(&head)?) {
        return None;
    }
    of_base64(text)
}

/// Whether bytes begin with the signature of a known image format.
pub(crate) fn is_image(bytes: &[u8]) -> bool {
    let at = |at: usize, text: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(text));
    at(0, b"\x89PNG\r\n\x1a\n")
        || (at(0, b"\xff\xd8\xff") && bytes.get(3).is_some_and(|marker| *marker >= 0xc0))
        || (at(0, b"RIFF") && at(8, b"WEBP"))
        || at(0, b"GIF87a")
        || at(0, b"GIF89a")
        || (at(0, b"BM") && at(6, b"\0\0\0\0"))
        || at(0, b"II*\0")
        || at(0, b"MM\0*")
        || at(0, b"\xff\x0a")
        || (at(4, b"ftyp")
            && [&b"avif"[..], b"avis", b"heic", b"heix", b"mif1", b"msf1"].iter().any(|brand| at(8, brand)))
}

/// Decodes percent-encoded text.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return text.as_bytes().into();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xfb\xff\xfe\0";

    #[test]
    fn data_uris_are_read_in_every_dress() {
        let base64 = STANDARD.encode(PNG);
        let percent: String = PNG.iter().map(|byte| format!("%{byte:02x}")).collect();
        for uri in [
            format!("data:image/png;base64,{base64}"),
            format!("DATA:Image/PNG;charset=utf-8;BASE64,{base64}"),
            format!("data:;base64, {base64}"),
            format!("data:image/png;base64,data:image/png;base64,{base64}"),
            format!("data:image/png;base64,{}", base64.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D")),
            format!("data:image/png,{percent}"),
            format!("data:image/png,{base64}"),
        ] {
            assert!(is_data_uri(&uri));
            assert_eq!(of_data_uri(&uri).as_deref(), Some(PNG), "{uri}");
        }
        for bad in ["data:", "data:image/png;base64", "data:image/png;base64,", "data:image/png;base64,!!"] {
            assert_eq!(of_data_uri(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_path_that_begins_like_a_jpeg_is_not_one() {
        assert_eq!(image_of_base64("/9j/files/of/a/relative/link"), None);
        assert!(image_of_base64("/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD").is_some());
    }

    #[test]
    fn a_format_is_known_by_its_signature() {
        for bytes in [
            PNG,
            b"\xff\xd8\xff\xc0",
            b"RIFF\x10\0\0\0WEBPVP8 ",
            b"GIF87a",
            b"GIF89a",
            b"BM\x10\0\0\0\0\0\0\0",
            b"II*\0",
            b"MM\0*",
            b"\xff\x0a",
            b"\0\0\0\x1cftypavif",
            b"\0\0\0\x1cftypheic",
        ] {
            assert!(is_image(bytes), "{bytes:?}");
        }
        for bytes in [
            &b""[..],
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xbf",
            b"\xff\xd8\xfe\xe0",
            b"RIFF\x10\0\0\0WAVEfmt ",
            b"JUNK\x10\0\0\0WEBPVP8 ",
            b"BM\x10\0\0\0\x01\0\0\0",
            b"MZ\x10\0\0\0\0\0\0\0",
            b"\0\0\0\x1cftypmp42",
            b"\0\0\0\x1cmoovavif",
        ] {
            assert!(!is_image(bytes), "{bytes:?}");
        }
        // A signature without an image.
        assert_eq!(image_of_base64("iVBORw0KGgo="), None);
    }

    #[test]
    fn a_percent_sign_without_digits_is_itself() {
        for (text, decoded) in
            [("a+b", "a+b"), ("%41%2fb", "A/b"), ("%4", "%4"), ("100%zz%41", "100%zzA"), ("%é%41", "%éA")]
        {
            assert_eq!(percent_decoded(text), decoded.as_bytes(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn base64_is_read_in_every_dress(
            bytes in prop::collection::vec(any::<u8>(), 1..200), mask in any::<u64>(), wrap in 1_usize..90, pad: bool,
        ) {
            let plain = STANDARD.encode(&bytes);
            let plain = if pad { plain } else { plain.trim_end_matches('=').to_owned() };
            let mut text = String::new();
            for (at, letter) in plain.chars().enumerate() {
                if at % wrap == 0 {
                    text.push_str([" ", "\n", "\r\n"][at % 3]);
                }
                let safe = mask >> (at % 64) & 1 == 1;
                text.push(match letter {
                    '+' if safe => '-',
                    '/' if safe => '_',
                    other => other,
                });
            }
            prop_assert_eq!(of_base64(&text), Some(Bytes::from(bytes)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(data:|DATA:|;base64|,|%|[0-9a-f]{2}|é|\\PC){0,12}") {
            let _ = (of_data_uri(&text), of_base64(&text), image_of_base64(&text));
        }
    }
}
