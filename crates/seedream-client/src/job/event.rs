//! What happens to a job.

use std::time::Duration;

use seedream_core::{ErrorKind, GeneratedImage, ImageFailure, StoredError, Task};

use super::outcome::{JobError, Outcome};
use crate::output::SavedImage;

/// Something that happens to a job.
#[expect(clippy::large_enum_variant, reason = "one lives at a time, and is taken apart by a match")]
#[derive(Debug)]
#[non_exhaustive]
pub enum JobEvent {
    /// The request was refused for now and is sent again after a while.
    Retrying {
        /// The attempt that comes next, from 2.
        attempt: u32,
        /// How long from now.
        wait: Duration,
        /// Why.
        kind: ErrorKind,
    },
    /// The provider accepted the request as a task.
    Accepted {
        /// The task.
        task: Task,
        /// The record in which it stands; `None` where there is none.
        record: Option<String>,
    },
    /// The task is being worked on.
    Progress {
        /// The provider's own word.
        status: String,
        /// Per cent, where the provider says.
        percent: Option<u8>,
    },
    /// The job is cancelled, and waits for the response to a POST that is under way, which may be billed. Cancelling once more gives it
    /// up.
    Waiting,
    /// An image came. A job with an output fetches and saves it next.
    Image(GeneratedImage),
    /// An image was saved.
    Saved(SavedImage),
    /// An image was not made, or was made and not saved: then the failure has its URL.
    Failed(ImageFailure),
    /// Something could not be recorded. The job continues, and sends no other POST.
    NotRecorded(StoredError),
    /// The job is over.
    Ended(Box<Result<Outcome, JobError>>),
}
