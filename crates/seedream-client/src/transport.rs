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

use crate::SendBefore;

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;

/// The body of a response, as it arrives.
pub type ResponseBody = UnsyncBoxBody<Bytes, TransportError>;

/// Sends one HTTP request once.
///
/// An implementation must send at most once whatever happens: no retry, and no redirect followed. It sets no time limit on
/// the response, since the caller drops the future when the time is up.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request with an absolute URI and all its headers, credential included, and returns the head of the response.
    ///
    /// [`Departure`] is among the request's extensions; an implementation that knows when the body leaves should use it.
    ///
    /// # Errors
    /// [`Reached`] says whether the request can have reached anybody.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError>;
}

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
    before: Option<SendBefore>,
}

const UNWATCHED: u8 = 0;
const WAITING: u8 = 1;
const LEFT: u8 = 2;
const FORBIDDEN: u8 = 3;

impl Departure {
    /// A departure that must be before a moment.
    pub(crate) fn before(before: Option<SendBefore>) -> Self {
        Self(Arc::new(Stage { before, ..Stage::default() }))
    }

    /// By when it must leave.
    pub(crate) fn must_leave_by(&self) -> Option<tokio::time::Instant> {
        self.0.before.map(|before| before.instant())
    }

    /// Promises that [`Departure::leave`] will be called before the first byte of the body leaves.
    pub fn watch(&self) {
        // Only from "unwatched": what has left stays so.
        let _ = self.0.reached.compare_exchange(UNWATCHED, WAITING, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Whether the body may begin to leave; it counts as sent then. `false` where it is too late, as the record of the attempt says, or
    /// where the caller has given the attempt up: then not a byte of it may leave.
    ///
    /// A process that is stopped between this look and the write sends late all the same: no clock can prevent that.
    #[must_use]
    pub fn leave(&self) -> bool {
        if self.0.before.is_some_and(|before| before.has_passed()) {
            self.forbid();
        }
        let leave = |now| (now != FORBIDDEN).then_some(LEFT);
        self.0.reached.fetch_update(Ordering::SeqCst, Ordering::SeqCst, leave).is_ok()
    }

    /// Gives the attempt up where its body is watched and has not left; whether that came in time.
    pub(crate) fn forbid(&self) -> bool {
        let forbid = |now| matches!(now, WAITING | FORBIDDEN).then_some(FORBIDDEN);
        self.0.reached.fetch_update(Ordering::SeqCst, Ordering::SeqCst, forbid).is_ok()
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
        match self.0.reached.load(Ordering::SeqCst) {
            WAITING | FORBIDDEN => Reached::NotSent,
            _ => Reached::Sent,
        }
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
        assert!(departure.clone().leave());
        assert_eq!(departure.reached(), Reached::Sent);
        departure.watch();
        assert_eq!(departure.reached(), Reached::Sent);
        assert!(!departure.forbid(), "it has left");
    }

    #[test]
    fn a_body_that_is_too_late_does_not_leave() {
        let given_up = Departure::default();
        assert!(!given_up.forbid(), "nothing is known of a body that is not watched");
        given_up.watch();
        assert!(given_up.forbid() && given_up.forbid() && !given_up.leave());
        assert_eq!(given_up.reached(), Reached::NotSent);
        let late = Departure::before(Some(SendBefore::after(std::time::Duration::ZERO)));
        late.watch();
        assert!(!late.leave());
        assert_eq!(late.reached(), Reached::NotSent);
        let early = Departure::before(Some(SendBefore::after(std::time::Duration::from_secs(3600))));
        early.watch();
        assert!(early.leave());
        assert_eq!(early.reached(), Reached::Sent);
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
