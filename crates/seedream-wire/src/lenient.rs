//! Reads JSON that is not quite JSON: what was paid for is not lost over one odd byte.

use serde_json::Value;

/// Reads a JSON text; `None` where there is none.
///
/// A text that breaks the grammar is tried once more without what is known to be harmless: a byte order mark, bytes that are no
/// UTF-8, halves of surrogate pairs, numbers beyond all range, and text behind the first value.
pub fn parse(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok().or_else(|| {
        let text = mended(&String::from_utf8_lossy(bytes));
        serde_json::Deserializer::from_str(&text).into_iter().next()?.ok()
    })
}

/// The text with halves of surrogate pairs and endless numbers replaced.
fn mended(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '"' => {
                in_string = !in_string;
                1
            }
            '\\' if in_string => {
                let (kept, taken) = escape(rest);
                out.push_str(kept);
                rest = &rest[taken..];
                continue;
            }
            '-' | '0'..='9' if !in_string => {
                let end =
                    rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
                let finite = rest[..end].parse::<f64>().is_ok_and(f64::is_finite);
                out.push_str(if finite { &rest[..end] } else { "null" });
                rest = &rest[end..];
                continue;
            }
            c => c.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// An escape at the start of `text`: what to keep of it, and its length.
fn escape(text: &str) -> (&str, usize) {
    let unit = |text: &str| text.strip_prefix("\\u")?.get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    match unit(text) {
        Some(0xd800..=0xdbff) => match text.get(6..).and_then(unit) {
            Some(0xdc00..=0xdfff) => (&text[..12], 12),
            _ => ("\\ufffd", 6),
        },
        Some(0xdc00..=0xdfff) => ("\\ufffd", 6),
        Some(_) => (&text[..6], 6),
        None => {
            let length = text.char_indices().nth(2).map_or(text.len(), |(at, _)| at);
            (&text[..length], length)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn one_odd_byte_loses_nothing() {
        let url = json!("https://p.example/0");
        for text in [
            &b"\xef\xbb\xbf{\"url\":\"https://p.example/0\"}"[..],
            b"{\"url\":\"https://p.example/0\",\"note\":\"\xff\"}",
            b"{\"url\":\"https://p.example/0\",\"note\":\"cut \\ud83d\"}",
            b"{\"url\":\"https://p.example/0\",\"note\":\"\\udc00 \\ud83d\\ude00 \\\\ \\\"\"}",
            b"{\"created\":1e999,\"url\":\"https://p.example/0\"}",
            b"{\"url\":\"https://p.example/0\"} trailing",
        ] {
            let value = parse(text).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(text)));
            assert_eq!(value["url"], url);
        }
        for text in [&b""[..], b"<html>", b"not json", b"{\"url\":"] {
            assert_eq!(parse(text), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_json_is_read_as_it_is(text in "\\PC*", number in any::<f64>()) {
            let value = json!({"text": text, "number": number});
            prop_assert_eq!(parse(value.to_string().as_bytes()), serde_json::from_str(&value.to_string()).ok());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), text in "(\\\\u|d83d|\"|[0-9e.+-]|\\PC){0,30}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
