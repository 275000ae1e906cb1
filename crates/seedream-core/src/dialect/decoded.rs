//! Decoded responses.

use crate::{Error, Generation, TaskId, Timestamp, Usage};

/// The decoded response to a submit.
#[derive(Debug)]
#[non_exhaustive]
pub enum Decoded {
    /// The response contains images.
    Done(Generation),
    /// The request was accepted as a task.
    Accepted(Acceptance),
}

/// The response that accepts a task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Acceptance {
    /// The task's id.
    pub id: TaskId,
    /// Other possible ids of the task, if the response names several.
    pub other_ids: Vec<TaskId>,
    /// The model, as the provider reports it.
    pub reported_model: Option<String>,
    /// When the task was accepted, as the provider states it.
    pub created: Option<Timestamp>,
    /// The provider's estimate of its duration, in seconds.
    pub estimated_seconds: Option<u32>,
    /// Whether the provider states that the task can be cancelled.
    pub can_cancel: Option<bool>,
    /// The reserved amount.
    pub usage: Usage,
}

impl Acceptance {
    /// Creates an acceptance from the id only.
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
            other_ids: Vec::new(),
            reported_model: None,
            created: None,
            estimated_seconds: None,
            can_cancel: None,
            usage: Usage::default(),
        }
    }
}

/// The decoded response to a poll.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once a request and taken apart at once")]
#[non_exhaustive]
pub enum TaskState {
    /// The task is running. An unknown status counts as running.
    Running {
        /// The provider's status word, such as `pending`.
        status: String,
        /// Percentage, if the provider states it.
        progress: Option<u8>,
        /// The provider's estimate of the task's whole duration, in seconds. It replaces an earlier one.
        estimated_seconds: Option<u32>,
        /// The images that are already available.
        found: Option<Box<Generation>>,
    },
    /// The task has ended with images.
    Done(Generation),
    /// The task has ended without images.
    Failed(Error),
}

impl TaskState {
    /// A running task without images and without an estimate.
    pub fn running(status: impl Into<String>, progress: Option<u8>) -> Self {
        Self::Running { status: status.into(), progress, estimated_seconds: None, found: None }
    }
}
