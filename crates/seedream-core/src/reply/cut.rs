//! Closes a JSON text that was cut off, so that what had arrived can be read.

/// The longest JSON text that ends behind a complete member or element of `json`, with what is open closed.
///
/// A picture that was cut in the middle of its string is not kept; every one before it is. A text that is whole, or holds no
/// complete member, comes back as it is or empty of members.
pub fn close_json(json: &[u8]) -> Vec<u8> {
    let mut open: Vec<u8> = Vec::new();
    // Where the last complete member ended. Every bracket moves it, so what is open there is what is open at the end.
    let mut complete = 0;
    // Whether the next string of an object is a value: it is complete with its closing quote, a name is not.
    let mut value = false;
    let mut scan = Scan::default();
    for (at, &byte) in json.iter().enumerate() {
        if scan.inside_string(byte) {
            let ended = !scan.in_string;
            if ended && (value || open.last() == Some(&b']')) {
                complete = at + 1;
            }
            continue;
        }
        match byte {
            b'{' | b'[' => {
                open.push(if byte == b'{' { b'}' } else { b']' });
                (complete, value) = (at + 1, false);
            }
            b'}' | b']' => {
                open.pop();
                (complete, value) = (at + 1, false);
            }
            b',' => (complete, value) = (at, false),
            b':' => value = true,
            _ => {}
        }
    }
    if open.is_empty() && !scan.in_string {
        return json.to_vec();
    }
    let mut closed = json[..complete].to_vec();
    closed.extend(open.into_iter().rev());
    closed
}

#[derive(Default)]
struct Scan {
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Whether a byte belongs to a string, quotes included.
    fn inside_string(&mut self, byte: u8) -> bool {
        if !self.in_string {
            self.in_string = byte == b'"';
            return self.in_string;
        }
        match (self.escaped, byte) {
            (true, _) => self.escaped = false,
            (false, b'\\') => self.escaped = true,
            (false, b'"') => self.in_string = false,
            _ => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn complete_items_before_the_cut_are_kept() {
        let body = br#"{"created":1,"data":[{"url":"https://a/0","size":"1x1"},{"url":"https://a/1","si"#;
        let value: Value = serde_json::from_slice(&close_json(body)).unwrap();
        assert_eq!(
            value,
            json!({"created": 1, "data": [{"url": "https://a/0", "size": "1x1"}, {"url": "https://a/1"}]})
        );
    }

    #[test]
    fn a_cut_string_or_number_is_not_a_value() {
        let cut = |text: &str| String::from_utf8(close_json(text.as_bytes())).unwrap();
        assert_eq!(cut(r#"{"a":"b\"c"#), "{}");
        assert_eq!(cut(r#"{"a":"b","name"#), r#"{"a":"b"}"#);
        assert_eq!(cut(r#"{"a":"b""#), r#"{"a":"b"}"#);
        assert_eq!(cut(r#"{"a":["b","c""#), r#"{"a":["b","c"]}"#);
        assert_eq!(cut(r#"{"a":1,"b":12"#), r#"{"a":1}"#);
        assert_eq!(cut(r#"[1,[2,3],[4"#), "[1,[2,3],[]]");
        assert_eq!(cut(r#"<html>"#), "<html>");
        assert_eq!(cut(""), "");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[\\PC\"\\\\{}\\[\\],]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"]{1,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_cut_of_an_object_can_be_read(value in any_json(), at in any::<prop::sample::Index>()) {
            let text = serde_json::to_vec(&json!({ "data": value })).unwrap();
            let cut = &text[..at.index(text.len()).max(1)];
            let closed = close_json(cut);
            prop_assert!(serde_json::from_slice::<Value>(&closed).is_ok(), "{}", String::from_utf8_lossy(&closed));
            prop_assert_eq!(close_json(&text), text.clone());
        }
    }
}
