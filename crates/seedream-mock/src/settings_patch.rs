//! What of the settings may change while the mock runs, for all sessions or for one.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::settings::{Settings, TaskEnd, Validate};
use crate::time;

/// How requests are answered, as far as that may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Conduct {
    #[serde(serialize_with = "word")]
    pub(crate) validate: Validate,
    #[serde(rename = "content_type", serialize_with = "content_type")]
    pub(crate) any_content_type: bool,
    #[serde(serialize_with = "shown")]
    pub(crate) task: TaskEnd,
    pub(crate) estimated_seconds: u64,
    /// Whether a callback may reach only whom the provider's document allows, who is never called from here.
    #[serde(rename = "callbacks", serialize_with = "callbacks")]
    pub(crate) strict_callbacks: bool,
    #[serde(serialize_with = "time")]
    pub(crate) slow: Duration,
}

/// What differs from the settings: nothing, where a member is not set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SettingsPatch {
    validate: Option<Validate>,
    any_content_type: Option<bool>,
    task: Option<TaskEnd>,
    estimated_seconds: Option<u64>,
    strict_callbacks: Option<bool>,
    slow: Option<Duration>,
}

impl Conduct {
    /// What the settings say.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            validate: settings.validate,
            any_content_type: settings.any_content_type,
            task: settings.task,
            estimated_seconds: settings.estimated_seconds,
            strict_callbacks: settings.strict_callbacks,
            slow: settings.slow,
        }
    }

    /// The same where nothing differs.
    pub(crate) fn with(self, change: SettingsPatch) -> Self {
        Self {
            validate: change.validate.unwrap_or(self.validate),
            any_content_type: change.any_content_type.unwrap_or(self.any_content_type),
            task: change.task.unwrap_or(self.task),
            estimated_seconds: change.estimated_seconds.unwrap_or(self.estimated_seconds),
            strict_callbacks: change.strict_callbacks.unwrap_or(self.strict_callbacks),
            slow: change.slow.unwrap_or(self.slow),
        }
    }
}

impl SettingsPatch {
    /// Reads what a user wants changed: members of these names, `null` for what the settings say.
    ///
    /// # Errors
    /// The member, its rule, and what to write.
    pub(crate) fn read(mut self, members: &Map<String, Value>) -> Result<Self, String> {
        for (name, value) in members {
            match name.as_str() {
                "validate" => self.validate = read(name, value, str::parse)?,
                "content_type" => self.any_content_type = read(name, value, read_content_type)?,
                "task" => self.task = read(name, value, str::parse)?,
                "callbacks" => self.strict_callbacks = read(name, value, read_callbacks)?,
                "slow" => self.slow = read(name, value, read_time)?,
                "estimated_seconds" => {
                    let whole = value.is_null() || value.is_u64();
                    let wrong = || format!("estimated_seconds: {value} is no whole number of seconds, such as 5");
                    self.estimated_seconds = whole.then(|| value.as_u64()).ok_or_else(wrong)?;
                }
                _ => return Err(format!("{name}: there is no such setting to change; {CHANGEABLE}")),
            }
        }
        Ok(self)
    }
}

/// What may be changed.
const CHANGEABLE: &str =
    "validate, content_type, task, estimated_seconds, callbacks and slow may change while the mock runs";

fn read<T>(name: &str, value: &Value, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => read(text).map(Some).map_err(|error| format!("{name}: {error}")),
        other => Err(format!("{name}: {other} is no text")),
    }
}

fn read_time(text: &str) -> Result<Duration, String> {
    time::read(text).ok_or_else(|| format!("`{text}` is no length of time such as 500ms, 5s or 1h30m"))
}

fn read_callbacks(text: &str) -> Result<bool, String> {
    match text {
        "loopback" => Ok(false),
        "strict" => Ok(true),
        _ => Err(format!("`{text}` is neither loopback nor strict")),
    }
}

fn read_content_type(text: &str) -> Result<bool, String> {
    match text {
        "json" => Ok(false),
        "any" => Ok(true),
        _ => Err(format!("`{text}` is neither json nor any")),
    }
}

fn word<S: Serializer>(validate: &Validate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(validate.as_str())
}

fn shown<S: Serializer>(end: &TaskEnd, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(end)
}

fn content_type<S: Serializer>(any: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *any { "any" } else { "json" })
}

fn callbacks<S: Serializer>(strict: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *strict { "strict" } else { "loopback" })
}

fn time<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time::write(*time))
}
