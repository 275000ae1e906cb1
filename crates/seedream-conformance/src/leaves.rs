//! The leaves of a JSON value, by their pointers.

use serde_json::Value;

/// The pointers of all leaves; an empty array or object has none.
pub(crate) fn leaves(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, &mut String::new(), &mut found);
    found
}

fn collect(value: &Value, at: &mut String, found: &mut Vec<String>) {
    let mut below = |name: &str, value: &Value| {
        let length = at.len();
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        collect(value, at, found);
        at.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(place, value)| below(&place.to_string(), value)),
        _ => found.push(at.clone()),
    }
}

/// The value with something done to the leaf at a pointer.
pub(crate) fn with(value: &Value, at: &str, change: impl FnOnce(&Value) -> Value) -> Value {
    let mut changed = value.clone();
    if let Some(leaf) = changed.pointer_mut(at) {
        *leaf = change(leaf);
    }
    changed
}

/// Another value of the same type; something, where there was nothing.
pub(crate) fn another(leaf: &Value) -> Value {
    match leaf {
        Value::String(text) => format!("{text}x").into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => (whole + 1).into(),
            (None, number) => (number.unwrap_or_default() + 1.0).into(),
        },
        Value::Bool(held) => (!held).into(),
        _ => true.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_leaf_is_found_and_can_be_changed() {
        let value = json!({"a/b": [1, {"c": null}], "d": [], "e": "x"});
        assert_eq!(leaves(&value), ["/a~1b/0", "/a~1b/1/c", "/e"]);
        for at in leaves(&value) {
            assert_ne!(with(&value, &at, another), value, "{at}");
        }
    }
}
