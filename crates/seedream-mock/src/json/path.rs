//! Members of a request by their dotted names; an explicit `null` is an absent member.

use std::borrow::Cow;
use std::hash::{Hash as _, Hasher};

use serde_json::{Map, Value};

use crate::hash::MixHasher;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The member with a dotted name. The official Ark SDK sends `null` for everything unset, so that counts as absent.
pub(crate) fn get<'a>(body: &'a Object, name: &str) -> Option<&'a Value> {
    // Nearly no name is dotted, and members are looked up often.
    let (first, rest) = if name.as_bytes().contains(&b'.') { split(name) } else { (name, None) };
    let value = member(body, first).filter(|value| !value.is_null())?;
    match rest {
        None => Some(value),
        Some(rest) => get(value.as_object()?, rest),
    }
}

/// A member of an object. Requests have few and are asked for many, most of which differ in their length already.
fn member<'a>(body: &'a Object, name: &str) -> Option<&'a Value> {
    const FEW: usize = 8;
    if body.len() > FEW {
        return body.get(name);
    }
    body.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The names of the members, in order.
pub(crate) fn names(body: &Object) -> impl Iterator<Item = &String> {
    body.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name)
}

/// Sets the member with a dotted name, making the objects on the way.
pub(crate) fn set(body: &mut Object, name: &str, value: Value) {
    match split(name) {
        (name, None) => {
            body.insert(name.to_owned(), value);
        }
        (first, Some(rest)) => {
            let inner = body.entry(first).or_insert_with(|| Value::Object(Object::new()));
            if !inner.is_object() {
                *inner = Value::Object(Object::new());
            }
            if let Some(inner) = inner.as_object_mut() {
                set(inner, rest, value);
            }
        }
    }
}

/// A text, if there is one.
pub(crate) fn text<'a>(body: &'a Object, name: &str) -> Option<&'a str> {
    get(body, name).and_then(Value::as_str)
}

/// A body without its nulls, at any depth of objects: itself, if it has none.
pub(crate) fn without_nulls(body: &Object) -> Cow<'_, Object> {
    if !has_nulls(body) {
        return Cow::Borrowed(body);
    }
    let kept = body.iter().filter(|(_, value)| !value.is_null());
    let bare = kept.map(|(name, value)| {
        let value = match value {
            Value::Object(inner) => Value::Object(without_nulls(inner).into_owned()),
            other => other.clone(),
        };
        (name.clone(), value)
    });
    Cow::Owned(bare.collect())
}

fn has_nulls(body: &Object) -> bool {
    body.values().any(|value| match value {
        Value::Object(inner) => has_nulls(inner),
        other => other.is_null(),
    })
}

/// Whether this is a body [without its nulls](without_nulls).
pub(crate) fn is_bare_of(bare: &Object, body: &Object) -> bool {
    is_bare_but(bare, body, None)
}

/// The same, whatever the value of one member is.
pub(crate) fn is_bare_but(bare: &Object, body: &Object, but: Option<&str>) -> bool {
    let kept = || body.iter().filter(|(_, value)| !value.is_null());
    kept().count() == bare.len()
        && kept().all(|(name, value)| match (bare.get(name), value) {
            (Some(_), _) if but == Some(name) => true,
            (Some(Value::Object(bare)), Value::Object(value)) => is_bare_of(bare, value),
            (bare, value) => bare == Some(value),
        })
}

/// A hash that bodies have in common which are the same [without their nulls](without_nulls).
pub(crate) fn hash(body: Option<&Value>) -> u64 {
    let mut hasher = MixHasher::default();
    match body {
        Some(Value::Object(body)) => hash_members(body, &mut hasher),
        body => body.hash(&mut hasher),
    }
    hasher.finish()
}

fn hash_members(body: &Object, hasher: &mut impl Hasher) {
    for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
        name.hash(hasher);
        match value {
            Value::Object(inner) => hash_members(inner, hasher),
            value => value.hash(hasher),
        }
    }
}

fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_reach_inside_and_nulls_are_absent() {
        let Value::Object(mut body) = serde_json::json!({ "a": { "b": 1, "c": null }, "d": null }) else { panic!() };
        assert_eq!(get(&body, "a.b"), Some(&Value::from(1)));
        assert_eq!(get(&body, "a.c"), None);
        assert_eq!(get(&body, "d"), None);
        set(&mut body, "d.e", Value::from(2));
        assert_eq!(get(&body, "d.e"), Some(&Value::from(2)));
        let bare = without_nulls(&body).into_owned();
        assert_eq!(Value::Object(bare.clone()), serde_json::json!({ "a": { "b": 1 }, "d": { "e": 2 } }));
        assert!(is_bare_of(&bare, &body));
        assert_eq!(hash(Some(&bare.clone().into())), hash(Some(&body.clone().into())));
        for (name, value) in [("a.b", 2), ("a.c", 3), ("f", 4)] {
            let mut other = body.clone();
            set(&mut other, name, Value::from(value));
            assert!(!is_bare_of(&bare, &other), "{name}");
            assert_ne!(hash(Some(&bare.clone().into())), hash(Some(&other.into())), "{name}");
        }
    }
}
