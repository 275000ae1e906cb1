//! Comparing JSON with a pattern, and saying where the two differ.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A place where a value is not what was expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The place: `body.image[0]`; empty where the whole is meant.
    pub field: String,
    /// What was expected there; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What stands there; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| String::from("nothing"), Value::to_string);
        write!(f, "{} ({} and not {})", self.field, shown(&self.expected), shown(&self.actual))
    }
}

/// Where a value does not fit a pattern: every member the pattern has must fit, others do not matter. In a text of the
/// pattern `*` stands for anything; `null` fits what is `null` or absent.
pub(crate) fn unfitting(pattern: &Value, actual: &Value) -> Vec<Difference> {
    Comparison { whole: false, found: Vec::new() }.run(pattern, actual)
}

/// Where two values are not equal.
pub(crate) fn unequal(expected: &Value, actual: &Value) -> Vec<Difference> {
    Comparison { whole: true, found: Vec::new() }.run(expected, actual)
}

/// Whether a text fits a pattern in which `*` stands for any text.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

struct Comparison {
    /// Whether members without a counterpart differ, and texts are taken as they are.
    whole: bool,
    found: Vec<Difference>,
}

impl Comparison {
    fn run(mut self, expected: &Value, actual: &Value) -> Vec<Difference> {
        self.compare("", Some(expected), Some(actual));
        self.found
    }

    fn compare(&mut self, field: &str, expected: Option<&Value>, actual: Option<&Value>) {
        match (expected, actual) {
            (Some(Value::Object(wanted)), Some(Value::Object(found))) => {
                let extra = found.keys().filter(|name| self.whole && !wanted.contains_key(*name));
                for name in wanted.keys().chain(extra).collect::<Vec<_>>() {
                    let below = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                    self.compare(&below, wanted.get(name), found.get(name));
                }
            }
            (Some(Value::Array(wanted)), Some(Value::Array(found))) => {
                for place in 0..wanted.len().max(found.len()) {
                    self.compare(&format!("{field}[{place}]"), wanted.get(place), found.get(place));
                }
            }
            (Some(Value::Null), None | Some(Value::Null)) if !self.whole => {}
            (Some(Value::String(wanted)), Some(Value::String(found))) if !self.whole && fits(wanted, found) => {}
            (Some(Value::Number(wanted)), Some(Value::Number(found)))
                if !self.whole && wanted.as_f64() == found.as_f64() => {}
            (expected, actual) if expected == actual => {}
            (expected, actual) => self.found.push(Difference {
                field: field.to_owned(),
                expected: expected.cloned(),
                actual: actual.cloned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(differences: &[Difference]) -> Vec<&str> {
        differences.iter().map(|difference| difference.field.as_str()).collect()
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text) in [("*", ""), ("*", "x"), ("a*", "a"), ("a*c", "abc"), ("*b*", "abc"), ("a*b*c", "a-b-c")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*a", "a"), ("*b", "abc"), ("a*c*", "ab"), ("", "x")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_names_every_field_that_differs() {
        let actual = json!({ "status": 200, "body": { "n": 2, "image": ["a", "b"], "prompt": "a red kite" } });
        let unfitting = |pattern| unfitting(&pattern, &actual);
        assert!(unfitting(json!({ "status": 200.0, "body": { "prompt": "*kite", "seed": null } })).is_empty());
        let pattern =
            json!({ "status": 503, "body": { "n": 3, "image": ["a", "c", "d"], "size": "2K", "prompt": "red" } });
        let found = unfitting(pattern);
        assert_eq!(fields(&found), ["body.image[1]", "body.image[2]", "body.n", "body.prompt", "body.size", "status"]);
        assert_eq!((&found[2].expected, &found[2].actual), (&Some(json!(3)), &Some(json!(2))));
        assert_eq!((&found[4].expected, &found[4].actual), (&Some(json!("2K")), &None));
    }

    #[test]
    fn equality_minds_what_is_there_besides() {
        let found = unequal(&json!({ "a": 1, "s": "*" }), &json!({ "a": 1, "s": "x", "b": null }));
        assert_eq!(fields(&found), ["s", "b"]);
        assert!(unequal(&json!([1, { "a": [] }]), &json!([1, { "a": [] }])).is_empty());
    }
}
