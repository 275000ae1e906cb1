//! `seedream batch`: generates the images of a file of requests, each at most once.

mod files;
mod live_spend;
mod planned;
mod results;
mod rows;
mod runner;

use std::sync::Arc;

use seedream::{Fallback, ImageProvider};
use seedream_ledger::{Budget, Worker, WorkerOptions};
use seedream_mock::MockServer;

use files::BatchFiles;
pub(crate) use {results::spend_table, runner::Runner};

use crate::{
    args::{BatchArgs, ProviderArgs, RuleArgs, SaveArgs},
    config::Settings,
    console::Console,
    destination::Destination,
    exit::Exit,
    failure::Failure,
    generate::{download, policy},
    limits_file::limited,
    output_place::OutputPlace,
    provider_selection,
    request_fitter::RequestFitter,
    signals::Cancel,
};

/// Plans the lines of the file, collects what earlier runs bought, and sends what was never sent.
///
/// # Errors
/// A line is not valid, or the ledger cannot be used: nothing was sent.
pub(crate) async fn batch(args: &BatchArgs, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    args.save.check_out()?;
    let files = BatchFiles::of(args)?;
    let destination = open(&args.provider, settings, console).await?;
    let targets = targets(&args.provider, &args.rules, &args.save, &destination, settings)?;
    settings.tell_of_project(console);
    let lines = planned::lines(args, &targets, console)?;
    let place = OutputPlace::open(&args.save, None, files.ledger.beside(), settings, console).await?;
    let ledger = files.ledger.open_or_make(args.accept_failover)?;
    let total = lines.iter().map(|line| u64::from(line.purchases)).sum();
    let report = ledger.plan_lines(&files.batch, lines).await?;
    if args.retry_failed {
        let again = ledger.retry_failed(&files.batch).await?;
        console.note(&format!("lines that failed without a charge and are tried again: {again}"));
    }
    if report.gone > 0 {
        console
            .note(&format!("lines of earlier runs that are no longer in the file and are not sent: {}", report.gone));
    }
    let worker = worker(args, &files.batch, &ledger)?;
    let cancel = Cancel::on_signals(Some(console))?;
    let runner = Runner {
        provider: provider(targets)?,
        ledger: &ledger,
        batch: Some(&files.batch),
        worker,
        options: Some(&args.options),
        place,
        has_sidecar: !args.save.no_sidecar,
        cancel: &cancel,
        concurrency: args.concurrency,
        per_minute: args.per_minute,
        total,
        console,
    };
    let run = runner.run().await;
    let flushed = ledger.flush().await;
    // Whatever ended the run, its results are written first.
    let summary = results::write(&ledger, &files, args.json, console).await;
    flushed?;
    summary?.exit(run?, &cancel)
}

fn worker(args: &BatchArgs, batch: &str, ledger: &seedream_ledger::Ledger) -> Result<Worker, Failure> {
    let mut options = WorkerOptions::of_batch(batch).deadline(policy(&args.save, false).deadline);
    if let Some(limit) = &args.budget {
        options = options.budget(Budget::of_batch(limit.clone()));
    }
    if let Some(limit) = &args.budget_day {
        options = options.budget(Budget::of_day(limit.clone()));
    }
    Ok(ledger.worker(options)?)
}

/// Opens the destination of a command that has no request of its own.
///
/// # Errors
/// As [`Destination::open`].
pub(crate) async fn open(args: &ProviderArgs, settings: &Settings, console: &Console) -> Result<Destination, Failure> {
    Destination::open(args.mock.then(MockServer::builder), args.base_url.as_deref(), settings, console).await
}

/// The clients of the chosen providers.
///
/// # Errors
/// A key is missing, or a provider is not known.
pub(crate) fn targets(
    provider: &ProviderArgs,
    rules: &RuleArgs,
    save: &SaveArgs,
    destination: &Destination,
    settings: &Settings,
) -> Result<Vec<RequestFitter>, Failure> {
    let overrides = provider.overrides()?;
    let mut targets = Vec::new();
    for dialect in provider_selection::choose(provider, |name| settings.presence(name))? {
        let builder = limited(destination.client(&dialect)?, &overrides);
        let builder = builder.policy(policy(save, destination.is_mock())).download(download(save));
        let default_model = settings.default_model(&dialect.descriptor().id);
        let client = builder.strictness(rules.check.into()).build()?;
        targets.push(RequestFitter { client, fit: rules.fit, default_model });
    }
    Ok(targets)
}

/// The providers as one: in their order, the next only where the one before declined without a charge.
///
/// # Errors
/// No provider was chosen.
pub(crate) fn provider(targets: Vec<RequestFitter>) -> Result<Arc<dyn ImageProvider>, Failure> {
    let mut all: Vec<_> = targets.into_iter().map(|target| Arc::new(target) as Arc<dyn ImageProvider>).collect();
    match all.len() {
        1 => Ok(all.swap_remove(0)),
        _ => Ok(Arc::new(Fallback::new(all)?)),
    }
}
