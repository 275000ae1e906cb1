//! Decodes the usage of Ark, OpenAI and their relays.

use seedream_core::{Amount, Usage};
use serde_json::Value;

/// Decodes a `usage` member. Unknown members and unreadable values are kept in [`Usage::other`].
pub fn usage(value: Option<&Value>) -> Usage {
    let mut usage = Usage::default();
    let Some(Value::Object(members)) = value else { return usage };
    for (name, value) in members {
        let number = whole(value);
        let slot = match name.as_str() {
            "generated_images" => &mut usage.generated_images,
            "input_images" => &mut usage.input_images,
            "output_tokens" => &mut usage.output_tokens,
            "input_tokens" => &mut usage.input_tokens,
            "total_tokens" => &mut usage.total_tokens,
            "tool_usage" => {
                usage.web_searches = value.get("web_search").and_then(whole);
                if usage.web_searches.is_none() {
                    usage.other.insert(name.clone(), value.clone());
                }
                continue;
            }
            "credits_reserved" => {
                usage.reserved = value.as_f64().and_then(|credits| Amount::from_number(credits, "credits"));
                if usage.reserved.is_none() {
                    usage.other.insert(name.clone(), value.clone());
                }
                continue;
            }
            _ => {
                usage.other.insert(name.clone(), value.clone());
                continue;
            }
        };
        match number {
            Some(_) => *slot = number,
            None => {
                usage.other.insert(name.clone(), value.clone());
            }
        }
    }
    usage
}

/// A whole number, also as text or with a zero fraction.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|f| f.fract() == 0.0 && (0.0..1e15).contains(f)).map(|f| f as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ark_and_openai_usage_are_both_read() {
        let ark = usage(Some(&json!({"generated_images": 3, "output_tokens": 48672, "total_tokens": 48672,
            "input_images": 1, "input_tokens": 5, "tool_usage": {"web_search": 2}})));
        assert_eq!((ark.generated_images, ark.output_tokens, ark.web_searches), (Some(3), Some(48672), Some(2)));
        assert_eq!((ark.input_images, ark.input_tokens, ark.total_tokens), (Some(1), Some(5), Some(48672)));
        assert!(ark.other.is_empty());
        let relay = usage(Some(&json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 16280,
            "prompt_tokens_details": {"cached_tokens_details": {}}, "output_tokens": 16280})));
        assert_eq!((relay.total_tokens, relay.output_tokens, relay.generated_images), (Some(16280), Some(16280), None));
        assert_eq!(relay.other.len(), 3);
    }

    #[test]
    fn odd_usage_is_kept_and_harms_nothing() {
        let odd = usage(Some(&json!({"generated_images": "2", "output_tokens": 1.0, "total_tokens": [], "x": null})));
        assert_eq!((odd.generated_images, odd.output_tokens, odd.total_tokens), (Some(2), Some(1), None));
        assert_eq!(odd.other.len(), 2);
        for number in [json!(1.5), json!(-1.0), json!(1e16), json!("x")] {
            let odd = usage(Some(&json!({"generated_images": number, "credits_reserved": "x", "tool_usage": 3})));
            assert_eq!((odd.generated_images, odd.reserved, odd.web_searches, odd.other.len()), (None, None, None, 3));
        }
        for value in [None, Some(&json!(7)), Some(&json!("none")), Some(&json!(null)), Some(&json!([]))] {
            assert_eq!(usage(value), Usage::default());
        }
    }
}
