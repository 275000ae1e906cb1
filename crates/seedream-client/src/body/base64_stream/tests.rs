use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::{
    body_syntax::{BodySyntax, THRESHOLD},
    extractor::put_back,
    scanner::{Base64Scanner, ScannedPiece},
};
use crate::body::image_format::signature::tests::HEADS;

/// What becomes of bytes that come in chunks: the text with `<n>` for each image, and the images.
fn lift_in(syntax: BodySyntax, bytes: &[u8], chunks: impl IntoIterator<Item = usize>) -> (String, Vec<Vec<u8>>) {
    let (mut scanner, mut text, mut decoded, mut images) =
        (Base64Scanner::new(syntax), Vec::new(), Vec::new(), Vec::<Vec<u8>>::new());
    let mut rest = bytes;
    let mut chunks = chunks.into_iter();
    while !rest.is_empty() {
        let (mut chunk, after) = rest.split_at(chunks.next().unwrap_or(rest.len()).clamp(1, rest.len()));
        rest = after;
        while let Some(piece) = scanner.step(&mut chunk, &mut decoded) {
            match piece {
                ScannedPiece::Text(bytes) => text.extend_from_slice(bytes),
                ScannedPiece::Begin | ScannedPiece::More => {}
                ScannedPiece::End => {
                    text.extend_from_slice(format!("<{}>", images.len()).as_bytes());
                    images.push(std::mem::take(&mut decoded));
                }
                ScannedPiece::Restore(mut restorer) => {
                    for part in decoded.chunks(100) {
                        restorer.push(part, &mut text);
                    }
                    restorer.finish(&mut text);
                    decoded.clear();
                }
            }
        }
    }
    text.extend_from_slice(scanner.finish());
    (String::from_utf8(text).unwrap(), images)
}

fn lift(bytes: &str) -> (String, Vec<Vec<u8>>) {
    let whole = lift_in(BodySyntax::Json, bytes.as_bytes(), []);
    assert_eq!(lift_in(BodySyntax::Json, bytes.as_bytes(), std::iter::repeat(1)), whole);
    whole
}

/// Bytes of no format that is known.
fn unknown_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// The same, behind the first bytes of an image.
fn image(head: &[u8], length: usize) -> Vec<u8> {
    head.iter().copied().chain(unknown_bytes(length)).collect()
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";

fn base64(length: usize) -> String {
    STANDARD.encode(unknown_bytes(length))
}

#[test]
fn images_are_lifted_and_everything_else_stays() {
    for length in [768, 769, 770, 5000] {
        let body = format!(
            r#"{{"data":[{{"b64_json" : "{0}","size":"1x1"}},{{"url":"data:image/png;base64,{0}"}}]}}"#,
            base64(length)
        );
        let (text, images) = lift(&body);
        assert_eq!(text, r#"{"data":[{"b64_json" : "<0>","size":"1x1"},{"url":"<1>"}]}"#);
        assert_eq!(images, [unknown_bytes(length), unknown_bytes(length)]);
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
        lines("\t\\t \\u000d\\u000A\\u0020"),
        format!("  \\n{plain}\\r\\n"),
        plain.replace('+', "-").replace('/', "_"),
        plain.replace('+', "-"),
        plain.replace('/', "_"),
        plain.replacen('/', "_", 3).replace('+', "\\u002d"),
        lines("\\n").replace('+', "-").replace('/', "\\u005F"),
        plain.replace('+', "%2B").replace('/', "%2f"),
        format!("data:image\\/png;base64,{plain}"),
        format!("DATA:Image/PNG;charset=utf-8;Base64,{plain}"),
        format!(" data: image/png ; base64 ,\\n{plain}"),
        format!("data:;base64,{plain}"),
        format!("data:image/png;base64,data:image/png;base64,{plain}"),
        format!("data:image/png;base64,DATA:image\\/jpeg;base64,data:image/png;base64,{plain}"),
        format!("data:application/octet-stream;base64,{plain}"),
        format!("data\\u003aimage\\u002fpng;base64,{plain}"),
        format!("image/png;base64,{plain}"),
    ] {
        let (text, images) = lift(&format!(r#"{{"b64_json":"{written}"}}"#));
        assert_eq!((text.as_str(), images), (r#"{"b64_json":"<0>"}"#, vec![unknown_bytes(3000)]), "{}", &written[..60]);
    }
    // Nor does every relay clear the bits beyond the last byte.
    let (text, images) = lift(&format!(r#"{{"b64_json":"{plain}AB== \n"}}"#));
    assert_eq!((text.as_str(), images), (r#"{"b64_json":"<0>"}"#, vec![[unknown_bytes(3000), vec![0]].concat()]));
    // Not every relay keeps the padding.
    for length in [3001, 3002] {
        let bare = base64(length);
        assert_eq!(lift(&format!(r#"{{"b64_json":"{}"}}"#, bare.trim_end_matches('='))).1, [unknown_bytes(length)]);
        assert_eq!(lift(&format!(r#"{{"b64_json":"{}= "}}"#, bare.trim_end_matches('='))).1, [unknown_bytes(length)]);
    }
    let padded = STANDARD.encode(unknown_bytes(3001)).replace('=', "\\u003d");
    assert_eq!(lift(&format!(r#"{{"b64_json":"{padded}"}}"#)).1, [unknown_bytes(3001)]);
}

#[test]
fn an_image_is_lifted_wherever_it_stands() {
    let long = |head| STANDARD.encode(image(head, 3000));
    let (png, jpeg, slashes) = (long(PNG), long(JPEG), long(JPEG).replace('/', "\\/"));
    for (body, left) in [
        (format!(r#"["{png}","{jpeg}"]"#), r#"["<0>","<1>"]"#),
        (format!(r#" "{png}" "#), r#" "<0>" "#),
        (format!(r#"[[1,["{png}"]],"{slashes}"]"#), r#"[[1,["<0>"]],"<1>"]"#),
        (format!(r#"{{"images":["{jpeg}" , "data:image/png;base64,{png}"]}}"#), r#"{"images":["<0>" , "<1>"]}"#),
        (format!(r#"{{"data":{{"images":["{png}"],"n":1}}}}"#), r#"{"data":{"images":["<0>"],"n":1}}"#),
        (format!(r#"{{"data":[{{"url":"{slashes}"}},{{"url":"x"}}]}}"#), r#"{"data":[{"url":"<0>"},{"url":"x"}]}"#),
        (format!(r#"{{"output":"{png}","input":{{}},"x":"{png}"}}"#), r#"{"output":"<0>","input":{},"x":"<1>"}"#),
        (format!(r#"{{"image_url":{{"url":" \n{png}"}}}}"#), r#"{"image_url":{"url":"<0>"}}"#),
        (format!(r#"{{"é\"\\":"{png}"}}"#), r#"{"é\"\\":"<0>"}"#),
        (format!(r#"{{"a":NaN,"b":-1e5,"c":"{png}",}}"#), r#"{"a":NaN,"b":-1e5,"c":"<0>",}"#),
    ] {
        let (text, images) = lift(&body);
        assert_eq!(text, left);
        let expected = [image(PNG, 3000), image(JPEG, 3000)];
        assert!(!images.is_empty() && images.iter().all(|found| expected.contains(found)), "{left}");
    }
    for head in HEADS {
        let (text, images) = lift(&format!(r#"{{"x":"{}"}}"#, STANDARD.encode(image(head, 1200))));
        assert_eq!((text.as_str(), images), (r#"{"x":"<0>"}"#, vec![image(head, 1200)]));
    }
    // A name that says base64 says so for its list; the format does not matter then, nor how the name is written.
    for name in ["b64", "base64", "image_base64", "imageBase64", "b64_image", "binary_data_base64", "B64-JSON"] {
        let (text, images) = lift(&format!(r#"{{"{name}":[["{0}"],"{0}"],"x":["{0}"]}}"#, base64(900)));
        assert_eq!(text, format!(r#"{{"{name}":[["<0>"],"<1>"],"x":["{}"]}}"#, base64(900)));
        assert_eq!(images, [unknown_bytes(900), unknown_bytes(900)]);
    }
}

#[test]
fn an_image_is_not_lost_over_the_end_of_its_base64() {
    let png = STANDARD.encode(image(PNG, 1200 - PNG.len()));
    for end in ["", "=", "==", "====", "A", "AA", "AAA", "AB==", "A===", "AA\\u003d=\\n", "AAA= "] {
        let (text, images) = lift(&format!(r#"["{png}{end}"]"#));
        assert_eq!((text.as_str(), images.len()), (r#"["<0>"]"#, 1), "{end}");
        assert!(images[0].starts_with(&image(PNG, 1200 - PNG.len())), "{end}");
    }
}

#[test]
fn what_repeats_the_request_stays() {
    let png = STANDARD.encode(image(PNG, 3000));
    for body in [
        format!(r#"{{"prompt":"{png}"}}"#),
        format!(r#"{{"revised_prompt":"data:image/png;base64,{png}"}}"#),
        format!(
            r#"{{"request":{{"image":["data:image/png;base64,{png}"],"x":{{"y":[["{png}"]]}},"b64_json":"{png}"}}}}"#
        ),
        format!(r#"{{"input":["{png}",{{"a":"{png}"}}]}}"#),
        format!(r#"{{"inputImage":"{png}"}}"#),
        format!(r#"{{"{png}":1,"x":{{"y":2,"{png}":3}}}}"#),
    ] {
        assert_eq!(lift(&body), (body.clone(), vec![]));
        let (text, images) = lift(&format!(r#"[{body},"{png}"]"#));
        assert_eq!((text, images), (format!(r#"[{body},"<0>"]"#), vec![image(PNG, 3000)]));
    }
}

#[test]
fn what_is_no_image_is_put_back_to_the_byte() {
    let long = base64(3000);
    for body in [
        format!(r#"{{"prompt":"{long}","b64_json":null}}"#),
        format!(r#"{{"{long}":"b64_json","x":["b64_json","{long}"]}}"#),
        format!(r#"{{"url":"{long}"}}"#),
        format!(r#"{{"url":"data:text/plain,{long}"}}"#),
        format!(r#"{{"url":"data:image/png,{long}"}}"#),
        format!(r#"{{"url":"data:text/plain;base64,{long}"}}"#),
        format!(r#"{{"url":"data:application/json;base64,{long}"}}"#),
        format!(r#"{{"x":"{long}","y":["{long}"]}}"#),
        format!(r#"{{"x":"base64,{long}"}}"#),
        format!(r#"{{"text":"Data: {long}"}}"#),
        format!(r#"{{"text":"/book/{}"}}"#, "many words and so on ".repeat(90)),
        format!(r#"{{"url":"\/9j\/{}?x"}}"#, "4AAQSkZJRg".repeat(200)),
        format!("<img src=\"data:image/png;base64,{long}\">"),
        format!(r#"{{"b64_json":"{}"}}"#, base64(700)),
        format!(r#"{{"b64_json":"{long}!"}}"#),
        format!(r#"{{"b64_json":"{long}é{long}"}}"#),
        format!(r#"{{"b64_json":"{long}\"}}"}}"#),
        format!(r#"{{"b64_json":"{long}\u00e9"}}"#),
        format!(r#"{{"b64_json":"{long}\u002"}}"#),
        format!(r#"{{"b64_json":"{long}A"}}"#),
        format!(r#"{{"b64_json":"{long}===="}}"#),
        format!(r#"{{"b64_json":"{long}AA=A"}}"#),
        format!(r#"{{"b64_json":"{long}=\u003d\u003d"}}"#),
        format!(r#"{{"b64_json":"{}?"}}"#, long.replace('/', "\\/").replace('+', "\\u002b")),
        format!(r#"{{"b64_json":"data:image\/png;base64,{}-_."}}"#, long.replace("A", "A\\n")),
        format!(r#"{{"b64_json":"{0}{1}{0}{2}{1}!"}}"#, long, long.replace('+', "-"), long.replace('/', "_")),
        format!(r#"{{"b64_json":"{}%2\"}}"}}"#, long.replace('+', "%2b").replace('/', "\\u005f")),
        format!(r#"{{"b64_json":"{long}%zz"}}"#),
    ] {
        assert_eq!(lift(&body), (body, vec![]));
    }
}

#[test]
fn images_in_memory_are_put_back_where_their_tokens_stand() {
    let mut blobs = seedream_core::Blobs::default();
    blobs.insert("00112233445566ff", seedream_core::ImageData::Bytes(unknown_bytes(10).into()));
    blobs.insert("ffeeddccbbaa9988", seedream_core::ImageData::File("/somewhere".into()));
    let data = Box::new(seedream_core::ImageData::Bytes(unknown_bytes(20).into()));
    blobs.insert("0123456789abcdef", seedream_core::ImageData::Incomplete { data, reason: "cut".into() });
    let body = r#"{"a":"0123456789abcdef","b":["00112233445566ff","ffeeddccbbaa9988","","0011223344556600"],"c":"0123"#;
    let expected = body.replace("0123456789abcdef", &base64(20)).replace("00112233445566ff", &base64(10));
    assert_eq!(put_back(&bytes::Bytes::from(body), &blobs), expected);
}

#[test]
fn a_cut_image_is_none_and_those_before_it_are() {
    let body = format!(r#"{{"data":[{{"b64_json":"{0}"}},{{"b64_json":"{0}"}}]}}"#, base64(3000));
    let (text, images) = lift(&body[..body.len() - 40]);
    assert_eq!(images, [unknown_bytes(3000)]);
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
        let whole = lift_in(BodySyntax::Events, stream.as_bytes(), []);
        assert_eq!((whole.0.as_str(), whole.1.len()), (left, count));
        assert_eq!(lift_in(BodySyntax::Events, stream.as_bytes(), std::iter::repeat(1)), whole);
    }
    for broken in [
        format!("data: {{\"b64_json\":\"{long}\n{long}\"}}\n\n"),
        format!("data: {{\"b64_json\":\"{long}\r\n: \"\r\ndata: \n\n{long}\"}}\n\n"),
        format!("data: {{\"b64_json\":\"{long}\r\rdata: {long}\"}}\n\n"),
        format!("data: {{\"b64_json\":\"{long}\ndat\n\n"),
        format!("data: {{\"b64_json\":\"{}\ndate\n\n", &long[..900]),
    ] {
        let whole = lift_in(BodySyntax::Events, broken.as_bytes(), []);
        assert_eq!(lift_in(BodySyntax::Events, broken.as_bytes(), std::iter::repeat(1)), whole);
        assert_eq!(whole, (broken, vec![]));
    }
}

#[test]
fn a_string_goes_on_in_the_next_line_of_data_as_the_parser_of_events_has_it() {
    let png = STANDARD.encode(image(PNG, 3000));
    let lines = |mark: &str| png.as_bytes().chunks(76).map(|l| String::from_utf8_lossy(l) + mark).collect::<String>();
    for mark in ["\ndata: ", "\ndata:", "\r\ndata: ", "\rdata:", "\n data: ", "\ndata:  \ndata:\n\rdata:\t"] {
        let stream = format!("data: {{\"a\":\"{}\"}}\n\ndata: [DONE]\n\n", lines(mark));
        let whole = lift_in(BodySyntax::Events, stream.as_bytes(), []);
        assert_eq!(lift_in(BodySyntax::Events, stream.as_bytes(), std::iter::repeat(1)), whole);
        if matches!(mark, "\n data: " | "\ndata:  \ndata:\n\rdata:\t") {
            assert_eq!(whole, (stream, vec![]));
        } else {
            assert_eq!(whole, ("data: {\"a\":\"<0>\"}\n\ndata: [DONE]\n\n".into(), vec![image(PNG, 3000)]));
        }
    }
    // In a text as well, so that what follows it is not taken for the inside of a string; a bracket begins another document.
    for (stream, left) in [
        (
            format!("data: {{\"text\":\"a\ndata: b, \\\"c\",\"x\":\"{png}\"}}\n\n"),
            "data: {\"text\":\"a\ndata: b, \\\"c\",\"x\":\"<0>\"}\n\n",
        ),
        (
            format!("data: {{\"x\":{{\"input\":[\"a\r\ndata: {{\"x\":\"{png}\"}}\n\n"),
            "data: {\"x\":{\"input\":[\"a\r\ndata: {\"x\":\"<0>\"}\n\n",
        ),
        (
            format!("data: {{\"x\":\"{}\nevent: y\ndata: [\"{png}\"]\n\n", &png[..2000]),
            &format!("data: {{\"x\":\"{}\nevent: y\ndata: [\"<0>\"]\n\n", &png[..2000]),
        ),
        (
            format!(
                "data: {{\"x\":\"{0}\ndata: [\"{png}\"]\n\ndata: {{\"prompt\":[\"{0}\n\ndata: \"{png}\"\n\n",
                &png[..2000]
            ),
            &format!(
                "data: {{\"x\":\"{0}\ndata: [\"<0>\"]\n\ndata: {{\"prompt\":[\"{0}\n\ndata: \"<1>\"\n\n",
                &png[..2000]
            ),
        ),
    ] {
        let whole = lift_in(BodySyntax::Events, stream.as_bytes(), []);
        assert_eq!(lift_in(BodySyntax::Events, stream.as_bytes(), std::iter::repeat(1)), whole);
        assert_eq!(whole.0, left);
        assert!(whole.1.iter().all(|found| *found == image(PNG, 3000)));
    }
}

/// Base64 of some length in any dress, mostly right; what it stands for, and whether it says itself that it is an image.
fn any_value() -> impl Strategy<Value = (String, Option<Vec<u8>>, bool)> {
    // No random bytes are those of an image by chance.
    let head = prop_oneof![2 => Just(&b"\x07"[..]), 1 => Just(PNG), 1 => Just(JPEG)];
    let bytes = (head, prop::collection::vec(any::<u8>(), 0..3000));
    let spoilt = prop_oneof![4 => Just(""), 1 => Just("?"), 1 => Just("\\\""), 1 => Just("\\u12"), 1 => Just("=")];
    (bytes, 0..11u8, spoilt, any::<prop::sample::Index>()).prop_map(|((head, bytes), style, spoilt, at)| {
        let bytes = [head, &bytes].concat();
        let plain = STANDARD.encode(&bytes);
        let lines = |mark: &str| plain.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line) + mark).collect();
        let mut written = match style {
            0 => plain,
            1 => plain.replace('/', "\\/"),
            2 => lines("\\r\\n"),
            3 => plain.replace('+', "\\u002B"),
            4 => plain.replace('+', "-").replace('/', "_"),
            5 => plain.replace('+', "-"),
            6 => plain.replace('/', "%2F"),
            7 => plain.trim_end_matches('=').to_owned(),
            8 => lines(" "),
            9 => format!("DATA:image\\/png;x=y;base64,data:;base64,{plain}"),
            _ => format!("data:image/png;base64,{plain}"),
        };
        let letters = written.trim_end_matches("\\r\\n").len();
        let lifted = spoilt.is_empty() && written.len() >= THRESHOLD;
        // Behind what stands before base64, in front of the last quantum, and not inside an escape.
        let prefix = written.rfind(',').map_or(0, |comma| comma + 1);
        let at = at.index(letters + 1).min(letters.saturating_sub(12)).max(prefix);
        let at = written[..at].rfind(['\\', '%']).filter(|back| at - back < 7).unwrap_or(at);
        written.insert_str(at, spoilt);
        (written, lifted.then_some(bytes), head != b"\x07" || style > 8)
    })
}

/// JSON with images and what looks like them in any place.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let words = [PNG, JPEG, b"none"].map(|head| STANDARD.encode(image(head, 900)));
    let [png, jpeg, other] = words;
    let uri = format!("data:image/png;base64,{other}");
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<f64>().prop_map(serde_json::Value::from),
        "[\\PC\"\\\\{}\\[\\],:]{0,8}".prop_map(serde_json::Value::from),
        prop::sample::select(vec![png, jpeg, other, uri]).prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = "b64_json|url|prompt|input|[a-z\"\\\\:]{0,4}|iVBORw0KGgo[A-Z]{1100}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The same with `<n>` for each image, by the rules and not by the bytes.
fn lifted(value: &mut serde_json::Value, is_base64: bool, count: &mut usize) {
    match value {
        serde_json::Value::String(text) => {
            let is_image = ["iVBORw0KGgo", "/9j/4", "data:image/"].iter().any(|head| text.starts_with(head));
            if text.len() >= THRESHOLD && (is_image || is_base64) {
                *text = format!("<{count}>");
                *count += 1;
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| lifted(item, is_base64, count)),
        serde_json::Value::Object(members) => {
            for (name, value) in members.iter_mut().filter(|(name, _)| !matches!(name.as_str(), "prompt" | "input")) {
                lifted(value, name == "b64_json", count);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn lifted_bytes_are_what_base64_decodes_to_whatever_the_chunks(
        values in prop::collection::vec(
            (any_value(), prop_oneof![Just("b64_json"), Just("url"), Just("prompt"), Just("b6_json"), Just("a\\\"b")]),
            1..4,
        ),
        chunks in prop::collection::vec(1..900usize, 0..40),
    ) {
        let (mut body, mut left, mut expected) = (String::from("["), String::from("["), Vec::new());
        for ((written, bytes, is_known), name) in values {
            let lifted = match name {
                "b64_json" => bytes,
                "prompt" => None,
                _ => bytes.filter(|_| is_known),
            };
            body.push_str(&format!("{{\"{name}\":\"{written}\"}},"));
            let value = if lifted.is_some() { format!("<{}>", expected.len()) } else { written };
            left.push_str(&format!("{{\"{name}\":\"{value}\"}},"));
            expected.extend(lifted);
        }
        let lifted = lift_in(BodySyntax::Json, body.as_bytes(), chunks.clone());
        prop_assert_eq!(&lifted.0, &left);
        prop_assert!(lifted.1 == expected);
        let events = format!("event: x\r\ndata: {body}\r\n\r\n");
        let lifted = lift_in(BodySyntax::Events, events.as_bytes(), chunks);
        prop_assert_eq!(lifted.0, format!("event: x\r\ndata: {left}\r\n\r\n"));
        prop_assert!(lifted.1 == expected);
    }

    #[test]
    fn nothing_but_images_is_taken_out_of_json(
        mut value in any_json(),
        pretty in any::<bool>(),
        chunks in prop::collection::vec(1..900usize, 0..20),
    ) {
        let write = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
        let body = write(&value).unwrap();
        let (text, images) = lift_in(BodySyntax::Json, body.as_bytes(), chunks.clone());
        let events = format!("data: {}\n\n", body.replace('\n', "\ndata: "));
        let in_events = lift_in(BodySyntax::Events, events.as_bytes(), chunks);
        let mut count = 0;
        lifted(&mut value, false, &mut count);
        let left = write(&value).unwrap();
        prop_assert_eq!(&text, &left);
        prop_assert_eq!(images.len(), count);
        prop_assert_eq!(in_events, (format!("data: {}\n\n", left.replace('\n', "\ndata: ")), images));
    }

    #[test]
    fn bytes_without_images_pass_unchanged(
        parts in prop::collection::vec(
            prop_oneof![
                8 => "[a-c\"\\\\:{}\\[\\], \r\n%_é-]{1,3}".prop_map(String::from),
                4 => prop::sample::select(vec![
                    "b64_json", "\"url\":\"", "data:", "\ndata: ", "\"b64_json\":\"", "[\"iVBORw0KGgo", "base64,",
                ])
                .prop_map(String::from),
                2 => prop::sample::select(vec!["A+/=", "a-_A"]).prop_map(|letters| letters.repeat(50)),
                1 => Just("ABcd".repeat(270)),
            ],
            0..60,
        ),
        chunks in prop::collection::vec(1..50usize, 0..60),
        events in any::<bool>(),
    ) {
        let syntax = if events { BodySyntax::Events } else { BodySyntax::Json };
        let text = parts.concat();
        let whole = lift_in(syntax, text.as_bytes(), []);
        prop_assert_eq!(&lift_in(syntax, text.as_bytes(), chunks), &whole);
        if whole.1.is_empty() {
            // Only an image that was cut may be missing.
            prop_assert!(text.starts_with(&whole.0));
            prop_assert!(whole.0.len() == text.len() || whole.0.ends_with('"'));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                Just(b"{\"b64_json\":\"".to_vec()),
                Just(vec![b'A'; 1030]),
                Just(b"\r\ndata: ".to_vec()),
            ],
            0..20,
        ),
        events in any::<bool>(),
    ) {
        let syntax = if events { BodySyntax::Events } else { BodySyntax::Json };
        let bytes = parts.concat();
        let lift = |chunk: usize| {
            let (mut scanner, mut text, mut decoded) = (Base64Scanner::new(syntax), Vec::new(), Vec::new());
            for mut chunk in bytes.chunks(chunk) {
                while let Some(piece) = scanner.step(&mut chunk, &mut decoded) {
                    match piece {
                        ScannedPiece::Text(bytes) => text.extend_from_slice(bytes),
                        ScannedPiece::Begin | ScannedPiece::More => {}
                        ScannedPiece::End => decoded.clear(),
                        ScannedPiece::Restore(mut restorer) => {
                            restorer.push(&std::mem::take(&mut decoded), &mut text);
                            restorer.finish(&mut text);
                        }
                    }
                }
            }
            text.extend_from_slice(scanner.finish());
            text
        };
        prop_assert_eq!(lift(1), lift(bytes.len().max(1)));
    }
}
