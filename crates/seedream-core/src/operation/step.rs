//! What an operation says.

use std::time::Duration;

use bytes::Bytes;

use super::Record;
use crate::{Event, Generation, Result};

/// What to do.
#[derive(Debug)]
pub struct Step {
    /// What to tell the caller first.
    pub events: Vec<Event>,
    /// What to keep, where it is to be known to another process, before `then` is done.
    pub record: Option<Record>,
    /// What to do then.
    pub then: Then,
}

/// The next thing to do.
#[derive(Debug)]
pub enum Then {
    /// Send this and report what comes of it. In a box, since thousands of tasks may wait and none of them is being sent.
    Send(Box<Exchange>),
    /// Go on reading the stream.
    Read,
    /// Go on reading the stream until this moment, and report [`Input::Woke`](crate::Input::Woke) then: nothing more is expected.
    ReadUntil(Duration),
    /// Go on with what was being done when the input came: an exchange, or a stream. Only [`Input::Cancelled`](crate::Input::Cancelled)
    /// is answered so, since it comes while something is under way.
    Continue,
    /// Wait until this moment and report [`Input::Woke`](crate::Input::Woke).
    WaitUntil(Duration),
    /// It is over.
    Done(Box<Result<Generation>>),
}

/// A request to send.
#[derive(Debug)]
pub struct Exchange {
    /// Method, path below the base URL, headers and body, without the key.
    pub request: http::Request<Bytes>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where to send it: 0 is the endpoint, the mirrors follow in their order ([`Operation::with_mirrors`](crate::Operation::with_mirrors)).
    pub place: usize,
    /// When to give up and report [`Input::Broken`](crate::Input::Broken) with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout).
    pub until: Duration,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// It buys.
    Submit,
    /// It asks for a task and costs nothing.
    Poll,
}
