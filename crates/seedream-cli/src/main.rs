//! `seedream`: Seedream images from any reseller, on the command line.
//!
//! Standard output is data, everything else goes to standard error; see [`output`]. What a run ends with is in [`exit`].
#![forbid(unsafe_code)]

mod args;
mod cancel;
mod conformance;
mod duration;
mod exit;
mod generate;
mod keys;
mod limits;
mod mock;
mod models;
mod output;
mod plan;
mod pretty;
mod progress;
mod prompt;
mod report;
mod request;
mod resume;
mod table;
mod target;
mod verbose;

use std::{
    io,
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use clap::Parser as _;
use tokio::runtime::Runtime;

use crate::{
    args::{Cli, Command},
    exit::{Exit, Failure},
    output::Console,
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are answers and go to standard output; everything else is a mistake and ends with 2.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return match error.print() {
                Ok(()) => exit.into(),
                Err(_) => Exit::Other.into(),
            };
        }
    };
    let console = Console::new();
    if cli.verbose {
        verbose::watch(&console);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.note(&format!("error: this program cannot start: {error}"));
            return Exit::Other.into();
        }
    };
    let ended = runtime.block_on(run(cli, &console));
    // Nothing that matters is left: what still runs is a resolver or a connection that nobody waits for.
    runtime.shutdown_background();
    ended.unwrap_or_else(|failure| {
        console.note(&format!("error: {}", failure.message));
        failure.exit.into()
    })
}

/// How many threads run tasks.
const WORKERS: usize = 2;

/// A runtime with a thread that writes files: it is there before anything is sent, and stays, since the system may refuse a new one after
/// the payment.
fn runtime() -> io::Result<Runtime> {
    // The runtime panics where the system starts no thread, so that is found out first: all of these live at once.
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock();
    let probe = |_| {
        let gate = gate.clone();
        thread::Builder::new().spawn(move || drop(gate.lock()))
    };
    let probes: io::Result<Vec<_>> = (0..=WORKERS).map(probe).collect();
    drop(closed);
    for probe in probes? {
        let _ = probe.join();
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(WORKERS).enable_all().thread_keep_alive(Duration::from_secs(24 * 3600));
    let runtime = runtime.build()?;
    runtime.block_on(runtime.spawn_blocking(|| ())).map_err(io::Error::other)?;
    Ok(runtime)
}

async fn run(cli: Cli, console: &Console) -> Result<ExitCode, Failure> {
    cancel::outlive_file_limits().map_err(|error| Failure::other(format!("signals cannot be caught: {error}")))?;
    let ended = match cli.command {
        Command::Generate(args) => generate::generate(&args, console).await,
        Command::Plan(args) => plan::plan(&args, console),
        Command::Resume(args) => resume::resume(&args, console).await,
        Command::Models(args) => models::models(&args, console).await,
        Command::Mock { command } => mock::run(*command, console).await,
        // It has a table of exit codes of its own.
        Command::Conformance { command } => return conformance::conformance(&command, console).await,
    };
    ended.map(ExitCode::from)
}
