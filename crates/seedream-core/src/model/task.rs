//! An accepted task: the data to collect it after a crash. What a poll finds is [`TaskState`](crate::TaskState).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ModelId, ProviderId, Timestamp, Usage};

/// The id of a task, validated for use in a URL path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

impl TaskId {
    /// Validates an id.
    ///
    /// # Errors
    /// [`InvalidTaskId`] if the text is empty, longer than 256 characters, contains anything other than ASCII letters, digits, `-`, `_`
    /// and `.`, or only dots: it comes from a response or a command line and becomes part of a path.
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

/// A text that is not a task id; the value has its first 40 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTaskId(String);

impl fmt::Display for InvalidTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a task id: use letters, digits, `-`, `_` and `.`, at most 256 characters", self.0)
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

/// An accepted task of an asynchronous provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// The provider's id.
    pub provider: ProviderId,
    /// The base URL of the endpoint that accepted the task; polls go there.
    pub endpoint: String,
    /// The task's id.
    pub id: TaskId,
    /// Other ids in the response that accepted the task. They are polled if the first is not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_ids: Vec<TaskId>,
    /// The requested model.
    pub model: ModelId,
    /// When the task was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Timestamp>,
    /// The provider's estimate of its duration, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_seconds: Option<u32>,
    /// Whether the provider states that the task can be cancelled. No page documents the request, so `seedream` cannot cancel it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_cancel: Option<bool>,
    /// The amount that the provider has reserved.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
}

impl Task {
    /// Creates a task from its id only.
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
