//! Signals: cancellation by Ctrl-C, SIGTERM and SIGHUP, and a file size limit that fails a write instead of the process.

use std::io;

use seedream::seedream_client::Control;
use tokio::sync::watch;

use crate::{console::Console, exit::Exit, failure::Failure};

/// The first signal stops sending and saves received images, the second stops saving, the third exits.
#[derive(Clone, Debug)]
pub(crate) struct Cancel {
    control: Control,
    signals: watch::Receiver<u32>,
}

impl Cancel {
    /// Installs the signal handlers. The first signal prints a message to `console`.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub(crate) fn on_signals(console: Option<&Console>) -> Result<Self, Failure> {
        let listen = |error: io::Error| Failure::other(format!("cannot install signal handlers: {error}"));
        let mut signals = Signals::new().map_err(listen)?;
        let (control, console) = (Control::default(), console.cloned());
        let cancelled = control.clone();
        let (count, counted) = watch::channel(0);
        tokio::spawn(async move {
            for times in 1.. {
                signals.next().await;
                count.send_replace(times);
                cancelled.cancel();
                match (&console, times) {
                    (Some(console), 1) => {
                        console.note("cancelled: saving the received images; press Ctrl-C again to stop");
                    }
                    (_, 1 | 2) => {}
                    _ => std::process::exit(Exit::Cancelled.code().into()),
                }
            }
        });
        Ok(Self { control, signals: counted })
    }

    /// The control that cancels the jobs.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Waits for the second signal.
    pub(crate) async fn until_signalled_twice(&self) {
        let second = self.signals.clone().wait_for(|times| *times > 1).await.is_ok();
        if !second {
            // No signal comes any more.
            std::future::pending::<()>().await;
        }
    }
}

/// Catches SIGXFSZ: a write beyond `ulimit -f` then fails with an error instead of ending the process.
///
/// # Errors
/// The handler cannot be installed.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(crate) fn catch_file_size_signal() -> io::Result<()> {
    const SIGXFSZ: i32 = 25;
    // The handler stays installed after the stream is dropped.
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)).map(drop)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn catch_file_size_signal() -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// The terminal closed; paid images are still saved.
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
