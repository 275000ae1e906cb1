//! Partial rules, which override others.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    capabilities::Capabilities,
    model_standing::Standing,
    rule_source::Source,
    size_table::{Row, TABLE},
};

/// A part of [`Capabilities`] as JSON, from a user's file or a program. Members that it does not name are unchanged; `null` removes an
/// optional member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CapabilitiesPatch(Map<String, Value>);

/// Members that identify the rules.
const NAMES: [&str; 6] = ["provider", "seller", "relay", "requested", "model", "standing"];

/// The members that a patch may set.
const MEMBERS: [&str; 12] = [
    "family",
    "size",
    "references",
    "images",
    "prompt",
    "fields",
    "members",
    "ignored_members",
    "precedence",
    "background",
    "layers",
    "price",
];

/// The nested parts with their own source.
const NESTED: [(&str, &str); 3] = [("images", "with_references"), ("size", "narrowed"), ("size", "relay_min")];

/// Members that may have a different source than their part, and the member with that source.
const EXCEPTIONS: [(&str, &str); 3] =
    [("max_bytes", "max_bytes_source"), ("table", "table_source"), ("range", "range_source")];

impl From<Map<String, Value>> for CapabilitiesPatch {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

impl CapabilitiesPatch {
    /// The value of a member, by its path.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, name| value.get(name))
    }

    /// The names of the members that the patch sets in one part.
    pub fn names<'a>(&'a self, part: &str) -> impl Iterator<Item = &'a str> {
        self.0.get(part).and_then(Value::as_object).into_iter().flat_map(|members| members.keys().map(String::as_str))
    }

    /// Applies the patch to rules. Members without their own source get `source`.
    ///
    /// Rules that depend on a replaced one are removed: narrowed sizes, advice on a number that is now set, rows of the size table at
    /// tiers that are no longer legal.
    ///
    /// # Errors
    /// An unknown member, or a value of the wrong form; the message names it.
    pub fn apply(&self, rules: &Capabilities, source: &Source) -> Result<Capabilities, serde_json::Error> {
        use serde::de::Error as _;

        if let Some(name) = NAMES.iter().find(|name| self.0.contains_key(**name)) {
            return Err(serde_json::Error::custom(format!(
                "`{name}` identifies the rules and cannot be set: remove it"
            )));
        }
        if let Some(name) = self.0.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let members = MEMBERS.join(", ");
            return Err(serde_json::Error::custom(format!("`{name}` is not a rule: use one of {members}")));
        }
        let source = serde_json::to_value(source)?;
        let mut value = serde_json::to_value(rules)?;
        for (name, patch) in &self.0 {
            let target = &mut value[name];
            match patch {
                Value::Object(fields) if name == "fields" => {
                    fields.iter().for_each(|(field, patch)| replace(&mut target[field], patch, &source));
                }
                // Its message contains its citation.
                Value::Object(_) if name == "precedence" => merge(target, patch),
                Value::Object(_) => {
                    for (_, nested) in NESTED.iter().filter(|(part, _)| part == name) {
                        if let Some(patch) = patch.get(nested) {
                            replace(&mut target[*nested], patch, &source);
                        }
                    }
                    replace(target, patch, &source);
                }
                _ => target.clone_from(patch),
            }
        }
        let mut patched: Capabilities = serde_json::from_value(value)?;
        self.settle(&mut patched);
        Ok(patched)
    }

    /// Removes rules that depend on a replaced rule.
    fn settle(&self, rules: &mut Capabilities) {
        let sets = |part, member| self.get(&[part, member]).is_some();
        if sets("size", "tiers") || sets("size", "qualities") {
            let size = &mut rules.size;
            let taken = |row: &Row| size.tiers.contains(&row.tier) || size.qualities.contains(&row.tier);
            if !sets("size", "table") {
                let has = |row: &Row| size.table.iter().any(|other| other.tier == row.tier);
                let added: Vec<_> = TABLE.into_iter().filter(|row| taken(row) && !has(row)).collect();
                size.table = size.table.iter().copied().filter(|row| taken(row)).chain(added).collect();
            }
        }
        let sized = ["tiers", "qualities", "pixels"].into_iter().any(|member| sets("size", member));
        if sized && !sets("size", "narrowed") {
            rules.size.narrowed = None;
        }
        if sets("size", "pixels") && !sets("size", "relay_min") {
            rules.size.relay_min = None;
        }
        if let Some(max) = rules.images.max.filter(|_| sets("images", "max")) {
            if !sets("images", "advised_max") {
                rules.images.advised_max = None;
            }
            if !sets("images", "count_refused") {
                rules.images.count_refused &= max <= 1;
            }
            // The documented total would lower the new maximum again.
            if let Some(total) = rules.images.with_references.as_mut().filter(|_| !sets("images", "with_references")) {
                total.limit = total.limit.max(max);
                total.source.clone_from(&rules.images.source);
            }
        }
        if self.0.contains_key("family") {
            rules.standing = Standing::Sold;
        }
    }
}

/// Applies a part with a source.
fn replace(target: &mut Value, patch: &Value, source: &Value) {
    let Value::Object(members) = patch else {
        target.clone_from(patch);
        return;
    };
    let before = target.get("source").cloned();
    for (name, exception) in EXCEPTIONS {
        let known = target.get(name).is_some_and(|value| !value.is_null());
        if members.contains_key(name) {
            set(target, exception, Some(source));
        } else if known && target.get(exception).is_none_or(Value::is_null) {
            set(target, exception, before.as_ref());
        }
    }
    merge(target, patch);
    if !members.contains_key("source") {
        set(target, "source", Some(source));
    }
}

fn set(target: &mut Value, name: &str, value: Option<&Value>) {
    if let Some(value) = value {
        if target.is_null() {
            *target = Value::Object(Map::new());
        }
        target[name] = value.clone();
    }
}

/// Merges members, objects recursively.
fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
        (target, patch) => target.clone_from(patch),
    }
}
