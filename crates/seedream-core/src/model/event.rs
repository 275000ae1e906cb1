//! What happens to a request, as it happens.

use crate::{ErrorKind, GeneratedImage, Generation, ImageFailure, Result, Task};

/// Something that happened to a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// It was refused for now and is sent again after a while.
    Retrying {
        /// The attempt that comes next, from 2.
        attempt: u32,
        /// How long from now.
        wait: std::time::Duration,
        /// Why.
        kind: ErrorKind,
    },
    /// It was accepted: from here on it can be collected with this.
    Submitted(Task),
    /// It is being made.
    Progress {
        /// The provider's own word.
        status: String,
        /// Per cent, where the provider says.
        percent: Option<u8>,
    },
    /// An image is there.
    Image(GeneratedImage),
    /// An image failed; others may follow.
    ImageFailed(ImageFailure),
    /// It is over.
    Finished(Generation),
}

impl Event {
    /// The event of one outcome.
    pub(crate) fn of(outcome: Result<GeneratedImage, ImageFailure>) -> Self {
        outcome.map_or_else(Self::ImageFailed, Self::Image)
    }
}
