//! `seedream generate`: every provider side by side.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use seedream::{Client, Count, DownloadOptions, ImageProvider as _, ImageRequest, Policy, Sidecar, Warning};

use crate::{
    args::{GenerateArgs, SaveArgs},
    cancel::Cancel,
    exit::{Exit, Failure},
    keys::{self, Station},
    limits::limited,
    output::Console,
    report::{self, Again, Asked, Outcome},
    run::Run,
    store,
};

/// What one provider is asked.
#[derive(Debug)]
struct Order {
    client: Client,
    request: ImageRequest,
    fitted: Vec<Warning>,
}

/// Asks every provider and saves what comes.
///
/// # Errors
/// What keeps all of them from being asked; what becomes of each is reported.
pub(crate) async fn generate(args: &GenerateArgs, console: &Console) -> Result<Exit, Failure> {
    let dialects = keys::choose(&args.provider, keys::environment)?;
    let request = args.request.request()?;
    let overrides = args.provider.overrides()?;
    let station = Station::open(args.provider.mock, args.provider.base_url.as_deref(), console).await?;
    let mut orders = Vec::new();
    for dialect in &dialects {
        let builder = limited(station.client(dialect)?, &overrides);
        let builder = builder.policy(policy(&args.save, station.is_mock())).download(download(&args.save));
        // Beside their final place, so that saving a picture of any size is a rename.
        let builder = builder.spool(&args.save.out);
        let client = builder.strictness(args.request.check.into()).build()?;
        let (request, fitted) = args.request.for_provider(&request, &client);
        orders.push(Order { client, request, fitted });
    }
    // A folder is made only where something will be in it.
    if orders.iter().any(|order| order.client.plan(&order.request).is_ok()) {
        store::prepare(&args.save.out)?;
    }
    let cancel = Cancel::on_signals(Some(console))?;
    let outcomes = join_all(orders.into_iter().map(|order| order.fill(&args.save, &cancel, console))).await;
    let base_url = station.named_url().map(str::to_owned);
    let again = Again { base_url, out: args.save.out.clone(), mock: station.is_mock() };
    report::print(&outcomes, args.json, &again, cancel.is_asked(), console)
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

/// How pictures are fetched.
pub(crate) fn download(args: &SaveArgs) -> DownloadOptions {
    let options = DownloadOptions::default().allow_http(args.allow_http_results);
    match args.deadline {
        // What is paid for is fetched even behind the deadline, but with no more patience than the user has.
        Some(deadline) => options.clone().patience(options.stall, deadline),
        None => options,
    }
}

impl Order {
    async fn fill(self, save: &SaveArgs, cancel: &Cancel, console: &Console) -> Outcome {
        let started = Instant::now();
        let Self { client, request, fitted } = self;
        let mut asked = Asked {
            provider: client.dialect().descriptor().id,
            model: Some(client.capabilities(&request.model).model.to_string()),
            requested: Some(request.count.map_or(1, Count::ceiling)),
            warnings: fitted,
        };
        let mut sidecar = Sidecar::new(&client);
        // The plan is the check: what it finds is known even if the answer never comes.
        match client.plan(&request) {
            Ok(plan) => {
                sidecar.asked(&request);
                sidecar.planned(&plan);
                asked.warnings.extend(plan.warnings);
            }
            Err(error) => return Outcome::refused(asked, &error),
        }
        let events = match client.events(request).await {
            Ok(events) => events,
            Err(error) => return Outcome::refused(asked, &error),
        };
        let run = Run { client: &client, out: &save.out, console, cancel };
        let ended = run.through(events, None).await;
        let sidecar = if save.no_sidecar { None } else { run.note(sidecar, &ended).await };
        Outcome::of(asked, ended, started.elapsed()).beside(sidecar)
    }
}
