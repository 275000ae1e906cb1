//! Reading and writing faults: as text, as JSON, both through the same words.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::Fault;
use super::words::{Chance, Ending};
use crate::span;

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
pub(super) struct Word {
    pub(super) name: &'static str,
    pub(super) value: Option<String>,
}

/// Words that stand without a value.
const FLAGS: [&str; 2] = ["empty", "garbage"];

/// Words whose value is a place.
const PLACED: [&str; 3] = ["reset", "close", "stall"];

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
    Ok(faults)
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
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), FaultError> {
        let flag = FLAGS.contains(&name);
        let value = match value {
            Some(_) if flag => return Err(FaultError(format!("{name} takes no value"))),
            None if !flag => return Err(FaultError(format!("{name} needs a value, or is no word of a fault"))),
            value => value.unwrap_or_default(),
        };
        let wrong = |error: String| FaultError(format!("{name}: {error}"));
        match name {
            "on" => self.on = Some(value.parse().map_err(wrong)?),
            "times" => self.times = Some(number(name, value)?),
            "p" => self.chance = Some(value.parse().map_err(wrong)?),
            "seed" => self.seed = Some(number(name, value)?),
            "rpm" => self.rpm = Some(number(name, value)?),
            "ipm" => self.ipm = Some(number(name, value)?),
            "concurrent" => self.concurrent = Some(number(name, value)?),
            "quota" => self.quota = Some(number(name, value)?),
            "refuse" => self.refuse = Some(value.parse().map_err(wrong)?),
            "status" => self.status = Some(status(name, value)?),
            "code" => self.code = Some(value.to_owned()),
            "message" => self.message = Some(value.to_owned()),
            "retry-after" => self.retry_after = Some(value.to_owned()),
            "should-retry" => self.should_retry = Some(number(name, value)?),
            "delay" => self.delay = Some(time(name, value)?),
            "pace" => self.pace = Some(time(name, value)?),
            "reset" => self.end = Some((Ending::Reset, value.parse().map_err(wrong)?)),
            "close" => self.end = Some((Ending::Close, value.parse().map_err(wrong)?)),
            "stall" => self.stall = Some(value.parse().map_err(wrong)?),
            "for" => self.stall_for = Some(time(name, value)?),
            "drip" => self.drip = Some(value.parse().map_err(wrong)?),
            "html" => self.html = Some(status(name, value)?),
            "redirect" => self.redirect = Some(status(name, value)?),
            "to" => self.to = Some(value.to_owned()),
            "empty" => self.empty = true,
            "garbage" => self.garbage = true,
            "oversize" => self.oversize = Some(number(name, value)?),
            "truncate" => self.truncate = Some(number(name, value)?),
            "length" if value == "wrong" => self.wrong_length = true,
            "gzip" if value == "broken" => self.broken_gzip = true,
            "moderate" => self.moderate = list(value, |place| number(name, place))?,
            "fail" => self.fail = Some(number(name, value)?),
            "task" => self.task = Some(value.parse().map_err(wrong)?),
            "sse" => self.sse = list(value, |word| word.parse().map_err(wrong))?,
            "picture" => self.picture = Some(value.parse().map_err(wrong)?),
            _ => return Err(FaultError(format!("{name}={value} is no word of a fault"))),
        }
        Ok(())
    }

    /// What it says, in a fixed order.
    pub(super) fn words(&self) -> Vec<Word> {
        let mut words = Words(Vec::new());
        let Self { end, stall_for, .. } = self;
        words.put("on", self.on.as_ref());
        words.put("times", self.times.as_ref());
        words.put("p", self.chance.as_ref());
        words.put("seed", self.seed.as_ref());
        words.put("rpm", self.rpm.as_ref());
        words.put("ipm", self.ipm.as_ref());
        words.put("concurrent", self.concurrent.as_ref());
        words.put("quota", self.quota.as_ref());
        words.put("refuse", self.refuse.as_ref());
        words.put("status", self.status.as_ref());
        words.put("code", self.code.as_ref());
        words.put("message", self.message.as_ref());
        words.put("retry-after", self.retry_after.as_ref());
        words.put("should-retry", self.should_retry.as_ref());
        words.put("delay", self.delay.map(span::write));
        words.put("pace", self.pace.map(span::write));
        words.put(end.map_or("reset", |(ending, _)| ending.as_str()), end.map(|(_, place)| place));
        words.put("stall", self.stall.as_ref());
        words.put("for", stall_for.map(span::write));
        words.put("drip", self.drip.as_ref());
        words.put("html", self.html.as_ref());
        words.put("redirect", self.redirect.as_ref());
        words.put("to", self.to.as_ref());
        words.flag("empty", self.empty);
        words.flag("garbage", self.garbage);
        words.put("oversize", self.oversize.as_ref());
        words.put("truncate", self.truncate.as_ref());
        words.put("length", self.wrong_length.then_some("wrong"));
        words.put("gzip", self.broken_gzip.then_some("broken"));
        words.put("moderate", joined(&self.moderate));
        words.put("fail", self.fail.as_ref());
        words.put("task", self.task.as_ref());
        words.put("sse", joined(&self.sse));
        words.put("picture", self.picture.as_ref());
        words.0
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
                Value::Bool(on) if FLAGS.contains(&name.as_str()) => {
                    if *on {
                        fault.set(name, None)?;
                    }
                }
                value => fault.set(name, Some(&spelled(name, value)?))?,
            }
        }
        Ok(fault)
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

struct Words(Vec<Word>);

impl Words {
    fn put(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push(Word { name, value: Some(value.to_string()) });
        }
    }

    fn flag(&mut self, name: &'static str, on: bool) {
        if on {
            self.0.push(Word { name, value: None });
        }
    }
}

fn joined(items: &[impl ToString]) -> Option<String> {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    (!items.is_empty()).then(|| items.join(","))
}

fn list<T>(value: &str, read: impl Fn(&str) -> Result<T, FaultError>) -> Result<Vec<T>, FaultError> {
    value.split(',').map(read).collect()
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, FaultError> {
    value.parse().map_err(|_| FaultError(format!("{name} cannot be {value}")))
}

fn status(name: &str, value: &str) -> Result<u16, FaultError> {
    let status = number(name, value)?;
    // What lies below is not a final answer, what lies above no server may send.
    if (200..1000).contains(&status) { Ok(status) } else { Err(FaultError(format!("{name} cannot be {value}"))) }
}

fn time(name: &str, value: &str) -> Result<Duration, FaultError> {
    span::read(value)
        .ok_or_else(|| FaultError(format!("{name}: {value} is no length of time such as 500ms, 7s or 25h")))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Word { name, value }) in self.words().into_iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            match value {
                Some(value) => {
                    let between = if PLACED.contains(&name) { '@' } else { '=' };
                    write!(f, "{space}{name}{between}{}", quoted(&value))?;
                }
                None => write!(f, "{space}{name}")?,
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
        let words = self.words();
        let mut map = serializer.serialize_map(Some(words.len()))?;
        for Word { name, value } in words {
            match value {
                None => map.serialize_entry(name, &true)?,
                Some(_) if name == "p" => map.serialize_entry(name, &self.chance.map(Chance::get))?,
                Some(value) => match value.parse::<u64>() {
                    // Only where nothing of the spelling is lost.
                    Ok(number) if number.to_string() == value => map.serialize_entry(name, &number)?,
                    _ => map.serialize_entry(name, &value)?,
                },
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
