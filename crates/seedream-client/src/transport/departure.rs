//! Whether the body of a request has begun to leave.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU8, Ordering},
};

use super::{deadline::SendBefore, error::Reached};

/// Tells while a request is under way whether its body has begun to leave, so that a deadline that strikes before the
/// connection is made costs nothing.
///
/// Without a word from the transport a request counts as sent.
#[derive(Clone, Debug, Default)]
pub struct Departure(Arc<SendProgress>);

#[derive(Debug, Default)]
struct SendProgress {
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
        Self(Arc::new(SendProgress { before, ..SendProgress::default() }))
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
}
