//! What stops jobs.

use std::sync::{Arc, OnceLock};

use seedream_core::{Error, ErrorKind};
use tokio::sync::watch;

/// Cancels jobs. Jobs that share one also stop buying together: once something that was paid for could not be kept, none of them sends
/// a POST.
#[derive(Clone, Debug)]
pub struct Control(Arc<StopState>);

#[derive(Debug)]
struct StopState {
    cancels: watch::Sender<u32>,
    /// Why no POST is sent any more.
    halted: OnceLock<String>,
}

impl Default for Control {
    fn default() -> Self {
        Self(Arc::new(StopState { cancels: watch::Sender::new(0), halted: OnceLock::new() }))
    }
}

impl Control {
    /// Stops the jobs: no POST is sent any more, one that is under way is waited for, and what arrives is saved. Said once more, what
    /// is under way is given up too.
    pub fn cancel(&self) {
        self.0.cancels.send_modify(|times| *times = times.saturating_add(1));
    }

    /// Whether the jobs were cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancels() > 0
    }

    /// Waits until the jobs are cancelled.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    pub async fn until_cancelled(&self) {
        self.cancelled(0).await;
    }

    /// Sends no POST any more. The first reason stays.
    pub(crate) fn halt(&self, reason: impl Into<String>) {
        let _ = self.0.halted.set(reason.into());
    }

    pub(crate) fn is_halted(&self) -> bool {
        self.0.halted.get().is_some()
    }

    pub(crate) fn cancels(&self) -> u32 {
        *self.0.cancels.borrow()
    }

    /// Waits until it was cancelled more than so many times.
    pub(crate) async fn cancelled(&self, more_than: u32) {
        let mut told = self.0.cancels.subscribe();
        // The sender lives as long as `self`.
        let _ = told.wait_for(|times| *times > more_than).await;
    }

    pub(super) fn admits(&self) -> Result<(), Error> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled before the request was sent"));
        }
        match self.0.halted.get() {
            Some(reason) => {
                let message = format!("nothing more is bought, since {reason}");
                Err(Error::new(ErrorKind::Storage, message))
            }
            None => Ok(()),
        }
    }
}
