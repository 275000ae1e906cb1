//! `seedream generate`: sends a request to several providers in parallel, or in turn with `--fallback`.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use seedream::seedream_client::{DownloadOptions, JobError, JobStore};
use seedream::seedream_core::Policy;
use seedream::{Exactly, Fallback, ImageProvider, Job, ModelId, Plan};
use seedream_ledger::{Ledger, WorkerOptions};
use seedream_mock::{Fault, MockServer, MockServerBuilder};

use crate::{
    args::{GenerateArgs, SaveArgs},
    config::Settings,
    console::Console,
    destination::Destination,
    exit::Exit,
    failure::Failure,
    ledger::LedgerAt,
    limits_file::limited,
    output_place::{Beside, OutputPlace},
    progress::ProgressReporter,
    provider_selection,
    report::{self, PurchaseResult, ResumeCommand},
    request_fitter::RequestFitter,
    signals::Cancel,
    viewer,
};

/// Sends the request, saves the images and prints the results.
///
/// # Errors
/// The run cannot start. The failure of a single provider is a result.
pub(crate) async fn generate(args: &GenerateArgs, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    args.save.check_out()?;
    let dialects = provider_selection::choose(&args.provider, |name| settings.presence(name))?;
    settings.tell_of_project(console);
    let request = args.request.request(console)?;
    let overrides = args.provider.overrides()?;
    let mock = args.provider.mock.then(|| builtin_mock(args.request.options.stream));
    let destination = Destination::open(mock, args.provider.base_url.as_deref(), settings, console).await?;
    let mut clients = Vec::new();
    for dialect in &dialects {
        let builder = limited(destination.client(dialect)?, &overrides);
        let builder = builder.policy(policy(&args.save, destination.is_mock())).download(download(&args.save));
        let client = builder.strictness(args.request.rules.check.into()).build()?;
        let default_model = settings.default_model(&dialect.descriptor().id);
        clients.push(RequestFitter { client, fit: args.request.rules.fit, default_model });
    }
    let base_url = destination.base_url().and(clients.first()).map(|fitting| fitting.client.base_url().to_owned());

    let providers: Vec<Arc<dyn ImageProvider>> = if args.fallback {
        let all = clients.into_iter().map(|fitting| Arc::new(fitting) as Arc<dyn ImageProvider>);
        vec![Arc::new(Fallback::new(all.collect())?)]
    } else {
        clients.into_iter().map(|fitting| Arc::new(fitting) as _).collect()
    };
    let cancel = Cancel::on_signals(Some(console))?;
    let beside = args.ledger.as_ref().map_or(Beside::Nothing, LedgerAt::beside);
    let place = OutputPlace::open(&args.save, None, beside, settings, console).await?;
    let ledger = args.ledger.as_ref().map(|at| at.open_or_make(args.accept_failover)).transpose()?;
    let resume = ResumeCommand {
        base_url,
        out: args.save.out().to_owned(),
        ledger: args.ledger.as_ref().zip(ledger.as_ref()).map(|(at, ledger)| at.shown(ledger)),
        mock: destination.is_mock(),
    };
    let store = ledger.as_ref().map(|ledger| store(ledger, &args.save)).transpose()?;
    let jobs = providers.iter().map(|provider| {
        let job = place.keep(provider.job(request.clone())).controlled_by(cancel.control());
        let job = if let Some(store) = &store { job.store(store.clone()) } else { job };
        if args.save.no_sidecar { job.without_sidecar() } else { job }
    });
    // All requests are checked before the first one is sent.
    let jobs: Vec<(&str, Result<PreparedJob, JobError>)> = providers
        .iter()
        .zip(jobs)
        .map(|(provider, job)| (provider.descriptor().id.as_str(), PreparedJob::new(job, args.exactly)))
        .collect();
    let mut warnings = report::PrintedWarnings::default();
    let results = if jobs.iter().any(|(_, job)| job.is_err()) {
        let models = match &*providers {
            // Another model would be another one at every provider.
            [provider] if !args.fallback => report::models_that_accept(&**provider, &request),
            _ => Vec::new(),
        };
        refused(jobs, &models, console)
    } else {
        let plans = jobs.iter().filter_map(|(_, job)| job.as_ref().ok()?.plan().ok());
        plans.for_each(|plan| warnings.print(&plan.provider, plan.model.as_str(), &plan.warnings, console));
        let runs =
            jobs.into_iter().filter_map(|(id, job)| Some(job.ok()?.run(id, args.request.options.stream, console)));
        join_all(runs).await.into_iter().flatten().collect()
    };
    let flushed = if let Some(ledger) = &ledger { ledger.flush().await } else { Ok(()) };
    let cancelled = cancel.control().is_cancelled();
    let exit = report::print(&results, &args.results, &resume, cancelled, &mut warnings, console)?;
    if args.results.open {
        viewer::open(&results, console);
    }
    flushed?;
    Ok(exit)
}

/// The checked job of one provider.
enum PreparedJob {
    Single(Job),
    Exactly(Exactly, u32),
}

impl PreparedJob {
    /// Checks the request.
    ///
    /// # Errors
    /// The provider's rules refuse it.
    fn new(job: Job, exactly: Option<u32>) -> Result<Self, JobError> {
        match exactly {
            Some(images) => Ok(Self::Exactly(Exactly::new(job, images).prepare()?, images)),
            None => Ok(Self::Single(job.prepare()?)),
        }
    }

    /// What each of its requests would send.
    fn plan(&self) -> seedream::Result<Plan> {
        match self {
            Self::Single(job) => job.plan(),
            Self::Exactly(exactly, _) => exactly.plan(),
        }
    }

    async fn run(self, provider: &str, report_images: bool, console: &Console) -> Vec<PurchaseResult> {
        let requests = if let Self::Exactly(_, images) = &self { *images } else { 1 };
        let mut reporter = ProgressReporter::new(console, provider, report_images);
        // A fallback plans for its first provider, and another may serve.
        if let Ok(plan) = self.plan() {
            reporter = reporter.expecting(&plan, requests);
        }
        match self {
            Self::Single(job) => vec![PurchaseResult::new(reporter.run(job).await)],
            Self::Exactly(exactly, images) => {
                let collected = exactly.run_with_events(|_, event| reporter.report(event)).await;
                let (delivered, requests) = (collected.delivered(), collected.purchases.len());
                if delivered > images {
                    let message = "a single-image request returned several";
                    console.note(&format!(
                        "warning: {provider}: received {delivered} images instead of {images}: {message}"
                    ));
                }
                if delivered < images {
                    console
                        .note(&format!("{provider}: received {delivered} of {images} images from {requests} requests"));
                }
                let mut results: Vec<_> = collected.purchases.into_iter().map(PurchaseResult::new).collect();
                if delivered > 0 {
                    results.iter_mut().for_each(PurchaseResult::mark_partial);
                }
                results
            }
        }
    }
}

/// The results of a run in which a provider refuses the request: nothing is sent to any provider.
fn refused(
    jobs: Vec<(&str, Result<PreparedJob, JobError>)>,
    models: &[ModelId],
    console: &Console,
) -> Vec<PurchaseResult> {
    let others: Vec<_> = jobs.iter().filter(|(_, job)| job.is_ok()).map(|(id, _)| *id).collect();
    if !others.is_empty() {
        let others = others.join(",");
        console.note(&format!(
            "nothing was sent to {others} either; use --provider {others} to leave out the providers that refuse, or add --fallback"
        ));
    }
    jobs.into_iter().filter_map(|(_, job)| Some(PurchaseResult::refused(job.err()?, models.to_vec()))).collect()
}

/// The ledger as the store of the jobs.
fn store(ledger: &Ledger, save: &SaveArgs) -> Result<Arc<dyn JobStore>, Failure> {
    let options = WorkerOptions::default().deadline(policy(save, false).deadline);
    Ok(Arc::new(ledger.worker(options)?))
}

/// The built-in mock. It slows streams down so that their progress is visible.
fn builtin_mock(stream: bool) -> MockServerBuilder {
    let pace = Fault { pace: Some(Duration::from_millis(250)), ..Fault::default() };
    MockServer::builder().faults(stream.then_some(pace))
}

/// The policy of a run.
pub(crate) fn policy(args: &SaveArgs, mock: bool) -> Policy {
    let mut policy = Policy::default();
    if let Some(deadline) = args.deadline {
        policy.deadline = deadline;
    }
    if mock {
        // Frequent polling does no harm to the mock.
        policy.pace.shortest = Duration::from_millis(100);
    }
    policy
}

/// The download options of a run.
pub(crate) fn download(args: &SaveArgs) -> DownloadOptions {
    let options = DownloadOptions::default().allow_http(args.allow_http_results);
    match args.deadline {
        // Paid images are downloaded even after the deadline, within the same time again.
        Some(deadline) => options.clone().timeouts(options.stall, deadline),
        None => options,
    }
}
