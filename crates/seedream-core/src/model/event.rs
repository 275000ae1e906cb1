//! Events during a request.

use crate::{ErrorKind, GeneratedImage, Generation, ImageFailure, Result, Task};

/// An event during a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The request was refused temporarily and is sent again after a wait.
    Retrying {
        /// The number of the next attempt, from 2.
        attempt: u32,
        /// The wait before it.
        wait: std::time::Duration,
        /// The reason.
        kind: ErrorKind,
    },
    /// The request was accepted as a task; from now on the task can be resumed.
    Submitted(Task),
    /// The task is running.
    Progress {
        /// The provider's status word.
        status: String,
        /// Percentage, if the provider states it.
        percent: Option<u8>,
    },
    /// An image arrived.
    Image(GeneratedImage),
    /// An image failed; others may follow.
    ImageFailed(ImageFailure),
    /// The request has ended.
    Finished(Generation),
}

impl Event {
    /// The event of one outcome.
    pub(crate) fn of(outcome: Result<GeneratedImage, ImageFailure>) -> Self {
        outcome.map_or_else(Self::ImageFailed, Self::Image)
    }
}
