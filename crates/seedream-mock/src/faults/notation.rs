//! Reading and writing faults: as text, as JSON, both through the same words.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::faults::grammar;
use crate::faults::grammar::{Fault, GrammarEntry, TABLE, WordArgument};
use crate::faults::word_values::Probability;

/// Why a text or a JSON value is no fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultError(String);

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FaultError {}

/// One word: `name`, `name=value` or, for places, `name@value`.
pub(crate) struct WrittenWord {
    pub(crate) entry: &'static GrammarEntry,
    /// Empty for a word that takes no value.
    pub(crate) value: String,
}

/// Reads several faults with `;` between them.
///
/// # Errors
/// A word is not known, has no value or a wrong one.
pub fn parse(text: &str) -> Result<Vec<Fault>, FaultError> {
    let mut faults = vec![Fault::default()];
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(';') {
            faults.push(Fault::default());
            rest = after.trim_start();
            continue;
        }
        let end = rest.find(|c: char| c == '=' || c == '@' || c == ';' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix(['=', '@']) {
            Some(after) => {
                let (value, after) = value(after)?;
                (Some(value), after)
            }
            None => (None, after),
        };
        if let Some(fault) = faults.last_mut() {
            fault.set(name, value.as_deref())?;
        }
        rest = after.trim_start();
    }
    faults.retain(|fault| *fault != Fault::default());
    faults.into_iter().map(Fault::complete).collect()
}

/// A value and what follows it: up to a space, or a JSON string.
fn value(text: &str) -> Result<(String, &str), FaultError> {
    if text.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        return match values.next() {
            Some(Ok(value)) => Ok((value, &text[values.byte_offset()..])),
            _ => Err(FaultError(String::from("a quote is not closed"))),
        };
    }
    let end = text.find(|c: char| c == ';' || c.is_whitespace()).unwrap_or(text.len());
    Ok((text[..end].to_owned(), &text[end..]))
}

/// A value as it is written: quoted where reading it would end too early.
fn quoted(value: &str) -> String {
    let plain = !value.is_empty() && !value.contains(|c: char| matches!(c, '"' | ';' | ']') || c.is_whitespace());
    if plain { value.to_owned() } else { Value::from(value).to_string() }
}

impl Fault {
    /// Sets what a word says.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), FaultError> {
        let Some(entry) = grammar::find(name) else {
            return Err(FaultError(format!("{name} is not a fault; `seedream mock faults` lists them")));
        };
        if (entry.write)(self).is_some() {
            return Err(FaultError(format!("{name}: is given twice: use it once, or separate two faults with `;`")));
        }
        let value = match (entry.takes, value) {
            (WordArgument::Nothing, Some(_)) => return Err(FaultError(format!("{name} takes no value"))),
            (WordArgument::Value | WordArgument::Position, None) => {
                return Err(FaultError(format!("{name} needs a value")));
            }
            (_, value) => value.unwrap_or_default(),
        };
        (entry.read)(self, value).map_err(|error| FaultError(format!("{name}: {error}")))
    }

    /// Checks that every word has an effect.
    fn complete(self) -> Result<Self, FaultError> {
        for GrammarEntry { name, needs, write, .. } in TABLE.iter().filter(|entry| !entry.needs.is_empty()) {
            let Some(needed) = grammar::find(needs).filter(|needed| (needed.write)(&self).is_none()) else { continue };
            if write(&self).is_some() {
                return Err(FaultError(format!("{name}: has no effect alone: add {}", needed.word.form)));
            }
        }
        Ok(self)
    }

    /// What it says, in a fixed order.
    pub(crate) fn words(&self) -> impl Iterator<Item = WrittenWord> {
        let word = |entry: &'static GrammarEntry| Some(WrittenWord { entry, value: (entry.write)(self)? });
        TABLE.iter().filter_map(word)
    }

    /// Reads its JSON form: an object of its words, or its text.
    ///
    /// # Errors
    /// A word is not known or has a wrong value.
    pub fn from_json(value: &Value) -> Result<Self, FaultError> {
        match value {
            Value::String(text) => text.parse(),
            Value::Object(members) => Self::from_members(members),
            _ => Err(FaultError(String::from("a fault is a text or an object of its words"))),
        }
    }

    fn from_members(members: &Map<String, Value>) -> Result<Self, FaultError> {
        let mut fault = Self::default();
        for (name, value) in members {
            match value {
                Value::Bool(on) if grammar::find(name).is_some_and(|entry| entry.takes == WordArgument::Nothing) => {
                    if *on {
                        fault.set(name, None)?;
                    }
                }
                value => fault.set(name, Some(&spelled(name, value)?))?,
            }
        }
        fault.complete()
    }
}

/// A member's value as a word's.
fn spelled(name: &str, value: &Value) -> Result<String, FaultError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Array(items) => {
            let items: Result<Vec<String>, _> = items.iter().map(|item| spelled(name, item)).collect();
            items.map(|items| items.join(","))
        }
        Value::Null | Value::Object(_) => Err(FaultError(format!("{name} cannot be {value}"))),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, WrittenWord { entry, value }) in self.words().enumerate() {
            let space = if place == 0 { "" } else { " " };
            let name = entry.name;
            match entry.takes {
                WordArgument::Nothing => write!(f, "{space}{name}")?,
                WordArgument::Value => write!(f, "{space}{name}={}", quoted(&value))?,
                WordArgument::Position => write!(f, "{space}{name}@{}", quoted(&value))?,
            }
        }
        Ok(())
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    /// Reads one fault.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut faults = parse(text)?;
        match (faults.pop(), faults.is_empty()) {
            (None, _) => Err(FaultError(String::from("there is no fault in an empty text"))),
            (Some(fault), true) => Ok(fault),
            (Some(_), false) => Err(FaultError(String::from("these are several faults"))),
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words: Vec<WrittenWord> = self.words().collect();
        let mut map = serializer.serialize_map(Some(words.len()))?;
        for WrittenWord { entry: GrammarEntry { name, takes, .. }, value } in words {
            match value.parse::<u64>() {
                _ if *takes == WordArgument::Nothing => map.serialize_entry(name, &true)?,
                _ if *name == "p" => map.serialize_entry(name, &self.chance.map(Probability::get))?,
                // Only where nothing of the spelling is lost.
                Ok(number) if number.to_string() == value => map.serialize_entry(name, &number)?,
                _ => map.serialize_entry(name, &value)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
