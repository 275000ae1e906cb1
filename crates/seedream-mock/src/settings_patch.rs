//! The part of the settings that may change while the mock runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::settings::{AcceptedContentTypes, CallbackReach, Settings, TaskEnd, Validate};
use crate::time;

/// The settings that may change while the mock runs. A member that is absent does not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SettingsPatch {
    validate: Option<Validate>,
    content_type: Option<AcceptedContentTypes>,
    task: Option<TaskEnd>,
    #[serde(deserialize_with = "whole_seconds")]
    estimated_seconds: Option<u64>,
    callbacks: Option<CallbackReach>,
    #[serde(with = "time::optional_text")]
    slow: Option<Duration>,
}

/// The names of the members of a [`SettingsPatch`].
const CHANGEABLE: [&str; 6] = ["validate", "content_type", "task", "estimated_seconds", "callbacks", "slow"];

impl Settings {
    /// The same settings with a patch applied.
    pub(crate) fn with(&self, patch: &SettingsPatch) -> Self {
        Self {
            validate: patch.validate.unwrap_or(self.validate),
            content_type: patch.content_type.unwrap_or(self.content_type),
            task: patch.task.unwrap_or(self.task),
            estimated_seconds: patch.estimated_seconds.unwrap_or(self.estimated_seconds),
            callbacks: patch.callbacks.unwrap_or(self.callbacks),
            slow: patch.slow.unwrap_or(self.slow),
            ..self.clone()
        }
    }
}

impl SettingsPatch {
    /// The patch that leads to these settings: every member is set.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            validate: Some(settings.validate),
            content_type: Some(settings.content_type),
            task: Some(settings.task),
            estimated_seconds: Some(settings.estimated_seconds),
            callbacks: Some(settings.callbacks),
            slow: Some(settings.slow),
        }
    }

    /// Sets members from JSON; `null` removes a member from the patch.
    ///
    /// # Errors
    /// The member, and what to write instead.
    pub(crate) fn read(self, members: &Map<String, Value>) -> Result<Self, String> {
        let parse = |members: Map<String, Value>| serde_json::from_value::<Self>(members.into());
        let Ok(Value::Object(mut all)) = serde_json::to_value(self) else { return Ok(self) };
        for (name, value) in members {
            if !CHANGEABLE.contains(&name.as_str()) {
                let known = CHANGEABLE.join(", ");
                return Err(format!(
                    "{name}: there is no such setting to change; {known} may change while the mock runs"
                ));
            }
            parse(Map::from_iter([(name.clone(), value.clone())])).map_err(|error| format!("{name}: {error}"))?;
            all.insert(name.clone(), value.clone());
        }
        parse(all).map_err(|error| error.to_string())
    }
}

fn whole_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let wrong = || de::Error::custom(format!("{value} is not a whole number of seconds, such as 5"));
    if value.is_null() { Ok(None) } else { value.as_u64().map(Some).ok_or_else(wrong) }
}

/// The settings of a running mock, with the changes that hold for all sessions.
#[derive(Debug)]
pub(crate) struct SettingsStore {
    initial: Arc<Settings>,
    current: Mutex<(SettingsPatch, Arc<Settings>)>,
}

impl SettingsStore {
    pub(crate) fn new(settings: Settings) -> Self {
        let initial = Arc::new(settings);
        Self { current: Mutex::new((SettingsPatch::default(), initial.clone())), initial }
    }

    /// The settings with which the mock started.
    pub(crate) fn initial(&self) -> &Settings {
        &self.initial
    }

    /// The settings of a session with this patch.
    pub(crate) fn with(&self, patch: &SettingsPatch) -> Arc<Settings> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        if *patch == SettingsPatch::default() { current } else { Arc::new(current.with(patch)) }
    }

    /// Changes the settings of all sessions.
    ///
    /// # Errors
    /// As [`SettingsPatch::read`].
    pub(crate) fn change(&self, members: &Map<String, Value>) -> Result<(), String> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let patch = current.0.read(members)?;
        *current = (patch, Arc::new(self.initial.with(&patch)));
        Ok(())
    }

    /// Takes back every change.
    pub(crate) fn reset(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = (SettingsPatch::default(), self.initial.clone());
    }
}
