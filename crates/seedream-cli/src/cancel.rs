//! Ctrl-C and SIGTERM, counted.

use std::io;

use seedream::seedream_client::Control;

use crate::{
    exit::{Exit, Failure},
    output::Console,
};

/// Told once: stop asking, and save what arrived. Told twice: stop saving too. Told three times: gone.
#[derive(Clone, Debug)]
pub(crate) struct Cancel(Control);

impl Cancel {
    /// Listens from now on, and tells on `console` what the first signal leads to.
    ///
    /// # Errors
    /// The system does not let this program listen.
    pub(crate) fn on_signals(console: Option<&Console>) -> Result<Self, Failure> {
        let listen = |error: io::Error| Failure::other(format!("signals cannot be caught: {error}"));
        let mut signals = Signals::new().map_err(listen)?;
        let (control, console) = (Control::default(), console.cloned());
        let told = control.clone();
        tokio::spawn(async move {
            for times in 1.. {
                signals.next().await;
                told.cancel();
                match (&console, times) {
                    (Some(console), 1) => console.note("cancelled: what arrived is saved; Ctrl-C again stops that too"),
                    (_, 1 | 2) => {}
                    _ => std::process::exit(Exit::Cancelled.code().into()),
                }
            }
        });
        Ok(Self(control))
    }

    /// What cancels the jobs.
    pub(crate) fn control(&self) -> &Control {
        &self.0
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
