//! How long a connection may keep the mock waiting. By the machine's time: a clock that is moved closes no connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Only the task of the connection reads and writes it, so that no order with other memory matters.
    state: AtomicU64,
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
        Self(Arc::new(WatchState { opened: Instant::now(), state: AtomicU64::new(Phase::Request as u64) }))
    }

    /// Bytes of the client arrived.
    pub(crate) fn received(&self) {
        match self.state().0 {
            Phase::Request => self.enter(Phase::Head),
            Phase::Body => self.enter(Phase::Body),
            Phase::Head | Phase::Response | Phase::Rest => {}
        }
    }

    /// The head is complete, and the body is read.
    pub(crate) fn reads_body(&self) {
        self.set(Phase::Body, self.state().1);
    }

    /// The request is complete, and the response is made.
    pub(crate) fn responds(&self) {
        self.set(Phase::Response, self.state().1);
    }

    /// Nothing of the response is left to be made.
    pub(crate) fn made(&self) {
        self.set(Phase::Rest, self.state().1);
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
        (PHASES.get(phase).copied().unwrap_or(Phase::Request), state >> BITS)
    }

    fn enter(&self, phase: Phase) {
        self.set(phase, u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX >> BITS));
    }

    fn set(&self, phase: Phase, since: u64) {
        self.0.state.store(since << BITS | phase as u64, Ordering::Relaxed);
    }
}
