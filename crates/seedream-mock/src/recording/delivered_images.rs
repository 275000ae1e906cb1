//! How many images a recorded response delivers, and how many it says were billed.

use std::collections::BTreeSet;

use seedream_fixtures::RecordedBody;
use serde_json::Value;

/// The images of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DeliveredImages {
    /// `usage.generated_images`, by which a provider bills; the largest one of a stream.
    pub(crate) stated: Option<u32>,
    /// The images that are inside the response.
    pub(crate) inline: u32,
}

impl DeliveredImages {
    /// Reads a body: JSON, or a stream of events of JSON. Of what is neither, nothing is known.
    pub(crate) fn of(body: &RecordedBody) -> Self {
        let (mut stated, mut inline) = (None, BTreeSet::new());
        let text = match body {
            RecordedBody::Json(raw) => raw.get(),
            RecordedBody::Text(text) | RecordedBody::Sse(text) => text,
            RecordedBody::Base64(_) => return Self::default(),
        };
        let events: Vec<Value> = match serde_json::from_str(text) {
            Ok(value) => vec![value],
            Err(_) => text.split(['\n', '\r']).filter_map(event).collect(),
        };
        for event in &events {
            stated = stated.max(event.pointer("/usage/generated_images").and_then(number));
            add_inline(event, &mut inline);
        }
        Self { stated, inline: u32::try_from(inline.len()).unwrap_or(u32::MAX) }
    }
}

fn event(line: &str) -> Option<Value> {
    serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()
}

/// A relay may write a number as a text.
fn number(value: &Value) -> Option<u32> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u32::try_from(number).ok()
}

/// The last event of a stream may repeat an image.
fn add_inline<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if name == "b64_json" && !text.is_empty() => drop(found.insert(text)),
                    _ => add_inline(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_inline(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_response_states_and_has_inside() {
        let of = |text: &str| DeliveredImages::of(&RecordedBody::Text(text.to_owned()));
        let known = |stated, inline| DeliveredImages { stated, inline };
        assert_eq!(
            of(r#"{"data":[{"b64_json":"AA"},{"b64_json":""}],"usage":{"generated_images":1}}"#),
            known(Some(1), 1)
        );
        assert_eq!(of(r#"{"usage":{"generated_images":"3"}}"#), known(Some(3), 0), "a relay's text");
        let stream = "event: a\ndata: {\"b64_json\":\"AA\"}\r\n\r\ndata: {\"b64_json\":\"BB\"}\n\n\
                      data: {\"data\":[{\"b64_json\":\"BB\"}],\"usage\":{\"generated_images\":2}}\n\ndata: [DONE]\n\n";
        assert_eq!(of(stream), known(Some(2), 2));
        for unknown in ["", "{\"data\":[", r#"{"usage":{"generated_images":-1}}"#, r#"{"usage":null}"#] {
            assert_eq!(of(unknown), known(None, 0), "{unknown}");
        }
    }
}
