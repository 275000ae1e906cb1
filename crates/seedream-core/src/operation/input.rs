//! What an operation is told.

use crate::{Blobs, Error, Reply, sse::Frame};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The driver is ready. The first input, once.
    Begin,
    /// The request could not be sent: no byte of its body left this machine.
    NotSent(Error),
    /// An answer arrived whole.
    Reply(Reply),
    /// A successful answer has begun that is a stream of events; its head, without a body.
    Head(Reply),
    /// An event of that stream, with the pictures that were lifted out of it.
    Frame(Frame, Blobs),
    /// That stream has ended.
    StreamEnd,
    /// The exchange broke after the body had begun to leave: what had arrived of the answer, and why.
    Broken {
        /// What had arrived, if at least a head had.
        partial: Option<Reply>,
        /// Why.
        error: Error,
    },
    /// The time that was waited for has come.
    Woke,
    /// The caller wants no more.
    Cancelled,
}
