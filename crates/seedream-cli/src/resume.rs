//! `seedream resume`: collects what was bought. Nothing here submits.

use std::{fmt, path::Path, sync::Arc};

use seedream::seedream_client::{FolderStore, Refusal, Resumable};
use seedream::seedream_core::TaskId;
use seedream::{Client, Job};
use seedream_mock::MockServer;

use crate::{
    args::ResumeArgs,
    cancel::Cancel,
    exit::{Exit, Failure},
    generate::{download, policy},
    keys::Station,
    output::Console,
    progress::Teller,
    report::{self, Again, Row},
    target::Target,
};

/// What the user named.
#[derive(Debug, PartialEq)]
enum Named {
    /// A record, or a sidecar that names images which are not saved.
    Left(Resumable),
    /// Nothing but the id of a task.
    Id(String, TaskId),
}

/// Collects what is left of jobs, and saves its images.
///
/// # Errors
/// There is no such file or provider, or no key for it; what becomes of each is reported.
pub(crate) async fn resume(args: &ResumeArgs, console: &Console) -> Result<Exit, Failure> {
    let Found { named, mut problems } = named(&args.task, console).await?;
    if args.save.names_out() && named.iter().any(|named| matches!(named, Named::Left(_))) {
        let message = "--out is for PROVIDER:ID: what a record or a metadata file leads to is saved beside it; move it to save elsewhere";
        return Err(Failure::usage(message));
    }
    let station = Station::open(args.mock.then(MockServer::builder), args.base_url.as_deref(), console).await?;
    let cancel = Cancel::on_signals(Some(console))?;
    let mut base_url = station.named_url().map(str::to_owned);
    let mut rows = Vec::new();
    for named in named {
        let client = match client(args, &named, &station) {
            Ok(client) => client,
            Err(failure) => {
                problems.push(format!("{named}: {}", failure.message));
                continue;
            }
        };
        if station.named_url().is_some() {
            base_url = Some(client.base_url().to_owned());
        }
        let job = job(args, &named, &client, &station).controlled_by(cancel.control());
        let job = if args.save.no_sidecar { job.without_sidecar() } else { job };
        let row = Row::of(Teller::new(console, named.provider(), false).follow(job).await);
        // It was accepted elsewhere: the user has to say that the key may go there.
        if let Some(place) = row.elsewhere() {
            base_url = Some(place.to_owned());
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(Failure::usage(problems.join("\nerror: ")));
    }
    for problem in &problems {
        console.note(&format!("error: {problem}"));
    }
    let again = Again { base_url, out: args.save.out().to_owned(), mock: station.is_mock() };
    let exit = report::print(&rows, args.json, &again, cancel.control().is_cancelled(), console)?;
    let left = (!problems.is_empty()).then_some(Exit::Partial);
    Ok(Exit::of_several(left.into_iter().chain([exit])))
}

fn client(args: &ResumeArgs, named: &Named, station: &Station) -> Result<Client, Failure> {
    let dialect = seedream::dialect(named.provider())?;
    let mut builder = station.client(&dialect)?;
    // A file must not steer the key to a host of its own choice, but any of the documented places may be asked.
    if let (Named::Left(left), Station::Own) = (named, station)
        && dialect.descriptor().base_urls.iter().any(|url| *url == left.endpoint)
    {
        builder = builder.base_url(left.endpoint.as_str());
    }
    let builder = builder.policy(policy(&args.save, station.is_mock())).download(download(&args.save));
    Ok(builder.build()?)
}

/// The job, at the place that the user named, if one was. What is left in a folder is collected there.
fn job(args: &ResumeArgs, named: &Named, client: &Client, station: &Station) -> Job {
    match named {
        Named::Left(left) => {
            let job = client.resume(&left.path.to_string_lossy());
            if matches!(station, Station::Own) { job } else { job.at(client.base_url()) }
        }
        Named::Id(_, id) => {
            let target = Target { client: client.clone(), fit: false };
            Job::collecting(Arc::new(target), client.task(id.clone())).save_to(args.save.out())
        }
    }
}

/// What there is to resume.
#[derive(Debug, Default)]
struct Found {
    named: Vec<Named>,
    /// Why others of the same folder cannot be collected.
    problems: Vec<String>,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(left) => left.path.display().fmt(f),
            Self::Id(provider, id) => write!(f, "{provider}:{id}"),
        }
    }
}

impl Named {
    fn provider(&self) -> &str {
        match self {
            Self::Left(left) => &left.provider,
            Self::Id(provider, _) => provider,
        }
    }
}

/// `PROVIDER:ID` where it begins with a provider, a file or a folder otherwise.
///
/// # Errors
/// Nothing there can be resumed.
async fn named(text: &str, console: &Console) -> Result<Found, Failure> {
    if let Some((provider, id)) = text.split_once(':')
        && seedream::dialect(provider).is_ok()
    {
        let id = TaskId::new(id).map_err(|error| Failure::usage(error.to_string()))?;
        return Ok(Found { named: vec![Named::Id(provider.to_owned(), id)], ..Found::default() });
    }
    let path = Path::new(text);
    if !path.exists() {
        let message = format!("{text} is no file or folder, and no PROVIDER:ID such as evolink:task-unified-1");
        return Err(Failure::usage(message));
    }
    let refused = |refusal: Refusal| Failure::usage(refusal.to_string());
    let (mut found, mut running) = (Found::default(), Vec::new());
    for left in FolderStore::resumable(path).await.map_err(refused)? {
        match left {
            Ok(left) if left.is_running => running.push(left.path.display().to_string()),
            Ok(left) => found.named.push(Named::Left(left)),
            Err(refusal) => found.problems.push(refusal.to_string()),
        }
    }
    if found.named.is_empty() {
        let running =
            running.iter().map(|path| format!("{path} belongs to a process that is running: wait for its end"));
        let reasons: Vec<_> = found.problems.into_iter().chain(running).collect();
        return Err(Failure::usage(if reasons.is_empty() {
            format!("{text} has nothing to resume: no record, and no metadata of an image that is not saved")
        } else {
            reasons.join("\nerror: ")
        }));
    }
    for path in running {
        console.note(&format!("{path} belongs to a process that is running: it is left alone"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_is_named_by_provider_and_id() {
        let console = Console::new();
        let id = TaskId::new("t-1").unwrap();
        assert_eq!(named("evolink:t-1", &console).await.unwrap().named, [Named::Id("evolink".into(), id)]);
        for text in ["evolink:../x", "evolink:", "openai:t-1", "no-such-file", "Cargo.toml"] {
            assert_eq!(named(text, &console).await.unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}
