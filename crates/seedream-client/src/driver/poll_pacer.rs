//! One pace for the polls of all tasks of a client, so that thousands of tasks do not ask all at once.

use std::time::Duration;

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// Spaces polls evenly; the task that waited longest is next.
#[derive(Debug)]
pub(crate) struct PollPacer {
    /// Between two polls; zero for no limit.
    interval: Duration,
    /// When the next poll may be sent. The holder of the lock waits for it; tokio's lock is fair, and a dropped waiter leaves the queue.
    next: Mutex<Option<Instant>>,
}

impl PollPacer {
    /// So many a second; 0 for as many as there are.
    pub(crate) fn per_second(turns: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(turns).unwrap_or_default();
        Self { interval, next: Mutex::new(None) }
    }

    /// Waits for a turn.
    pub(crate) async fn take(&self) {
        if self.interval.is_zero() {
            return;
        }
        let mut next = self.next.lock().await;
        if let Some(moment) = *next {
            sleep_until(moment).await;
        }
        *next = Some(Instant::now() + self.interval);
    }
}
