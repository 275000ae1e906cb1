//! The mock's clock: the machine's, or one that a test stops, sets and moves. Everything that waits, waits on it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::time::later;

/// A source of time that every part of one mock shares. Clones show the same time.
///
/// A mock has one, and each of its sessions has one that goes with it until it is moved by itself
/// ([`crate::MockServer::clock_of`]).
#[derive(Debug, Clone)]
pub struct Clock(Arc<ClockState>);

#[derive(Debug)]
struct ClockState {
    /// Whether the hands may be other than [`Hands::RESET`]: nearly no clock is ever touched, and all are read all the time.
    moved: AtomicBool,
    hands: Mutex<ClockMode>,
    /// What it goes with while it runs: another clock, or the machine's.
    base: Option<Clock>,
    /// Sent whenever the hands are touched, so that whoever waits looks again.
    touched: watch::Sender<()>,
    /// How many wait.
    waiting: watch::Sender<usize>,
}

#[derive(Debug, Clone, Copy)]
enum ClockMode {
    /// How far ahead it is of what it goes with.
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
    pub fn stopped(at: Timestamp) -> Self {
        Self::with(ClockMode::Stopped(at), None)
    }

    /// A clock that goes with this one, stands where this one stands, and can be moved by itself.
    pub(crate) fn child(&self) -> Self {
        Self::with(ClockMode::RESET, Some(self.clone()))
    }

    fn with(hands: ClockMode, base: Option<Self>) -> Self {
        let (touched, waiting) = (watch::Sender::new(()), watch::Sender::new(0));
        let moved = AtomicBool::new(!matches!(hands, ClockMode::Running { ahead } if ahead.is_zero()));
        Self(Arc::new(ClockState { moved, hands: Mutex::new(hands), base, touched, waiting }))
    }

    /// The time it shows.
    pub fn now(&self) -> Timestamp {
        self.show(self.hands())
    }

    /// Whether it shows the same time until it is moved.
    pub fn is_stopped(&self) -> bool {
        match self.hands() {
            ClockMode::Stopped(_) => true,
            ClockMode::Running { .. } => self.0.base.as_ref().is_some_and(Self::is_stopped),
        }
    }

    /// Moves it forward; a running clock keeps running.
    pub fn advance(&self, by: Duration) {
        let signed = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.touch(|hands| match hands {
            ClockMode::Running { ahead } => *ahead = ahead.saturating_add(signed),
            ClockMode::Stopped(at) => *at = later(*at, by),
        });
    }

    /// Stops it at a time.
    pub fn set(&self, at: Timestamp) {
        self.touch(|hands| *hands = ClockMode::Stopped(at));
    }

    /// Stops it where it is.
    pub fn stop(&self) {
        self.touch(|hands| *hands = ClockMode::Stopped(self.show(*hands)));
    }

    /// Lets it run on from what it shows.
    pub fn run(&self) {
        self.touch(|hands| *hands = ClockMode::Running { ahead: self.show(*hands).duration_since(self.base()) });
    }

    /// Lets it show what it goes with again: of a session's clock the mock's, of the mock's the machine's.
    pub fn reset(&self) {
        self.touch(|hands| *hands = ClockMode::RESET);
    }

    /// Waits until it shows `at` or later: by itself where it runs, by being moved where it is stopped.
    pub async fn sleep_until(&self, at: Timestamp) {
        if self.now() >= at {
            return;
        }
        let _sleeper = WaitGuard::new(&self.0.waiting);
        let mut touched = self.0.touched.subscribe();
        loop {
            touched.mark_unchanged();
            // Read after the mark: a touch in between is either seen here or wakes below.
            let hands = self.hands();
            if self.show(hands) >= at {
                return;
            }
            // The sender lives as long as this clock, so there is always somebody to wait for.
            match hands {
                ClockMode::Stopped(_) => drop(touched.changed().await),
                ClockMode::Running { ahead } => tokio::select! {
                    _ = touched.changed() => {}
                    () = self.base_shows(at, ahead) => {}
                },
            }
        }
    }

    /// Waits for a while on this clock.
    pub async fn sleep(&self, time: Duration) {
        if !time.is_zero() {
            self.sleep_until(later(self.now(), time)).await;
        }
    }

    /// Waits until at least so many answers, callbacks and other sleepers wait on this clock: the moment to move a stopped
    /// one. Who waits on a session's clock waits on the mock's as well, unless that session's is stopped by itself.
    pub async fn until_waiting(&self, sleepers: usize) {
        // The sender lives as long as this clock.
        drop(self.0.waiting.subscribe().wait_for(|waiting| *waiting >= sleepers).await);
    }

    /// Waits until what it goes with is so far that this clock shows `at`.
    fn base_shows(&self, at: Timestamp, ahead: SignedDuration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let at = at.checked_sub(ahead).unwrap_or(Timestamp::MAX);
            match &self.0.base {
                Some(base) => base.sleep_until(at).await,
                None => {
                    let left = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
                    tokio::time::sleep(left).await;
                }
            }
        })
    }

    /// What the clock shows that this one goes with.
    fn base(&self) -> Timestamp {
        self.0.base.as_ref().map_or_else(Timestamp::now, Self::now)
    }

    fn show(&self, hands: ClockMode) -> Timestamp {
        match hands {
            ClockMode::Running { ahead } => {
                let end = if ahead.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
                self.base().checked_add(ahead).unwrap_or(end)
            }
            ClockMode::Stopped(at) => at,
        }
    }

    fn hands(&self) -> ClockMode {
        if !self.0.moved.load(Ordering::Acquire) {
            return ClockMode::RESET;
        }
        *self.0.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self, work: impl FnOnce(&mut ClockMode)) {
        // Said before it is so: who reads in between looks at the hands.
        self.0.moved.store(true, Ordering::Release);
        work(&mut self.0.hands.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.touched.send_replace(());
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl ClockMode {
    /// Those of a clock that nobody has moved.
    const RESET: Self = Self::Running { ahead: SignedDuration::ZERO };
}

/// Counts one who waits, for as long as it lives.
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
    fn m14_a_stopped_clock_moves_only_when_moved() {
        let clock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let twin = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(twin.now().as_second(), 5);
        twin.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now().as_second(), 0);
    }

    #[test]
    fn m14_a_running_clock_can_be_ahead_and_behind() {
        let clock = Clock::real();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() > Timestamp::now() && !clock.is_stopped());
        clock.set(Timestamp::UNIX_EPOCH);
        clock.run();
        assert!(clock.now().as_second() < 3600 && !clock.is_stopped());
        clock.stop();
        assert!(clock.is_stopped() && clock.now() == clock.now());
    }

    #[tokio::test]
    async fn m14_who_waits_on_a_stopped_clock_is_woken_by_the_move_that_reaches_him() {
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
    async fn m14_a_stopped_clock_that_runs_again_wakes_by_itself() {
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
    async fn m14_a_clock_that_goes_with_another_can_be_moved_by_itself() {
        let mock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let (blue, red) = (mock.child(), mock.child());
        mock.advance(Duration::from_secs(10));
        blue.advance(Duration::from_secs(5));
        assert_eq!([&mock, &blue, &red].map(|clock| clock.now().as_second()), [10, 15, 10]);
        assert!(blue.is_stopped(), "it stands where the mock's stands");
        blue.set(Timestamp::UNIX_EPOCH);
        mock.advance(Duration::from_secs(90));
        assert_eq!([&mock, &blue, &red].map(|clock| clock.now().as_second()), [100, 0, 100]);
        blue.run();
        mock.advance(Duration::from_secs(1));
        assert_eq!(blue.now().as_second(), 1);
        blue.reset();
        assert_eq!(blue.now(), mock.now());
    }

    #[tokio::test]
    async fn m14_who_waits_on_it_is_woken_by_either_move() {
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
