//! What an operation is told.

use crate::{Blobs, Charge, Error, ErrorKind, Response, sse::Frame};

/// What happened. One that the operation does not expect ends it with an error that names it and the state.
#[derive(Debug)]
pub enum Input {
    /// The driver is ready. The first input, once.
    Begin,
    /// The request could not be sent: no byte of its body left this machine.
    NotSent(Error),
    /// The submit must not be sent, and no byte of it left: the driver's own store refused this attempt, or the caller cancelled before
    /// the driver had begun to send it. It is not sent elsewhere or again.
    Vetoed(Error),
    /// A response arrived whole.
    Response(Response),
    /// A successful response has begun that is a stream of events; its head, without a body.
    Head(Response),
    /// An event of that stream, with the images that were lifted out of it.
    Frame(Frame, Blobs),
    /// That stream has ended.
    StreamEnd,
    /// The exchange broke after the body had begun to leave: what had arrived of the response, and why.
    Broken {
        /// What had arrived, if at least a head had.
        partial: Option<Response>,
        /// Why.
        error: Error,
    },
    /// The time that was waited for has come.
    Woke,
    /// The caller wants no more. It is told at once, whatever is under way: a paid request is waited for and a stream is read to its
    /// end ([`Then::Continue`](crate::Then::Continue)), and nothing is sent any more. A second one abandons what is under way.
    Cancelled,
}

impl Input {
    fn name(&self) -> &'static str {
        match self {
            Self::Begin => "Begin",
            Self::NotSent(_) => "NotSent",
            Self::Vetoed(_) => "Vetoed",
            Self::Response(_) => "Response",
            Self::Head(_) => "Head",
            Self::Frame(..) => "Frame",
            Self::StreamEnd => "StreamEnd",
            Self::Broken { .. } => "Broken",
            Self::Woke => "Woke",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The error of an input that its state does not expect. One that tells of a request that left is not free, and what had
    /// arrived stays with the error.
    pub(super) fn unexpected(self, state: &str) -> Error {
        let name = self.name();
        let message = format!("`{name}` came in state `{state}`, which does not expect it: the driver is wrong");
        let error = Error::new(ErrorKind::Config, message);
        match self {
            Self::Begin | Self::Woke | Self::Cancelled => error,
            Self::NotSent(cause) | Self::Vetoed(cause) => because(error, &cause),
            Self::Response(response) | Self::Head(response) => {
                error.with_charge(Charge::Unknown).with_body(response.body)
            }
            Self::Frame(frame, _) => error.with_charge(Charge::Unknown).with_body(frame.data.into()),
            Self::StreamEnd => error.with_charge(Charge::Unknown),
            Self::Broken { partial, error: cause } => {
                let body = partial.map(|partial| partial.body).unwrap_or_default();
                because(error, &cause).with_charge(Charge::Unknown).with_body(body)
            }
        }
    }
}

/// Adds what another error says. It is no source: a driver takes keys out of the message alone.
pub(super) fn because(error: Error, cause: &Error) -> Error {
    error.adding(": ").adding(cause.message())
}
