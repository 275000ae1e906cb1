//! How bytes travel, and what is known of a request that failed on the way.

#[cfg(feature = "reqwest")]
mod body;
#[cfg(feature = "reqwest")]
mod environment;
#[cfg(feature = "reqwest")]
pub(crate) mod reqwest;
#[cfg(feature = "reqwest")]
mod tls;

use std::{
    error::Error as StdError,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use seedream_core::{Error, ErrorKind};

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;

/// The body of an answer, as it arrives.
pub type AnswerBody = UnsyncBoxBody<Bytes, TransportError>;

/// Sends one HTTP request once.
///
/// An implementation must send at most once whatever happens: no retry, and no redirect followed. It sets no time limit on
/// the answer, since the caller drops the future when the time is up.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request with an absolute URI and all its headers, credential included, and returns the head of the answer.
    ///
    /// [`Departure`] is among the request's extensions; an implementation that knows when the body leaves should use it.
    ///
    /// # Errors
    /// [`Reached`] says whether the request can have reached anybody.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<AnswerBody>, TransportError>;
}

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reached {
    /// Not a byte of its body was taken by a connection: sending it again cannot buy twice.
    NotSent,
    /// It may have arrived.
    Sent,
}

/// A request or an answer that was lost on the way.
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

/// Tells while a request is under way whether its body has begun to leave, so that a deadline that strikes before the
/// connection is made costs nothing.
///
/// Without a word from the transport a request counts as sent.
#[derive(Clone, Debug, Default)]
pub struct Departure(Arc<Stage>);

#[derive(Debug, Default)]
struct Stage {
    reached: AtomicU8,
    proxy: OnceLock<String>,
}

const UNWATCHED: u8 = 0;
const WAITING: u8 = 1;
const LEFT: u8 = 2;

impl Departure {
    /// Promises that [`Departure::left`] will be called before the first byte of the body leaves.
    pub fn watch(&self) {
        // Only from "unwatched": what has left stays so.
        let _ = self.0.reached.compare_exchange(UNWATCHED, WAITING, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// The body begins to leave.
    pub fn left(&self) {
        self.0.reached.store(LEFT, Ordering::SeqCst);
    }

    /// Says through which proxy the request goes, such as `the proxy http://10.0.0.1:3128 of HTTPS_PROXY`, without a password. An
    /// error that the transport does not see, since the time is up before, names it.
    pub fn through(&self, proxy: impl Into<String>) {
        // The first that is said stays: one request goes one way.
        let _ = self.0.proxy.set(proxy.into());
    }

    /// Through which proxy the request goes, where the transport has said so.
    pub fn proxy(&self) -> Option<&str> {
        self.0.proxy.get().map(String::as_str)
    }

    /// How far the request came.
    pub fn reached(&self) -> Reached {
        if self.0.reached.load(Ordering::SeqCst) == WAITING { Reached::NotSent } else { Reached::Sent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_watched_body_that_waits_was_not_sent() {
        let departure = Departure::default();
        assert_eq!(departure.reached(), Reached::Sent);
        departure.watch();
        assert_eq!(departure.clone().reached(), Reached::NotSent);
        departure.clone().left();
        assert_eq!(departure.reached(), Reached::Sent);
        departure.watch();
        assert_eq!(departure.reached(), Reached::Sent);
    }

    #[test]
    fn an_error_names_its_innermost_cause_and_keeps_the_chain() {
        let inner = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "refused");
        let outer = TransportError::new(Reached::NotSent, "tcp").with_source(inner);
        let error = Error::from(TransportError::new(Reached::NotSent, "could not connect").with_source(outer));
        assert_eq!(error.message(), "could not connect: refused");
        assert!(error.source().is_some_and(|source| source.source().is_some()));
    }
}
