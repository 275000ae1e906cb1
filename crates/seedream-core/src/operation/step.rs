//! Outputs of an operation.

use std::time::Duration;

use bytes::Bytes;

use super::Record;
use crate::{Event, Generation, Result};

/// The result of one input: events, a record, and the next thing to do.
#[derive(Debug)]
pub struct Step {
    /// Events to report to the caller first.
    pub events: Vec<Event>,
    /// The record to store, for another process, before `then` is done.
    pub record: Option<Record>,
    /// The next thing to do.
    pub then: Then,
}

/// The next thing to do.
#[derive(Debug)]
pub enum Then {
    /// Send this exchange and report the result. Boxed, since thousands of tasks may wait without one.
    Send(Box<Exchange>),
    /// Continue to read the stream.
    Read,
    /// Continue to read the stream until this moment, then report [`Input::Woke`](crate::Input::Woke): the stream is complete.
    ReadUntil(Duration),
    /// Continue the exchange or the stream in progress. Only [`Input::Cancelled`](crate::Input::Cancelled) leads to this, since it is
    /// the only input that occurs during an exchange.
    Continue,
    /// Wait until this moment and report [`Input::Woke`](crate::Input::Woke).
    WaitUntil(Duration),
    /// The operation has ended.
    Done(Box<Result<Generation>>),
}

/// A request to send.
#[derive(Debug)]
pub struct Exchange {
    /// Method, path below the base URL, headers and body, without the key.
    pub request: http::Request<Bytes>,
    /// Its purpose.
    pub purpose: Purpose,
    /// Where to send it: 0 is the base URL, the mirrors follow in order ([`Operation::with_mirrors`](crate::Operation::with_mirrors)).
    pub place: usize,
    /// When to give up and report [`Input::Broken`](crate::Input::Broken) with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout).
    pub until: Duration,
}

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A submit, which may be billed.
    Submit,
    /// A poll of a task, which is free.
    Poll,
}
