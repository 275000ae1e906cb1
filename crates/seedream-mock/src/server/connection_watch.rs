//! How long a connection may keep the mock waiting. By the machine's time: a clock that is moved closes no connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::settings::Settings;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of a request.
    Request,
    /// The rest of its head.
    Head,
    /// The next bytes of its body.
    Body,
    /// The mock: the response is made, delayed, stalled, or is not taken by the client yet.
    Response,
    /// The mock: hyper has the whole response, whose last bytes are still to be written.
    Rest,
}

const PHASES: [Phase; 5] = [Phase::Request, Phase::Head, Phase::Body, Phase::Response, Phase::Rest];

/// The bits of a phase in a state; the milliseconds since the connection was opened are above them.
const BITS: u32 = 3;

/// What a connection waits for, and since when. Clones are of the same connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionWatch(Arc<WatchState>);

#[derive(Debug)]
struct WatchState {
    opened: Instant,
    /// No order with other memory matters.
    state: AtomicU64,
    /// The requests whose responses are not complete.
    pending: AtomicUsize,
    /// Whether requests overlap, as in HTTP/2: then the phases are that of a request, and that of a response while any is pending.
    is_multiplexed: AtomicBool,
}

/// One request of a connection, from its head to the end of its response.
#[derive(Debug)]
pub(crate) struct RequestWatch(ConnectionWatch);

impl Drop for RequestWatch {
    fn drop(&mut self) {
        self.0.made();
    }
}

/// How long the mock waits for a client; zero is without a limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitLimits {
    head: Duration,
    idle: Duration,
}

impl WaitLimits {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { head: settings.head_timeout, idle: settings.idle_timeout }
    }

    fn limit(self, phase: Phase) -> Option<Duration> {
        let limit = match phase {
            Phase::Head => self.head,
            Phase::Request | Phase::Body => self.idle,
            Phase::Response | Phase::Rest => Duration::ZERO,
        };
        (!limit.is_zero()).then_some(limit)
    }
}

impl ConnectionWatch {
    /// A connection that has just been opened.
    pub(crate) fn new() -> Self {
        Self(Arc::new(WatchState {
            opened: Instant::now(),
            state: AtomicU64::new(Phase::Request as u64),
            pending: AtomicUsize::new(0),
            is_multiplexed: AtomicBool::new(false),
        }))
    }

    /// The handshake is complete, and requests may follow.
    #[cfg(feature = "tls")]
    pub(crate) fn opened(&self) {
        self.enter(Phase::Request);
    }

    /// Requests overlap.
    #[cfg(feature = "tls")]
    pub(crate) fn multiplexes(&self) {
        self.0.is_multiplexed.store(true, Ordering::Relaxed);
    }

    /// Bytes of the client arrived.
    pub(crate) fn received(&self) {
        match self.state().0 {
            Phase::Request if self.is_multiplexed() => self.enter(Phase::Request),
            Phase::Request => self.enter(Phase::Head),
            Phase::Body => self.enter(Phase::Body),
            Phase::Head | Phase::Response | Phase::Rest => {}
        }
    }

    /// The head of a request is complete, and its body is read.
    pub(crate) fn reads_body(&self) -> RequestWatch {
        self.0.pending.fetch_add(1, Ordering::Relaxed);
        if !self.is_multiplexed() {
            self.set(Phase::Body, self.state().1);
        }
        RequestWatch(self.clone())
    }

    /// The request is complete, and the response is made.
    pub(crate) fn responds(&self) {
        if !self.is_multiplexed() {
            self.set(Phase::Response, self.state().1);
        }
    }

    /// Nothing of a response is left to be made.
    fn made(&self) {
        self.0.pending.fetch_sub(1, Ordering::Relaxed);
        if self.is_multiplexed() {
            self.enter(Phase::Request);
        } else {
            self.set(Phase::Rest, self.state().1);
        }
    }

    fn is_multiplexed(&self) -> bool {
        self.0.is_multiplexed.load(Ordering::Relaxed)
    }

    /// All bytes so far are written.
    pub(crate) fn flushed(&self) {
        if self.state().0 == Phase::Rest {
            self.enter(Phase::Request);
        }
    }

    /// Waits until the client has kept the mock waiting for too long.
    pub(crate) async fn overdue(&self, limits: WaitLimits) {
        // What begins after a look is due no earlier than the shortest limit after it.
        let Some(shortest) = [Phase::Head, Phase::Request].into_iter().filter_map(|phase| limits.limit(phase)).min()
        else {
            return std::future::pending().await;
        };
        loop {
            let (phase, since) = self.state();
            let due = limits.limit(phase).map(|limit| self.0.opened + Duration::from_millis(since) + limit);
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                return;
            }
            let next = now + shortest;
            sleep_until(due.map_or(next, |due| due.min(next))).await;
        }
    }

    fn state(&self) -> (Phase, u64) {
        let state = self.0.state.load(Ordering::Relaxed);
        let phase = (state & ((1 << BITS) - 1)) as usize;
        let phase = PHASES.get(phase).copied().unwrap_or(Phase::Request);
        let is_pending = self.is_multiplexed() && self.0.pending.load(Ordering::Relaxed) > 0;
        (if is_pending { Phase::Response } else { phase }, state >> BITS)
    }

    fn enter(&self, phase: Phase) {
        self.set(phase, u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX >> BITS));
    }

    fn set(&self, phase: Phase, since: u64) {
        self.0.state.store(since << BITS | phase as u64, Ordering::Relaxed);
    }
}
