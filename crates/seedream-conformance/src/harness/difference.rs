//! Collects what differs, so that a failure names everything at once.

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::CaseFailure;

/// What differs so far.
#[derive(Debug, Default)]
pub(crate) struct Differences(Vec<String>);

impl Differences {
    /// Compares two values under a name.
    pub(crate) fn same<T: PartialEq + Debug>(&mut self, name: &str, expected: &T, seen: &T) {
        if expected != seen {
            self.0.push(format!("{name}: expected {expected:?}, saw {seen:?}"));
        }
    }

    /// Compares two JSON values: one line for each pointer at which they part.
    pub(crate) fn json(&mut self, at: &str, expected: &Value, seen: &Value) {
        match (expected, seen) {
            (Value::Object(expected), Value::Object(seen)) => self.members(at, expected, seen),
            (Value::Array(expected), Value::Array(seen)) if expected.len() == seen.len() => {
                for (place, (expected, seen)) in expected.iter().zip(seen).enumerate() {
                    self.json(&format!("{at}/{place}"), expected, seen);
                }
            }
            _ => self.holds(expected == seen, || format!("{at}: expected {expected}, saw {seen}")),
        }
    }

    fn members(&mut self, at: &str, expected: &Map<String, Value>, seen: &Map<String, Value>) {
        for (name, value) in expected {
            let at = format!("{at}/{name}");
            match seen.get(name) {
                Some(seen) => self.json(&at, value, seen),
                None => self.holds(false, || format!("{at}: expected {value}, saw nothing")),
            }
        }
        for (name, value) in seen.iter().filter(|(name, _)| !expected.contains_key(*name)) {
            self.holds(false, || format!("{at}/{name}: expected nothing, saw {value}"));
        }
    }

    /// Compares a value that is only sometimes stated.
    pub(crate) fn stated<T: PartialEq + Debug>(&mut self, name: &str, expected: Option<&T>, seen: Option<&T>) {
        if let Some(expected) = expected
            && seen != Some(expected)
        {
            self.0.push(format!("{name}: expected {expected:?}, saw {seen:?}"));
        }
    }

    /// Adds a line unless something holds.
    pub(crate) fn holds(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.0.push(otherwise());
        }
    }

    /// Adds what a part found, under a name.
    pub(crate) fn within(&mut self, name: &str, part: Result<(), CaseFailure>) {
        if let Err(failure) = part {
            self.0.extend(failure.lines().iter().map(|line| format!("{name}: {line}")));
        }
    }

    /// Adds what a part found.
    pub(crate) fn add(&mut self, part: Result<(), CaseFailure>) {
        if let Err(failure) = part {
            self.0.extend(failure.lines().iter().cloned());
        }
    }

    pub(crate) fn into_result(self) -> Result<(), CaseFailure> {
        if self.0.is_empty() { Ok(()) } else { Err(CaseFailure::of(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Differences;

    #[test]
    fn json_is_compared_pointer_by_pointer() {
        let mut d = Differences::default();
        let expected = json!({"a": {"b": [1, 2]}, "gone": null, "same": true, "list": [1]});
        d.json("body", &expected, &json!({"a": {"b": [1, "2"]}, "same": true, "new": {}, "list": []}));
        let failure = d.into_result().unwrap_err();
        assert_eq!(
            failure.lines(),
            [
                "body/a/b/1: expected 2, saw \"2\"",
                "body/gone: expected null, saw nothing",
                "body/list: expected [1], saw []",
                "body/new: expected nothing, saw {}",
            ]
        );
        let mut d = Differences::default();
        d.json("body", &expected, &expected);
        assert!(d.into_result().is_ok());
    }
}
