//! The durable record of an attempt.

use crate::{Charge, ErrorKind, Task};

/// The result of one attempt (one submit). The driver stores it before it does [`Step::then`](crate::Step::then), so that another
/// process can continue after a crash.
///
/// An attempt without a record may have been billed. Every attempt that ends while the operation runs has one. The next attempt begins
/// only after [`NotSent`](Self::NotSent), or [`Refused`](Self::Refused) with [`Charge::No`]; after any other charge only under
/// [`Policy::resend_ambiguous`](crate::Policy::resend_ambiguous).
#[derive(Debug)]
pub enum Record {
    /// No byte of the request was sent. Also after a veto of the store; then it may be impossible to store this record.
    NotSent,
    /// The attempt ended without image and task: refused, interrupted, abandoned by the caller, or its task failed without a charge.
    /// `charge` is that of this attempt only. If the operation ends too, [`Then::Done`](crate::Then::Done) has the whole error.
    Refused {
        /// The kind of error.
        kind: ErrorKind,
        /// The message of the error.
        message: String,
        /// Whether the attempt may have been billed.
        charge: Charge,
    },
    /// The attempt was accepted as a task. Once this is stored, another process can collect the task.
    Accepted {
        /// The task.
        task: Box<Task>,
    },
    /// Images arrived; their URLs may expire soon. [`Step::events`](crate::Step::events) has them; if the operation ends,
    /// [`Then::Done`](crate::Then::Done) has the whole generation. A stream repeats this record with every image and at its end.
    Answered,
}
