//! The error that ends a run.

use seedream::Error;

use crate::exit::Exit;

/// An error that ends the run.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// The message for the user.
    pub(crate) message: String,
}

impl Failure {
    /// A usage error, found before anything was sent.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// A failure of the local system.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { exit: Exit::Other, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { exit: Exit::of(&error), message: error.to_string() }
    }
}
