//! Tasks: enough to collect a paid job after a crash.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Generation, ModelId, Result, Usage};

/// The id of a task, checked so that it can stand in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

impl TaskId {
    /// An id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where it is empty, longer than 256 characters, or holds anything but ASCII letters, digits, `-`, `_` and
    /// `.`, or only dots: it comes from a response or a command line and becomes part of a path.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        let safe = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if id.is_empty() || id.len() > 256 || !safe || id.bytes().all(|b| b == b'.') {
            let shown: String = id.chars().take(40).collect();
            let message = format!("`{shown}` is not a task id: letters, digits, `-`, `_` and `.`, at most 256");
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        Ok(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TaskId {
    type Error = Error;

    fn try_from(id: String) -> Result<Self> {
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
    pub provider: String,
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
    pub fn new(provider: impl Into<String>, endpoint: impl Into<String>, id: TaskId, model: ModelId) -> Self {
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

/// What a poll found.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once a request and taken apart at once")]
#[non_exhaustive]
pub enum TaskState {
    /// It is still being made. A status that nobody here knows counts as this.
    Running {
        /// The provider's own word, such as `pending`.
        status: String,
        /// Per cent, where the provider says.
        progress: Option<u8>,
        /// The images that are there already.
        found: Option<Box<Generation>>,
    },
    /// It has ended with images.
    Done(Generation),
    /// It has ended without.
    Failed(Error),
}

impl TaskState {
    /// A task that is still being made and of which no image is there.
    pub fn running(status: impl Into<String>, progress: Option<u8>) -> Self {
        Self::Running { status: status.into(), progress, found: None }
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
