//! Inputs of an operation.

use crate::{Blobs, Charge, Error, ErrorKind, Response, sse::Frame};

/// What happened. An input that the state does not expect ends the operation with an error that names both.
#[derive(Debug)]
pub enum Input {
    /// The driver starts. This is the first input, and it occurs once.
    Begin,
    /// The request was not sent: no byte of its body left this machine.
    NotSent(Error),
    /// The submit must not be sent, and no byte of it left: the driver's store refused this attempt, or the caller cancelled before
    /// the driver began to send. The operation tries neither a mirror nor a retry.
    Vetoed(Error),
    /// A complete response arrived.
    Response(Response),
    /// A successful event stream has begun; its head, without a body.
    Head(Response),
    /// An event of the stream, with the base64 images that were extracted from it.
    Frame(Frame, Blobs),
    /// The stream has ended.
    StreamEnd,
    /// The exchange failed after the first byte of the body was sent.
    Broken {
        /// The part of the response that arrived, if at least its head did.
        partial: Option<Response>,
        /// The cause.
        error: Error,
    },
    /// The awaited moment has come.
    Woke,
    /// The caller cancels. The driver reports it immediately: the operation keeps an exchange in progress to its end
    /// ([`Then::Continue`](crate::Then::Continue)) and sends nothing more. A second one abandons the exchange in progress.
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

    /// The error for an input that the state does not expect. An input that shows a sent request has charge `unknown`, and the error
    /// keeps the part of the response that arrived.
    pub(super) fn unexpected(self, state: &str) -> Error {
        let name = self.name();
        let message = format!("input `{name}` is not expected in state `{state}`: this is a bug of the driver");
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

/// Appends the text of another error. It is not a source: a driver removes keys from the message only.
pub(super) fn because(error: Error, cause: &Error) -> Error {
    error.adding(": ").adding(cause.message())
}
