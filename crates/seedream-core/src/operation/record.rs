//! What must not be forgotten of an attempt.

use crate::{Charge, ErrorKind, Task};

/// What became of an attempt, which is one submit. It is kept before [`Step::then`](crate::Step::then) is done, so that a process
/// that ends there can be followed by another one that knows it.
///
/// An attempt of which nothing is kept may have been bought. Each one that the operation lives to see the end of has a record: the
/// next one begins only after [`NotSent`](Self::NotSent), or [`Refused`](Self::Refused) with [`Charge::No`]; after any other charge
/// only where [`Policy::resend_ambiguous`](crate::Policy::resend_ambiguous) says so.
#[derive(Debug)]
pub enum Record {
    /// No byte of the request left. Also where the store vetoed the attempt; then there may be nothing to keep it in.
    NotSent,
    /// It ended without an image and without a task: it was refused, it broke off, the caller abandoned it, or its task failed
    /// and is not billed. `charge` is that of this attempt alone. Where it ends the operation, the whole error is in
    /// [`Then::Done`](crate::Then::Done).
    Refused {
        /// What kind of error it was.
        kind: ErrorKind,
        /// What it said.
        message: String,
        /// Whether the attempt may have cost something.
        charge: Charge,
    },
    /// It was accepted as a task. Once this is kept, the task can be collected by another process.
    Accepted {
        /// The task.
        task: Box<Task>,
    },
    /// Images are there, and their links may end soon. They are in [`Step::events`](crate::Step::events), and where they end the
    /// operation, the whole generation is in [`Then::Done`](crate::Then::Done). A stream says this with every image, and once
    /// more at its end.
    Answered,
}
