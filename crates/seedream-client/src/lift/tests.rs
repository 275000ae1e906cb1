use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;

/// What becomes of bytes that come in chunks: the text with `<n>` for each picture, and the pictures.
fn lift_in(grammar: Grammar, bytes: &[u8], chunks: impl IntoIterator<Item = usize>) -> (String, Vec<Vec<u8>>) {
    let (mut lifter, mut text, mut decoded, mut pictures) =
        (Lifter::new(grammar), Vec::new(), Vec::new(), Vec::<Vec<u8>>::new());
    let mut rest = bytes;
    let mut chunks = chunks.into_iter();
    while !rest.is_empty() {
        let (mut chunk, after) = rest.split_at(chunks.next().unwrap_or(rest.len()).clamp(1, rest.len()));
        rest = after;
        while let Some(piece) = lifter.step(&mut chunk, &mut decoded) {
            match piece {
                Piece::Text(bytes) => text.extend_from_slice(bytes),
                Piece::Begin | Piece::More => {}
                Piece::End => {
                    text.extend_from_slice(format!("<{}>", pictures.len()).as_bytes());
                    pictures.push(std::mem::take(&mut decoded));
                }
                Piece::Restore(mut restorer) => {
                    for part in decoded.chunks(100) {
                        restorer.push(part, &mut text);
                    }
                    restorer.finish(&mut text);
                    decoded.clear();
                }
            }
        }
    }
    text.extend_from_slice(lifter.finish());
    (String::from_utf8(text).unwrap(), pictures)
}

fn lift(bytes: &str) -> (String, Vec<Vec<u8>>) {
    let whole = lift_in(Grammar::Json, bytes.as_bytes(), []);
    assert_eq!(lift_in(Grammar::Json, bytes.as_bytes(), std::iter::repeat(1)), whole);
    whole
}

fn picture(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn base64(length: usize) -> String {
    STANDARD.encode(picture(length))
}

#[test]
fn pictures_are_lifted_and_everything_else_stays() {
    for length in [768, 769, 770, 5000] {
        let body = format!(
            r#"{{"data":[{{"b64_json" : "{0}","size":"1x1"}},{{"url":"data:image/png;base64,{0}"}}]}}"#,
            base64(length)
        );
        let (text, pictures) = lift(&body);
        assert_eq!(text, r#"{"data":[{"b64_json" : "<0>","size":"1x1"},{"url":"<1>"}]}"#);
        assert_eq!(pictures, [picture(length), picture(length)]);
    }
}

#[test]
fn what_encoders_do_to_base64_is_read() {
    let plain = base64(3000);
    let lines = |mark: &str| plain.as_bytes().chunks(76).map(|l| String::from_utf8_lossy(l) + mark).collect::<String>();
    for written in [
        plain.replace('/', "\\/"),
        plain.replace('+', "\\u002B").replace('/', "\\u002f"),
        lines("\\n"),
        lines("\\r\\n"),
        lines("\n"),
        lines("\r\n"),
        format!("data:image\\/png;base64,{plain}"),
    ] {
        let (text, pictures) = lift(&format!(r#"{{"b64_json":"{written}"}}"#));
        assert_eq!((text.as_str(), pictures), (r#"{"b64_json":"<0>"}"#, vec![picture(3000)]));
    }
    // Not every relay keeps the padding.
    for length in [3001, 3002] {
        let bare = base64(length);
        assert_eq!(lift(&format!(r#"{{"b64_json":"{}"}}"#, bare.trim_end_matches('='))).1, [picture(length)]);
    }
    let padded = STANDARD.encode(picture(3001)).replace('=', "\\u003d");
    assert_eq!(lift(&format!(r#"{{"b64_json":"{padded}"}}"#)).1, [picture(3001)]);
}

#[test]
fn what_is_no_picture_is_put_back_to_the_byte() {
    let long = base64(3000);
    for body in [
        format!(r#"{{"prompt":"{long}","b64_json":null}}"#),
        format!(r#"{{"{long}":"b64_json","x":["b64_json","{long}"]}}"#),
        format!(r#"{{"url":"{long}"}}"#),
        format!(r#"{{"url":"data:text/plain,{long}"}}"#),
        format!(r#"{{"b64_json":"{}"}}"#, base64(700)),
        format!(r#"{{"b64_json":"{long}!"}}"#),
        format!(r#"{{"b64_json":"{long}é{long}"}}"#),
        format!(r#"{{"b64_json":"{long}\"}}"}}"#),
        format!(r#"{{"b64_json":"{long}\u00e9"}}"#),
        format!(r#"{{"b64_json":"{long}\u002"}}"#),
        format!(r#"{{"b64_json":"{long}A"}}"#),
        format!(r#"{{"b64_json":"{long}===="}}"#),
        format!(r#"{{"b64_json":"{long}AA=A"}}"#),
        format!(r#"{{"b64_json":"{long}AB=="}}"#),
        format!(r#"{{"b64_json":"{long}=\u003d\u003d"}}"#),
        format!(r#"{{"b64_json":"{}?"}}"#, long.replace('/', "\\/").replace('+', "\\u002b")),
        format!(r#"{{"b64_json":"data:image\/png;base64,{}-_"}}"#, long.replace("A", "A\\n")),
    ] {
        assert_eq!(lift(&body), (body, vec![]));
    }
}

#[test]
fn a_cut_picture_is_none_and_those_before_it_are() {
    let body = format!(r#"{{"data":[{{"b64_json":"{0}"}},{{"b64_json":"{0}"}}]}}"#, base64(3000));
    let (text, pictures) = lift(&body[..body.len() - 40]);
    assert_eq!(pictures, [picture(3000)]);
    let closed = seedream_core::json::read(text.as_bytes()).unwrap().value;
    assert_eq!(closed, serde_json::json!({"data": [{"b64_json": "<0>"}, {}]}));
    // A string that is still held is not lost.
    let (text, _) = lift(&body[..40]);
    assert_eq!(text, body[..40]);
}

#[test]
fn events_are_lifted_line_by_line() {
    let long = base64(3000);
    for (stream, left, count) in [
        (format!("event: a\ndata: {{\"b64_json\":\"{long}\"}}\n\n"), "event: a\ndata: {\"b64_json\":\"<0>\"}\n\n", 1),
        // Quotes in other fields and in comments open nothing.
        (
            format!(": it\"s\r\nid: \"\r\ndata:{{\"b64_json\":\"{long}\"}}\r\n\r\n"),
            ": it\"s\r\nid: \"\r\ndata:{\"b64_json\":\"<0>\"}\r\n\r\n",
            1,
        ),
        // A name and its value in two lines of data, and JSON that lost its `data:`.
        (
            format!(
                "data: {{\"b64_json\":\r\ndata: \"{long}\"\r\n,\"url\" :\r\n  \"data:a/b;base64,{long}\"}}\r\n\r\n"
            ),
            "data: {\"b64_json\":\r\ndata: \"<0>\"\r\n,\"url\" :\r\n  \"<1>\"}\r\n\r\n",
            2,
        ),
        // An event that ends in the middle of a string does not swallow the next.
        (
            format!("data: {{\"b64_json\":\"AA\n\ndata: {{\"b64_json\":\"{long}\"}}\r\rdata: \"\n"),
            "data: {\"b64_json\":\"AA\n\ndata: {\"b64_json\":\"<0>\"}\r\rdata: \"\n",
            1,
        ),
    ] {
        let whole = lift_in(Grammar::Events, stream.as_bytes(), []);
        assert_eq!((whole.0.as_str(), whole.1.len()), (left, count));
        assert_eq!(lift_in(Grammar::Events, stream.as_bytes(), std::iter::repeat(1)), whole);
    }
    let broken = format!("data: {{\"b64_json\":\"{long}\n{long}\"}}\n\n");
    assert_eq!(lift_in(Grammar::Events, broken.as_bytes(), []).0, broken);
}

/// Base64 of some length, as encoders write it, mostly right.
fn any_value() -> impl Strategy<Value = (String, Option<Vec<u8>>)> {
    let bytes = prop::collection::vec(any::<u8>(), 0..3000);
    let spoilt = prop_oneof![4 => Just(""), 1 => Just("?"), 1 => Just("\\\""), 1 => Just("\\u12"), 1 => Just("=")];
    (bytes, 0..5u8, spoilt, any::<prop::sample::Index>()).prop_map(|(bytes, style, spoilt, at)| {
        let plain = STANDARD.encode(&bytes);
        let mut written = match style {
            0 => plain,
            1 => plain.replace('/', "\\/"),
            2 => plain.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line) + "\\r\\n").collect(),
            3 => plain.replace('+', "\\u002B"),
            _ => format!("data:image/png;base64,{plain}"),
        };
        let letters = written.trim_end_matches("\\r\\n").len();
        let lifted = spoilt.is_empty() && written.len() >= THRESHOLD;
        // Behind what stands before base64, in front of the last quantum, and not inside an escape.
        let prefix = written.find(',').map_or(0, |comma| comma + 1);
        let at = at.index(letters + 1).min(letters.saturating_sub(12)).max(prefix);
        let at = written[..at].rfind('\\').filter(|back| at - back < 7).unwrap_or(at);
        written.insert_str(at, spoilt);
        (written, lifted.then_some(bytes))
    })
}

proptest! {
    #[test]
    fn lifted_bytes_are_what_base64_decodes_to_whatever_the_chunks(
        values in prop::collection::vec((any_value(), prop_oneof![Just("b64_json"), Just("url"), Just("b64_jso"), Just("a\\\"b")]), 1..4),
        chunks in prop::collection::vec(1..900usize, 0..40),
    ) {
        let (mut body, mut left, mut expected) = (String::from("["), String::from("["), Vec::new());
        for ((written, bytes), name) in values {
            let picture = match name {
                "b64_json" => bytes,
                "url" => bytes.filter(|_| written.starts_with("data:")),
                _ => None,
            };
            body.push_str(&format!("{{\"{name}\":\"{written}\"}},"));
            let value = if picture.is_some() { format!("<{}>", expected.len()) } else { written };
            left.push_str(&format!("{{\"{name}\":\"{value}\"}},"));
            expected.extend(picture);
        }
        let lifted = lift_in(Grammar::Json, body.as_bytes(), chunks.clone());
        prop_assert_eq!(&lifted.1, &expected);
        prop_assert_eq!(&lifted.0, &left);
        let events = format!("event: x\r\ndata: {body}\r\n\r\n");
        let lifted = lift_in(Grammar::Events, events.as_bytes(), chunks);
        prop_assert_eq!(lifted, (format!("event: x\r\ndata: {left}\r\n\r\n"), expected));
    }

    #[test]
    fn bytes_without_pictures_pass_unchanged(
        text in "([a-c\"\\\\:{}, \r\n]|b64_json|\"url\":\"|data:|\"b64_json\":\"|[A-Z+/=]{200}|é){0,60}",
        chunks in prop::collection::vec(1..50usize, 0..60),
        events in any::<bool>(),
    ) {
        let grammar = if events { Grammar::Events } else { Grammar::Json };
        let whole = lift_in(grammar, text.as_bytes(), []);
        prop_assert_eq!(&lift_in(grammar, text.as_bytes(), chunks), &whole);
        if whole.1.is_empty() {
            // Only a picture that was cut may be missing.
            prop_assert!(text.starts_with(&whole.0));
            prop_assert!(whole.0.len() == text.len() || whole.0.ends_with('"'));
        }
    }
}
