//! The mock's clock: the machine's, or one that a test stops, sets and moves. Everything that waits, waits on it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::time::{later, timestamp};

/// The clock of a mock or of a session. Clones are the same clock.
///
/// A mock has one, and each of its sessions has one that follows it until it is moved
/// ([`crate::MockSession::clock`]).
#[derive(Debug, Clone)]
pub struct Clock(Arc<ClockState>);

#[derive(Debug)]
struct ClockState {
    /// Whether the mode may be other than [`ClockMode::RESET`]. Few clocks are ever changed, and all are read all the time.
    moved: AtomicBool,
    mode: Mutex<ClockMode>,
    /// The clock that it follows while it runs; `None` is the machine's.
    base: Option<Clock>,
    /// Sent whenever the clock is changed, so that waiting tasks check again.
    changed: watch::Sender<()>,
    /// How many tasks wait.
    waiting: watch::Sender<usize>,
}

#[derive(Debug, Clone, Copy)]
enum ClockMode {
    /// How far it is ahead of the clock that it follows.
    Running {
        ahead: SignedDuration,
    },
    Stopped(Timestamp),
}

impl Clock {
    /// The machine's time.
    pub fn real() -> Self {
        Self::with(ClockMode::RESET, None)
    }

    /// A clock that shows `at` until it is moved.
    pub fn stopped(at: impl Into<SystemTime>) -> Self {
        Self::with(ClockMode::Stopped(timestamp(at.into())), None)
    }

    /// A clock that follows this one until it is moved.
    pub(crate) fn child(&self) -> Self {
        Self::with(ClockMode::RESET, Some(self.clone()))
    }

    fn with(mode: ClockMode, base: Option<Self>) -> Self {
        let (changed, waiting) = (watch::Sender::new(()), watch::Sender::new(0));
        let moved = AtomicBool::new(!matches!(mode, ClockMode::Running { ahead } if ahead.is_zero()));
        Self(Arc::new(ClockState { moved, mode: Mutex::new(mode), base, changed, waiting }))
    }

    /// The time it shows.
    pub fn now(&self) -> SystemTime {
        self.timestamp().into()
    }

    /// The time it shows, in the engine's form.
    pub(crate) fn timestamp(&self) -> Timestamp {
        self.show(self.mode())
    }

    /// Whether it shows the same time until it is moved.
    pub fn is_stopped(&self) -> bool {
        match self.mode() {
            ClockMode::Stopped(_) => true,
            ClockMode::Running { .. } => self.0.base.as_ref().is_some_and(Self::is_stopped),
        }
    }

    /// Moves it forward; a running clock keeps running.
    pub fn advance(&self, by: Duration) {
        let signed = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.change(|mode| match mode {
            ClockMode::Running { ahead } => *ahead = ahead.saturating_add(signed),
            ClockMode::Stopped(at) => *at = later(*at, by),
        });
    }

    /// Stops it at a time.
    pub fn set(&self, at: impl Into<SystemTime>) {
        let at = timestamp(at.into());
        self.change(|mode| *mode = ClockMode::Stopped(at));
    }

    /// Stops it at its present time.
    pub fn stop(&self) {
        self.change(|mode| *mode = ClockMode::Stopped(self.show(*mode)));
    }

    /// Lets it run from its present time.
    pub fn run(&self) {
        self.change(|mode| *mode = ClockMode::Running { ahead: self.show(*mode).duration_since(self.base()) });
    }

    /// Undoes every move: a session's clock shows the mock's time again, the mock's clock the machine's.
    pub fn reset(&self) {
        self.change(|mode| *mode = ClockMode::RESET);
    }

    /// Waits until it shows `at` or later. A stopped clock has to be moved for that.
    pub async fn sleep_until(&self, at: impl Into<SystemTime>) {
        self.sleep_until_timestamp(timestamp(at.into())).await;
    }

    async fn sleep_until_timestamp(&self, at: Timestamp) {
        if self.timestamp() >= at {
            return;
        }
        let _sleeper = WaitGuard::new(&self.0.waiting);
        let mut changed = self.0.changed.subscribe();
        loop {
            changed.mark_unchanged();
            // Read after the mark: a change in between is either seen here or wakes below.
            let mode = self.mode();
            if self.show(mode) >= at {
                return;
            }
            // The sender lives as long as this clock.
            match mode {
                ClockMode::Stopped(_) => drop(changed.changed().await),
                ClockMode::Running { ahead } => tokio::select! {
                    _ = changed.changed() => {}
                    () = self.base_shows(at, ahead) => {}
                },
            }
        }
    }

    /// Waits for a while on this clock.
    pub async fn sleep(&self, time: Duration) {
        if !time.is_zero() {
            self.sleep_until_timestamp(later(self.timestamp(), time)).await;
        }
    }

    /// Waits until at least this many responses, callbacks and other tasks wait on this clock: the moment to move a stopped
    /// one. A task that waits on a session's clock waits on the mock's too, unless the session's clock is stopped by itself.
    pub async fn until_waiting(&self, sleepers: usize) {
        // The sender lives as long as this clock.
        drop(self.0.waiting.subscribe().wait_for(|waiting| *waiting >= sleepers).await);
    }

    /// Waits until the clock that it follows is at the time at which this clock shows `at`.
    fn base_shows(&self, at: Timestamp, ahead: SignedDuration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let at = at.checked_sub(ahead).unwrap_or(Timestamp::MAX);
            match &self.0.base {
                Some(base) => base.sleep_until_timestamp(at).await,
                None => {
                    let left = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
                    tokio::time::sleep(left).await;
                }
            }
        })
    }

    /// The time of the clock that it follows.
    fn base(&self) -> Timestamp {
        self.0.base.as_ref().map_or_else(Timestamp::now, Self::timestamp)
    }

    fn show(&self, mode: ClockMode) -> Timestamp {
        match mode {
            ClockMode::Running { ahead } => {
                let end = if ahead.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
                self.base().checked_add(ahead).unwrap_or(end)
            }
            ClockMode::Stopped(at) => at,
        }
    }

    fn mode(&self) -> ClockMode {
        if !self.0.moved.load(Ordering::Acquire) {
            return ClockMode::RESET;
        }
        *self.0.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, work: impl FnOnce(&mut ClockMode)) {
        // Set before the change: a reader in between takes the lock.
        self.0.moved.store(true, Ordering::Release);
        work(&mut self.0.mode.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.send_replace(());
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl ClockMode {
    /// The mode of a clock that was never moved.
    const RESET: Self = Self::Running { ahead: SignedDuration::ZERO };
}

/// Counts a waiting task for as long as the guard lives.
struct WaitGuard<'a>(&'a watch::Sender<usize>);

impl<'a> WaitGuard<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_moved() {
        let clock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let twin = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(twin.timestamp().as_second(), 5);
        twin.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.timestamp().as_second(), 0);
    }

    #[test]
    fn a_running_clock_can_be_ahead_and_behind() {
        let clock = Clock::real();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.timestamp() > Timestamp::now() && !clock.is_stopped());
        clock.set(Timestamp::UNIX_EPOCH);
        clock.run();
        assert!(clock.timestamp().as_second() < 3600 && !clock.is_stopped());
        clock.stop();
        assert!(clock.is_stopped() && clock.now() == clock.now());
    }

    #[tokio::test]
    async fn a_stopped_clock_wakes_a_waiter_when_it_reaches_its_time() {
        let clock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(10)).await }
        });
        clock.until_waiting(1).await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished(), "a second is missing");
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
        clock.sleep_until(Timestamp::UNIX_EPOCH).await;
        clock.sleep(Duration::ZERO).await;
    }

    #[tokio::test]
    async fn a_stopped_clock_that_runs_again_wakes_by_itself() {
        let clock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_millis(1)).await }
        });
        clock.until_waiting(1).await;
        clock.run();
        sleeper.await.unwrap();
    }

    #[tokio::test]
    async fn a_clock_that_goes_with_another_can_be_moved_by_itself() {
        let mock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let (blue, red) = (mock.child(), mock.child());
        mock.advance(Duration::from_secs(10));
        blue.advance(Duration::from_secs(5));
        assert_eq!([&mock, &blue, &red].map(|clock| clock.timestamp().as_second()), [10, 15, 10]);
        assert!(blue.is_stopped(), "it stands where the mock's stands");
        blue.set(Timestamp::UNIX_EPOCH);
        mock.advance(Duration::from_secs(90));
        assert_eq!([&mock, &blue, &red].map(|clock| clock.timestamp().as_second()), [100, 0, 100]);
        blue.run();
        mock.advance(Duration::from_secs(1));
        assert_eq!(blue.timestamp().as_second(), 1);
        blue.reset();
        assert_eq!(blue.now(), mock.now());
    }

    #[tokio::test]
    async fn a_session_clock_wakes_by_its_own_move_and_by_the_mocks() {
        for of_mock in [true, false] {
            let mock = Clock::stopped(Timestamp::UNIX_EPOCH);
            let blue = mock.child();
            blue.advance(Duration::from_secs(5));
            let sleeper = tokio::spawn({
                let blue = blue.clone();
                async move { blue.sleep(Duration::from_secs(10)).await }
            });
            let both = async { tokio::join!(mock.until_waiting(1), blue.until_waiting(1)) };
            // A clock that is broken fails this test instead of hanging it.
            tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
            let moved = if of_mock { &mock } else { &blue };
            moved.advance(Duration::from_secs(9));
            tokio::task::yield_now().await;
            assert!(!sleeper.is_finished(), "a second is missing");
            moved.advance(Duration::from_secs(1));
            sleeper.await.unwrap();
        }
    }
}
