//! Tasks: enough to collect a paid job after a crash.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ModelId, ProviderId, Usage};

/// The id of a task, checked so that it can stand in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

impl TaskId {
    /// An id.
    ///
    /// # Errors
    /// [`InvalidTaskId`] where it is empty, longer than 256 characters, or holds anything but ASCII letters, digits, `-`, `_` and
    /// `.`, or only dots: it comes from a response or a command line and becomes part of a path.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidTaskId> {
        let id = id.into();
        let safe = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if id.is_empty() || id.len() > 256 || !safe || id.bytes().all(|b| b == b'.') {
            return Err(InvalidTaskId(id.chars().take(40).collect()));
        }
        Ok(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot be the id of a task; it holds the first 40 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTaskId(String);

impl fmt::Display for InvalidTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a task id: letters, digits, `-`, `_` and `.`, at most 256", self.0)
    }
}

impl std::error::Error for InvalidTaskId {}

impl TryFrom<String> for TaskId {
    type Error = InvalidTaskId;

    fn try_from(id: String) -> Result<Self, InvalidTaskId> {
        Self::new(id)
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An accepted job of an asynchronous provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// The provider's id.
    pub provider: ProviderId,
    /// The base URL at which it was accepted, so that it is asked for at the same place.
    pub endpoint: String,
    /// The task's id.
    pub id: TaskId,
    /// Other ids that the response which accepted it named. Where the first is not known, they are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_ids: Vec<TaskId>,
    /// The model that was asked for.
    pub model: ModelId,
    /// When it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Timestamp>,
    /// How many seconds the provider thinks it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_seconds: Option<u32>,
    /// Whether the provider says that it can be cancelled. How, no page says: `seedream` cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_cancel: Option<bool>,
    /// What the provider has set aside for it.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
}

impl Task {
    /// A task of which only the id is known, as somebody types it on a command line.
    pub fn new(provider: impl Into<ProviderId>, endpoint: impl Into<String>, id: TaskId, model: ModelId) -> Self {
        let (provider, endpoint) = (provider.into(), endpoint.into());
        Self {
            provider,
            endpoint,
            id,
            other_ids: Vec::new(),
            model,
            submitted_at: None,
            estimated_seconds: None,
            can_cancel: None,
            usage: Usage::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_its_path_is_refused() {
        assert!(TaskId::new("task-unified-1757165031-seedream4d").is_ok());
        for id in ["", "..", "a/b", "a?b", "a b", "ä", "%2e", &"x".repeat(257)] {
            assert!(TaskId::new(id).is_err(), "{id}");
            assert!(serde_json::from_value::<TaskId>(id.into()).is_err(), "{id}");
        }
    }

    #[test]
    fn a_task_has_one_stored_form() {
        let mut task = Task::new("evolink", "https://api.evolink.ai", TaskId::new("task-1").unwrap(), "m".into());
        task.submitted_at = Some("2026-11-20T20:00:00Z".parse().unwrap());
        task.estimated_seconds = Some(45);
        let json = serde_json::to_string(&task).unwrap();
        insta::assert_snapshot!(json, @r#"{"provider":"evolink","endpoint":"https://api.evolink.ai","id":"task-1","model":"m","submitted_at":"2026-11-20T20:00:00Z","estimated_seconds":45}"#);
        assert_eq!(serde_json::from_str::<Task>(&json).unwrap(), task);
    }
}
