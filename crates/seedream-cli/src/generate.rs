//! `seedream generate`: every provider side by side, or one after the other.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use seedream::{DownloadOptions, Fallback, ImageProvider, Policy};
use seedream_mock::{Fault, MockServer, MockServerBuilder};

use crate::{
    args::{GenerateArgs, SaveArgs},
    cancel::Cancel,
    exit::{Exit, Failure},
    keys::{self, Station},
    limits::limited,
    order::{Desk, Order},
    output::Console,
    report::{self, Again, Outcome},
    store,
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
        store::prepare(&args.save.out).await?;
    }
    let cancel = Cancel::on_signals(Some(console))?;
    let desk = Desk { save: &args.save, cancel: &cancel, console };
    let outcomes = match args.exactly {
        _ if args.fallback => in_turn(&orders, &desk).await?,
        Some(pictures) => {
            let filled = join_all(orders.iter().map(|order| order.fill_exactly(pictures, &desk))).await;
            filled.into_iter().flatten().collect()
        }
        None => join_all(orders.iter().map(|order| order.fill(&desk))).await,
    };
    let base_url = station.named_url().and(orders.first()).map(|order| order.client.base_url().to_owned());
    let again = Again { base_url, out: args.save.out.clone(), mock: station.is_mock() };
    report::print(&outcomes, args.json, &again, cancel.is_asked(), console)
}

/// The mock in this process. Its streams come at a pace that can be seen.
fn embedded(stream: bool) -> MockServerBuilder {
    let pace = Fault { pace: Some(Duration::from_millis(250)), ..Fault::default() };
    MockServer::builder().faults(stream.then_some(pace))
}

/// Asks one provider after the other, until one takes the request or may have.
async fn in_turn(orders: &[Order], desk: &Desk<'_>) -> Result<Vec<Outcome>, Failure> {
    let clients = orders.iter().map(|order| Arc::new(order.client.clone()) as Arc<dyn ImageProvider>);
    let fallback = Fallback::new(clients.collect())?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for order in orders {
        if let Some(before) = outcomes.last_mut() {
            if !before.cause().is_some_and(|error| fallback.allows(error)) {
                break;
            }
            before.pass_on();
        }
        outcomes.push(order.fill(desk).await);
    }
    Ok(outcomes)
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
