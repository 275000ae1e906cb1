//! What a response means.

use crate::{Error, Generation, TaskId, Timestamp, Usage};

/// What a response to a submitted request means.
#[derive(Debug)]
#[non_exhaustive]
pub enum Decoded {
    /// The images are here.
    Done(Generation),
    /// The job was accepted and is to be collected.
    Accepted(Acceptance),
}

/// What a provider says when it accepts a job.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Acceptance {
    /// The task's id.
    pub id: TaskId,
    /// Other ids that may be the task's, where the response names several.
    pub other_ids: Vec<TaskId>,
    /// The model that the provider says it uses.
    pub reported_model: Option<String>,
    /// When the provider says it accepted it.
    pub created: Option<Timestamp>,
    /// How many seconds the provider thinks it takes.
    pub estimated_seconds: Option<u32>,
    /// Whether the provider says that it can be cancelled.
    pub can_cancel: Option<bool>,
    /// What is set aside for it.
    pub usage: Usage,
}

impl Acceptance {
    /// An acceptance of which only the id is known.
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
