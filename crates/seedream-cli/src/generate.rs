//! `seedream generate`: every provider side by side, or one after the other.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use seedream::seedream_client::{DownloadOptions, JobError};
use seedream::seedream_core::Policy;
use seedream::{Exactly, Fallback, ImageProvider, Job};
use seedream_mock::{Fault, MockServer, MockServerBuilder};

use crate::{
    args::{GenerateArgs, SaveArgs},
    cancel::Cancel,
    exit::{Exit, Failure},
    keys::{self, Station},
    limits::limited,
    output::Console,
    progress::Teller,
    report::{self, Again, Row},
    target::Target,
};

/// Asks the providers and saves what comes.
///
/// # Errors
/// What keeps all of them from being asked; what becomes of each is reported.
pub(crate) async fn generate(args: &GenerateArgs, console: &Console) -> Result<Exit, Failure> {
    let dialects = keys::choose(&args.provider, keys::environment)?;
    let request = args.request.request(console)?;
    let overrides = args.provider.overrides()?;
    let mock = args.provider.mock.then(|| embedded(args.request.stream));
    let station = Station::open(mock, args.provider.base_url.as_deref(), console).await?;
    let mut targets = Vec::new();
    for dialect in &dialects {
        let builder = limited(station.client(dialect)?, &overrides);
        let builder = builder.policy(policy(&args.save, station.is_mock())).download(download(&args.save));
        let client = builder.strictness(args.request.check.into()).build()?;
        targets.push(Target { client, fit: args.request.fit });
    }
    let base_url = station.named_url().and(targets.first()).map(|target| target.client.base_url().to_owned());
    let again = Again { base_url, out: args.save.out().to_owned(), mock: station.is_mock() };

    let providers: Vec<Arc<dyn ImageProvider>> = if args.fallback {
        let all = targets.into_iter().map(|target| Arc::new(target) as Arc<dyn ImageProvider>);
        vec![Arc::new(Fallback::new(all.collect())?)]
    } else {
        targets.into_iter().map(|target| Arc::new(target) as _).collect()
    };
    let cancel = Cancel::on_signals(Some(console))?;
    let jobs = providers.iter().map(|provider| {
        let job = provider.job(request.clone()).save_to(args.save.out()).controlled_by(cancel.control());
        if args.save.no_sidecar { job.without_sidecar() } else { job }
    });
    // All are checked before any is sent to.
    let jobs: Vec<(&str, Result<Asked, JobError>)> = providers
        .iter()
        .zip(jobs)
        .map(|(provider, job)| (provider.descriptor().id.as_str(), Asked::of(job, args.exactly)))
        .collect();
    let rows = if jobs.iter().any(|(_, asked)| asked.is_err()) {
        refused(jobs, console)
    } else {
        let asked = jobs.into_iter().filter_map(|(id, asked)| Some(asked.ok()?.run(id, args.request.stream, console)));
        join_all(asked).await.into_iter().flatten().collect()
    };
    report::print(&rows, args.json, &again, cancel.control().is_cancelled(), console)
}

/// What one provider is asked.
enum Asked {
    Once(Job),
    Exactly(Exactly, u32),
}

impl Asked {
    /// Checks it.
    fn of(job: Job, exactly: Option<u32>) -> Result<Self, JobError> {
        match exactly {
            Some(images) => Ok(Self::Exactly(Exactly::new(job, images).prepare()?, images)),
            None => Ok(Self::Once(job.prepare()?)),
        }
    }

    async fn run(self, provider: &str, one_by_one: bool, console: &Console) -> Vec<Row> {
        let mut teller = Teller::new(console, provider, one_by_one);
        match self {
            Self::Once(job) => vec![Row::of(teller.follow(job).await)],
            Self::Exactly(exactly, images) => {
                let collected = exactly.run_with_events(|_, event| teller.tell(event)).await;
                let (delivered, requests) = (collected.delivered(), collected.purchases.len());
                if delivered > images {
                    let message = "a request of one brought several";
                    console.note(&format!(
                        "warning: {provider}: {delivered} images came where {images} were asked for: {message}"
                    ));
                }
                if delivered < images {
                    let message = format!("{delivered} of {images} images were delivered by {requests} requests");
                    console.note(&format!("{provider}: {message}"));
                }
                let mut rows: Vec<_> = collected.purchases.into_iter().map(Row::of).collect();
                if delivered > 0 {
                    rows.iter_mut().for_each(Row::is_part);
                }
                rows
            }
        }
    }
}

/// Where one provider refuses, nothing is sent to any.
fn refused(jobs: Vec<(&str, Result<Asked, JobError>)>, console: &Console) -> Vec<Row> {
    let others: Vec<_> = jobs.iter().filter(|(_, asked)| asked.is_ok()).map(|(id, _)| *id).collect();
    if !others.is_empty() {
        let others = others.join(", ");
        console.note(&format!(
            "nothing was sent to {others} either: name the providers that accept the request with --provider, or ask one after the other with --fallback"
        ));
    }
    jobs.into_iter().filter_map(|(_, asked)| Some(Row::refused(asked.err()?))).collect()
}

/// The mock in this process. Its streams come at a pace that can be seen.
fn embedded(stream: bool) -> MockServerBuilder {
    let pace = Fault { pace: Some(Duration::from_millis(250)), ..Fault::default() };
    MockServer::builder().faults(stream.then_some(pace))
}

/// How patient a run is.
pub(crate) fn policy(args: &SaveArgs, mock: bool) -> Policy {
    let mut policy = Policy::default();
    if let Some(deadline) = args.deadline {
        policy.deadline = deadline;
    }
    if mock {
        // Nobody is disturbed by frequent questions there.
        policy.pace.shortest = Duration::from_millis(100);
    }
    policy
}

/// How images are fetched.
pub(crate) fn download(args: &SaveArgs) -> DownloadOptions {
    let options = DownloadOptions::default().allow_http(args.allow_http_results);
    match args.deadline {
        // What is paid for is fetched even behind the deadline, but with no more patience than the user has.
        Some(deadline) => options.clone().timeouts(options.stall, deadline),
        None => options,
    }
}
