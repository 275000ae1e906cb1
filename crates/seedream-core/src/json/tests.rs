use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn value(text: &str) -> Value {
    read(text.as_bytes()).unwrap_or_else(|| panic!("{text}")).value
}

#[test]
fn complete_items_before_a_cut_are_kept() {
    let body = br#"{"created":1,"data":[{"url":"https://a/0","size":"1x1"},{"url":"https://a/1","si"#;
    let document = read(body).unwrap();
    assert!(document.cut);
    assert_eq!(
        document.value,
        json!({"created": 1, "data": [{"url": "https://a/0", "size": "1x1"}, {"url": "https://a/1"}]})
    );
}

#[test]
fn a_cut_string_or_number_is_not_a_value() {
    for (text, kept) in [
        (r#"{"a":"b\"c"#, json!({})),
        (r#"{"a":"b\u65"#, json!({})),
        (r#"{"a":"b\ud83d\ude"#, json!({})),
        (r#"{"a":"b","name"#, json!({"a": "b"})),
        (r#"{"a":"b","name""#, json!({"a": "b"})),
        (r#"{"a":"b","name":"#, json!({"a": "b"})),
        (r#"{"a":"b""#, json!({"a": "b"})),
        (r#"{"a":["b","c""#, json!({"a": ["b", "c"]})),
        (r#"{"a":1,"b":12"#, json!({"a": 1})),
        (r#"{"a":1,"b":tru"#, json!({"a": 1})),
        (r#"{"a":{"b":1}"#, json!({"a": {"b": 1}})),
        (r#"{"a":[{"b":1}"#, json!({"a": [{"b": 1}]})),
        ("[1,[2,3],[4", json!([1, [2, 3], []])),
    ] {
        let document = read(text.as_bytes()).unwrap();
        assert_eq!((document.value, document.cut, document.repaired), (kept, true, false), "{text}");
    }
}

#[test]
fn almost_json_is_read_and_told_apart() {
    let url = json!("https://p.example/0");
    for text in [
        "\u{feff}{\"url\":\"https://p.example/0\"}",
        "{\"note\":\"a\nb\tc\",\"url\":\"https://p.example/0\"}",
        "{\"note\":\"it\\'s \\x41\",\"url\":\"https://p.example/0\"}",
        "{\"note\":\"cut \\ud83d\",\"url\":\"https://p.example/0\"}",
        "{\"note\":\"say \"hello, you\" twice\",\"url\":\"https://p.example/0\"}",
        "{\"n\":1e999,\"url\":\"https://p.example/0\"}",
        "{\"n\":NaN,\"m\":-Infinity,\"url\":\"https://p.example/0\"}",
        "{\"n\":01,\"m\":+1,\"k\":.5,\"url\":\"https://p.example/0\"}",
        "{\"n\":None,\"t\":True,\"url\":\"https://p.example/0\",}",
        "{'n':'x','url':'https://p.example/0'}",
        "{n:1,url:\"https://p.example/0\"}",
        "{\"l\":[1,,2,],\"url\":\"https://p.example/0\"}",
        "{\"o\":{\"l\":[1}, \"url\":\"https://p.example/0\"}",
        "{\"o\":{\"x\":[],\"y\":,},\"url\":\"https://p.example/0\"}",
        "{\"n\":\"x\" \"url\":\"https://p.example/0\"}",
        "/* head */ // more\n{\"url\":/* here */\"https://p.example/0\"}",
    ] {
        let document = documents(text.as_bytes()).next().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(document.value["url"], url, "{text}: {}", document.value);
        assert!(!document.cut, "{text}");
    }
    let text = b"{\"note\":\"\xff\",\"url\":\"https://p.example/0\"}";
    assert_eq!(read(text).unwrap().value["url"], url);
    assert!(!read(text).unwrap().is_exact());
    assert_eq!(value("{\"n\":007,\"m\":-01.5}"), json!({"n": 7, "m": -1.5}));
    assert_eq!(value("{\"a\":\"\\u00e9\\ud83d\\ude00\\n\",}"), json!({"a": "é😀\n"}));
}

#[test]
fn depth_beside_what_counts_does_no_harm() {
    for depth in [50, 127, 200, 100_000] {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let text = format!("{{\"a\":{deep},\"url\":\"https://p.example/0\"}}");
        assert_eq!(value(&text)["url"], "https://p.example/0", "{depth}");
        assert_eq!(is_strict(text.as_bytes()), serde_json::from_str::<Value>(&text).is_ok(), "{depth}");
    }
}

#[test]
fn what_is_not_json_is_none() {
    for text in ["", "  ", "<html>", "not json", "truth be told", "data: {}", "12 monkeys", "nothing"] {
        assert_eq!(read(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn what_the_parser_skips_hides_no_document() {
    for text in [" {", "\u{feff}[", "\0\0{", "\u{1}\r\n["] {
        assert!(is_meant(text.as_bytes()) && read(text.as_bytes()).unwrap().cut, "{text:?}");
    }
}

#[test]
fn every_object_of_a_text_is_read() {
    let text = "{\"a\":1}\n{\"b\":2} and [3]{\"c\":";
    let read: Vec<_> = documents(text.as_bytes()).map(|document| document.value).collect();
    assert_eq!(read, [json!({"a": 1}), json!({"b": 2}), json!([3]), json!({})]);
}

#[test]
fn a_long_text_keeps_its_images_and_not_the_rest() {
    let fill = "0,".repeat(1 << 20);
    let text = format!("{{\"x\":[{fill}0],\"data\":[{{\"url\":\"https://p.example/0\"}}]}}");
    let document = read(text.as_bytes()).unwrap();
    assert_eq!(document.value["data"][0]["url"], "https://p.example/0");
    let kept = document.value["x"].as_array().unwrap().len();
    assert!(kept * 32 < 3 * text.len() && document.omitted, "{kept}");
}

#[test]
fn values_after_a_huge_one_are_kept_and_valid_json_is_not_called_repaired() {
    let items: Vec<_> = (0..15).map(|at| json!({"url": format!("https://p.example/{at}"), "size": "1x1"})).collect();
    let rest = json!({"data": items, "usage": {"generated_images": 2}}).to_string();
    let strings = |count| format!("\"log\":[{}]", vec!["\"s\""; count].join(","));
    let links = (0..50_000).map(|at| format!("\"https://p.example/{at}\"")).collect::<Vec<_>>().join(",");
    let objects = vec!["{\"\":0}"; 50_000].join(",");
    let members: Vec<_> = (0..50_000).map(|at| format!("\"k{at}\":0")).collect();
    for before in [
        strings(20_000),
        strings(300_000),
        format!("{0},{0},{0},{0}", strings(50_000)),
        format!("\"log\":[{links}]"),
        format!("\"log\":[{objects}]"),
        format!("\"log\":{{\"deeper\":[[{objects}]]}}"),
        format!("\"log\":{{{}}}", members.join(",")),
        members.join(","),
    ] {
        let text = format!("{{{before},\"code\":0,{}", &rest[1..]);
        let document = read(text.as_bytes()).unwrap();
        for (name, value) in serde_json::from_str::<Value>(&rest).unwrap().as_object().unwrap() {
            assert_eq!(document.value.get(name), Some(value), "{name} after {}", &before[..40]);
        }
        assert_eq!((document.cut, document.repaired, document.omitted), (false, false, true), "{}", &before[..40]);
        assert_eq!(document.length, text.len());
        // Of a number of members in a row without end some are left out.
        assert_eq!(document.value.get("code").is_some(), before.starts_with("\"log"));
    }
    for text in [&format!("\u{feff}{rest}"), "{\"a\":1e999}"] {
        let document = read(text.as_bytes()).unwrap();
        assert!(!document.cut && !document.repaired, "{text}");
    }
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let long = format!("{deep}{}", " ".repeat(STRICT));
    assert_eq!(read(long.as_bytes()).unwrap().value, serde_json::from_str::<Value>(&deep).unwrap());
    assert!(read(long.as_bytes()).unwrap().is_exact());
}

#[test]
fn a_few_words_around_json_and_utf_16_are_read() {
    let json = "{\"url\":\"https://p.example/é\"}";
    let expected: Value = serde_json::from_str(json).unwrap();
    for text in [
        format!("```json\n{json}\n```"),
        format!("```\n{json}```\n"),
        format!(")]}}',\n{json}"),
        format!("callback({json});"),
        format!("/**/ cb({json})"),
        format!("OK {json}"),
    ] {
        let document = read(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(
            (document.value, document.repaired, document.length),
            (expected.clone(), true, text.len()),
            "{text}"
        );
    }
    let cut = read(b"```json\n{\"a\":1,\"b\":{\"c\"").unwrap();
    assert!(cut.cut && cut.value == json!({"a": 1, "b": {}}));
    for mark in ["", "\u{feff}"] {
        let units: Vec<_> = format!("{mark}{json}").encode_utf16().collect();
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let text: Vec<_> = units.iter().copied().flat_map(bytes).collect();
            let document = read(&text).unwrap();
            assert_eq!((&document.value, document.length), (&expected, text.len()));
            assert!(document.is_exact());
        }
    }
    for text in ["try {again} later", "<p>{\"a\":1}</p>", "data: {\"a\":1}", "wait [1]", "OK {}", "{\"a\":1} OK"] {
        let read = read(text.as_bytes());
        assert!(read.is_none_or(|document| document.length < text.len()), "{text}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[\\PC\"\\\\{}\\[\\],\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A value whose every part is in another one: what was cut is missing, nothing else differs.
fn is_part(part: &Value, whole: &Value) -> bool {
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

proptest! {
    #[test]
    fn json_is_read_as_serde_reads_it(value in any_json()) {
        let value = json!({ "data": value });
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            // By the lenient parser alone.
            let document = parser::read(text.as_bytes()).unwrap();
            let strict: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&document.value, &strict);
            prop_assert!(document.is_exact() && document.length == text.len());
        }
    }

    #[test]
    fn every_cut_keeps_a_part(value in any_json(), at in any::<prop::sample::Index>()) {
        let text = json!({ "data": value }).to_string();
        let value: Value = serde_json::from_str(&text).unwrap();
        let at = at.index(text.len()).max(1);
        let document = read(&text.as_bytes()[..at]).unwrap();
        prop_assert!(document.cut);
        // A cut inside a character is not a part of it.
        if text.is_char_boundary(at) {
            prop_assert!(is_part(&document.value, &value), "{} of {}", document.value, value);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in any::<Vec<u8>>(),
        text in "(\\\\u|d83d|\"|'|[0-9e.+-]|[\\[\\]{}:,/*]|true|null|\\PC){0,40}",
    ) {
        let _ = (read(&bytes), documents(&bytes).count());
        let _ = (read(text.as_bytes()), documents(text.as_bytes()).count());
    }
}
