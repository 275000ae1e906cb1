//! A part of some rules, which is put over them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    capabilities::Capabilities,
    size_table::{Row, TABLE},
    source::Source,
    standing::Standing,
};

/// A part of [`Capabilities`], in their JSON: what a user's file or a program states, with the members that it does not name left as
/// they are. `null` takes an optional member away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CapabilitiesPatch(Map<String, Value>);

/// What says which rules these are, and is no rule.
const NAMES: [&str; 6] = ["provider", "seller", "relay", "requested", "model", "standing"];

/// The parts that have a source of their own, below those of [`Capabilities`] itself.
const NESTED: [(&str, &str); 3] = [("images", "with_references"), ("size", "narrowed"), ("size", "relay_min")];

/// Members that may have been read elsewhere than the rest of their part, and the member that says where.
const EXCEPTIONS: [(&str, &str); 3] =
    [("max_bytes", "max_bytes_source"), ("table", "table_source"), ("range", "range_source")];

impl CapabilitiesPatch {
    /// The value of a member, by its names from the outside in.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, name| value.get(name))
    }

    /// The names of the members that it sets in one part.
    pub fn names<'a>(&'a self, part: &str) -> impl Iterator<Item = &'a str> {
        self.0.get(part).and_then(Value::as_object).into_iter().flat_map(|members| members.keys().map(String::as_str))
    }

    /// These rules with this part over them. What it states without a source of its own has the one given.
    ///
    /// A rule that only made sense beside the one that is replaced goes: a page that narrows the sizes, advice on a number that is set
    /// now, rows of the size table at tiers that are not taken any more.
    ///
    /// # Errors
    /// A member that rules do not have, or a value of another form, by name.
    pub fn apply(&self, rules: &Capabilities, source: &Source) -> Result<Capabilities, serde_json::Error> {
        use serde::de::Error as _;

        if let Some(name) = NAMES.iter().find(|name| self.0.contains_key(**name)) {
            return Err(serde_json::Error::custom(format!("`{name}` names the rules and cannot be set")));
        }
        let source = serde_json::to_value(source)?;
        let mut value = serde_json::to_value(rules)?;
        for (name, patch) in &self.0 {
            let target = &mut value[name];
            match patch {
                Value::Object(fields) if name == "fields" => {
                    fields.iter().for_each(|(field, patch)| replace(&mut target[field], patch, &source));
                }
                // It says what happens and cites its page in its own sentence.
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

    /// Takes away what only made sense beside a rule that was replaced.
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
            // The total that the document states would take the rest away again.
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

/// Puts a part with a source over what is there.
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

/// Puts members over members, objects member by member.
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
