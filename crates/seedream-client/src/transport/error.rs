//! A request or a response that was lost.

use std::{error::Error as StdError, fmt};

use seedream_core::{Error, ErrorKind};

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reached {
    /// Not a byte of its body was taken by a connection: sending it again cannot buy twice.
    NotSent,
    /// It may have arrived.
    Sent,
}

/// A request or a response that was lost on the way.
pub struct TransportError {
    reached: Reached,
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// A failure of kind [`ErrorKind::Transport`]. The message must hold no key and no query of a URL.
    pub fn new(reached: Reached, message: impl Into<String>) -> Self {
        Self { reached, kind: ErrorKind::Transport, message: message.into(), source: None }
    }

    /// Sets what kind of failure it is: [`ErrorKind::Timeout`], or [`ErrorKind::Config`] where trying again changes nothing.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Appends to the message.
    #[cfg(feature = "reqwest")]
    pub(super) fn adding(mut self, text: &str) -> Self {
        self.message.push_str(text);
        self
    }

    /// How far the request came.
    pub fn reached(&self) -> Reached {
        self.reached
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One sentence that ends in the innermost cause: "connection refused" is what a person can act on.
    pub(crate) fn sentence(&self) -> String {
        let mut root = self.source();
        while let Some(next) = root.and_then(StdError::source) {
            root = Some(next);
        }
        match root.map(ToString::to_string).filter(|cause| *cause != self.message) {
            Some(cause) => format!("{}: {cause}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("reached", &self.reached)
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let message = error.sentence();
        let core = Error::new(error.kind, message);
        match error.source {
            Some(source) => core.with_source(source),
            None => core,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_its_innermost_cause_once_and_keeps_the_chain() {
        let inner = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "connection reset");
        let outer = TransportError::new(Reached::NotSent, "tcp").with_source(inner);
        let error = Error::from(TransportError::new(Reached::NotSent, "could not connect").with_source(outer));
        assert_eq!(error.message(), "could not connect: connection reset");
        assert!(error.cause().is_some_and(|cause| cause.source().is_some_and(|cause| cause.is::<std::io::Error>())));
        // As a reporter prints an error and its sources.
        let mut printed = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            printed += &format!("\ncaused by: {cause}");
            source = cause.source();
        }
        assert_eq!(printed.matches("connection reset").count(), 1, "{printed}");
    }
}
