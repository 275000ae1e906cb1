//! Ctrl-C and SIGTERM, counted.

use std::io;

use tokio::sync::watch;

use crate::{
    exit::{Exit, Failure},
    output::Console,
};

/// Told once: stop asking, and save what arrived. Told twice: stop saving too. Told three times: gone.
#[derive(Clone, Debug)]
pub(crate) struct Cancel(watch::Receiver<u32>);

impl Cancel {
    /// Listens from now on, and tells on `console` what the first signal leads to.
    ///
    /// # Errors
    /// The system does not let this program listen.
    pub(crate) fn on_signals(console: Option<&Console>) -> Result<Self, Failure> {
        let listen = |error: io::Error| Failure::other(format!("signals cannot be caught: {error}"));
        let (sender, receiver) = watch::channel(0_u32);
        let mut signals = Signals::new().map_err(listen)?;
        let console = console.cloned();
        tokio::spawn(async move {
            loop {
                signals.next().await;
                sender.send_modify(|times| *times = times.saturating_add(1));
                let times = *sender.borrow();
                match (&console, times) {
                    (Some(console), 1) => console.note("cancelled: what arrived is saved; Ctrl-C again stops that too"),
                    (_, 0..=2) => {}
                    _ => std::process::exit(Exit::Cancelled.code().into()),
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Waits until it was told this often.
    pub(crate) async fn asked(&self, times: u32) {
        let mut told = self.0.clone();
        if told.wait_for(|told| *told >= times).await.is_err() {
            // Nobody listens any more, so nobody will ever tell.
            std::future::pending::<()>().await;
        }
    }

    /// Whether it was told at all.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow() > 0
    }
}

/// Where a file would grow beyond `ulimit -f`, the write fails and is told of, instead of ending this program.
///
/// # Errors
/// The system does not let this program listen.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(crate) fn outlive_file_limits() -> io::Result<()> {
    const SIGXFSZ: i32 = 25;
    // A signal that was caught once stays caught.
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)).map(drop)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn outlive_file_limits() -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// The terminal was closed: what is paid is kept all the same.
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
