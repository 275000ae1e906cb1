//! `seedream`: the command line.
//!
//! Results go to standard output, messages to standard error ([`console`]). [`exit`] defines the exit codes.
#![forbid(unsafe_code)]

mod args;
mod batch;
mod budget;
mod completions;
mod config;
mod conformance;
mod console;
mod destination;
mod doctor;
mod duration;
mod exit;
mod failure;
mod generate;
mod jobs;
mod ledger;
mod limits_file;
mod mock;
mod models;
mod nearest;
mod output_place;
mod plan;
mod pretty_json;
mod progress;
mod prompt;
mod provider_selection;
mod proxy_url;
mod report;
mod request;
mod request_fitter;
mod resume;
mod signals;
mod spend;
#[cfg(feature = "storage")]
mod storage;
mod table;
mod verbose;
mod viewer;

use std::{
    io,
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use clap::FromArgMatches as _;
use tokio::runtime::Runtime;

use crate::{
    args::{Cli, Command, ConfigCommand},
    config::Settings,
    console::Console,
    exit::Exit,
    failure::Failure,
};

fn main() -> ExitCode {
    let cli = match args::command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and end with 0; usage errors go to standard error and end with 2.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return match error.print() {
                Ok(()) => exit.into(),
                Err(_) => Exit::Other.into(),
            };
        }
    };
    let console = Console::new();
    if cli.verbose {
        verbose::enable(&console);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            console
                .note(&format!("error: cannot start the runtime: {error}; check the limits on threads and open files"));
            return Exit::Other.into();
        }
    };
    let result = runtime.block_on(run(cli, &console));
    // The remaining background work, such as DNS lookups and idle connections, is not needed.
    runtime.shutdown_background();
    result.unwrap_or_else(|failure| {
        console.note(&format!("error: {}", failure.message));
        failure.exit.into()
    })
}

/// The number of worker threads.
const WORKERS: usize = 2;

/// Builds a runtime whose blocking thread, which writes files, exists before a request is sent and stays alive: the system may
/// refuse to start a thread after a paid request.
fn runtime() -> io::Result<Runtime> {
    // The runtime panics if a thread cannot start. These probes, which run at the same time, detect that first.
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
    signals::catch_file_size_signal()
        .map_err(|error| Failure::other(format!("cannot install signal handlers: {error}")))?;
    let result = match cli.command {
        Command::Generate(mut args) => {
            let settings = Settings::load(&args.provider.connection)?;
            settings.fill_request(&mut args.request.options);
            settings.fill_providers(&mut args.provider);
            settings.fill_out(&mut args.save);
            settings.fill_name(&mut args.save);
            explained(generate::generate(&args, &settings, console).await, &settings, console)
        }
        Command::Plan(mut args) => {
            let settings = Settings::load(&args.provider.connection)?;
            settings.fill_request(&mut args.request.options);
            settings.fill_providers(&mut args.provider);
            explained(plan::plan(&args, &settings, console), &settings, console)
        }
        Command::Resume(mut args) => {
            let settings = Settings::load(&args.connection)?;
            // Images of a record are saved beside it, with the names that it states.
            if args.names_task() {
                settings.fill_out(&mut args.save);
                settings.fill_name(&mut args.save);
            }
            resume::resume(&args, &settings, console).await
        }
        Command::Batch(mut args) => {
            let settings = Settings::load(&args.provider.connection)?;
            settings.fill_request(&mut args.options);
            settings.fill_providers(&mut args.provider);
            settings.fill_out(&mut args.save);
            settings.fill_name(&mut args.save);
            explained(batch::batch(&args, &settings, console).await, &settings, console)
        }
        Command::Jobs { command } => jobs::jobs(command, console).await,
        Command::Spend(args) => spend::spend(&args, console).await,
        #[cfg(feature = "storage")]
        Command::Storage { command } => storage::storage(command, console).await,
        Command::Models(args) => models::models(&args, &Settings::load(&args.provider.connection)?, console).await,
        Command::Doctor(args) => doctor::doctor(&args, console).await,
        Command::Completions(args) => completions::completions(args.shell, console),
        Command::Man(args) => completions::man(&args.out, console),
        Command::Config { command: ConfigCommand::Show(args) } => config::show(&args, console),
        Command::Mock { command } => mock::run(*command, console).await,
        // It has its own exit codes.
        Command::Conformance { command } => return conformance::conformance(&command, console).await,
    };
    result.map(ExitCode::from)
}

/// Adds where settings come from to a request that is refused: what is wrong may be in a file.
fn explained(result: Result<Exit, Failure>, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    let is_refused = matches!(&result, Ok(Exit::Usage) | Err(Failure { exit: Exit::Usage, .. }));
    if let Some(origins) = settings.origins().filter(|_| is_refused) {
        console.note(&origins);
    }
    result
}
