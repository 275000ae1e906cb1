//! `seedream resume`: fetches the results of earlier requests. It never sends a paid request.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use seedream::seedream_client::{FolderStore, Refusal, Resumable};
use seedream::seedream_core::TaskId;
use seedream::{Client, Job};
use seedream_mock::MockServer;

use crate::{
    args::{ResumeArgs, SaveArgs},
    config::Settings,
    console::Console,
    destination::Destination,
    exit::Exit,
    failure::Failure,
    generate::{download, policy},
    output_place::{Beside, OutputPlace},
    progress::ProgressReporter,
    report::{self, PurchaseResult, ResumeCommand},
    request_fitter::RequestFitter,
    signals::Cancel,
    viewer,
};

/// Something that can be resumed.
#[derive(Debug, PartialEq)]
enum Item {
    /// A record, or a metadata file with images that are not saved.
    File(Resumable),
    /// The provider and id of a task.
    Task(String, TaskId),
}

/// Resumes jobs, saves their images and prints the results.
///
/// # Errors
/// Nothing can be resumed: the file or provider does not exist, or a key is missing.
pub(crate) async fn resume(args: &ResumeArgs, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    args.save.check_out()?;
    let Found { items, mut problems } = find(&args.task, console).await?;
    if let Some(file) = items.iter().find(|item| args.save.names_out() && !item.takes_out(&args.save)) {
        let message = "--out applies only to PROVIDER:ID, and a bucket to a record whose images go to one: other images are saved next to the record or metadata file; move the file to save them elsewhere";
        return Err(Failure::usage(format!("{file}: {message}")));
    }
    let mut places = Places::default();
    let destination =
        Destination::open(args.mock.then(MockServer::builder), args.base_url.as_deref(), settings, console).await?;
    let cancel = Cancel::on_signals(Some(console))?;
    let mut base_url = destination.base_url().map(str::to_owned);
    let mut results = Vec::new();
    for item in items {
        let client = match client(args, &item, &destination) {
            Ok(client) => client,
            Err(failure) => {
                problems.push(format!("{item}: {}", failure.message));
                continue;
            }
        };
        if destination.base_url().is_some() {
            base_url = Some(client.base_url().to_owned());
        }
        let place = match places.of(args, &item, settings, console).await {
            Ok(place) => place,
            Err(failure) => {
                problems.push(format!("{item}: {}", failure.message));
                continue;
            }
        };
        let job = job(&item, &client, &destination, &place).controlled_by(cancel.control());
        let job = if args.save.no_sidecar { job.without_sidecar() } else { job };
        let result = PurchaseResult::new(ProgressReporter::new(console, item.provider(), false).run(job).await);
        // The task is at another endpoint: the user must allow the key to go there.
        if let Some(endpoint) = result.other_endpoint() {
            base_url = Some(endpoint.to_owned());
        }
        results.push(result);
    }
    if results.is_empty() {
        return Err(Failure::usage(problems.join("\nerror: ")));
    }
    for problem in &problems {
        console.note(&format!("error: {problem}"));
    }
    let (out, mock) = (args.save.out().to_owned(), destination.is_mock());
    let resume = ResumeCommand { base_url, out, ledger: None, mock };
    let cancelled = cancel.control().is_cancelled();
    let mut warnings = report::PrintedWarnings::default();
    let exit = report::print(&results, &args.results, &resume, cancelled, &mut warnings, console)?;
    if args.results.open {
        viewer::open(&results, console);
    }
    let partial = (!problems.is_empty()).then_some(Exit::Partial);
    Ok(Exit::of_several(partial.into_iter().chain([exit])))
}

fn client(args: &ResumeArgs, item: &Item, destination: &Destination) -> Result<Client, Failure> {
    let dialect = seedream::dialect(item.provider())?;
    let mut builder = destination.client(&dialect)?;
    // A file must not send the key to any host: only the documented base URLs are accepted from it.
    if let (Item::File(file), Destination::Providers(_)) = (item, destination)
        && dialect.descriptor().base_urls.iter().any(|url| *url == file.endpoint)
    {
        builder = builder.base_url(file.endpoint.as_str());
    }
    let builder = builder.policy(policy(&args.save, destination.is_mock())).download(download(&args.save));
    Ok(builder.build()?)
}

/// The job that resumes an item, at `--base-url` if it is given.
fn job(item: &Item, client: &Client, destination: &Destination, place: &OutputPlace) -> Job {
    match item {
        Item::File(file) => {
            let job = client.resume(&file.path.to_string_lossy());
            let job = match place.resumed(&file.path) {
                Some(output) => job.output(output),
                None => job,
            };
            if matches!(destination, Destination::Providers(_)) { job } else { job.at(client.base_url()) }
        }
        Item::Task(_, id) => {
            let fitting = RequestFitter { client: client.clone(), fit: false, default_model: None };
            place.keep(Job::collecting(Arc::new(fitting), client.task(id.clone())))
        }
    }
}

/// The places that were opened, by the URL and the folder of the records.
#[derive(Default)]
struct Places(Vec<((Option<String>, PathBuf), OutputPlace)>);

impl Places {
    /// Where the images of an item go. A record names its bucket.
    ///
    /// # Errors
    /// As [`OutputPlace::open`].
    async fn of(
        &mut self,
        args: &ResumeArgs,
        item: &Item,
        settings: &Settings,
        console: &Console,
    ) -> Result<OutputPlace, Failure> {
        let (url, records) = match item {
            Item::File(file) => {
                let folder = file.path.parent().filter(|folder| !folder.as_os_str().is_empty());
                (file.place.clone(), folder.unwrap_or(Path::new(".")))
            }
            Item::Task(..) => (None, Path::new("")),
        };
        let key = (url, records.to_owned());
        if let Some((_, place)) = self.0.iter().find(|(known, _)| *known == key) {
            return Ok(place.clone());
        }
        let beside = match item {
            Item::File(_) => Beside::Records(records),
            Item::Task(..) => Beside::Nothing,
        };
        let place = OutputPlace::open(&args.save, key.0.as_deref(), beside, settings, console).await?;
        self.0.push((key, place.clone()));
        Ok(place)
    }
}

/// The items to resume.
#[derive(Debug, Default)]
struct Found {
    items: Vec<Item>,
    /// Why other files of the folder cannot be resumed.
    problems: Vec<String>,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.path.display().fmt(f),
            Self::Task(provider, id) => write!(f, "{provider}:{id}"),
        }
    }
}

impl Item {
    /// Whether `--out` applies to it.
    fn takes_out(&self, save: &SaveArgs) -> bool {
        match self {
            Self::File(file) => file.place.is_some() && save.out_url().is_some(),
            Self::Task(..) => true,
        }
    }

    fn provider(&self) -> &str {
        match self {
            Self::File(file) => &file.provider,
            Self::Task(provider, _) => provider,
        }
    }
}

/// Finds the items: the task if the text begins with a provider and a colon, else those of a file or folder.
///
/// # Errors
/// Nothing can be resumed.
async fn find(text: &str, console: &Console) -> Result<Found, Failure> {
    if let Some((provider, id)) = text.split_once(':')
        && let Ok(dialect) = seedream::dialect(provider)
    {
        if dialect.tasks().is_none() {
            let message = "this provider has no tasks; resume a record instead, such as: seedream resume out";
            return Err(Failure::usage(format!("{text}: {message}")));
        }
        let id = TaskId::new(id).map_err(|error| Failure::usage(error.to_string()))?;
        return Ok(Found { items: vec![Item::Task(provider.to_owned(), id)], ..Found::default() });
    }
    let path = Path::new(text);
    if !path.exists() {
        let message = format!("{text} is not a file, a folder or PROVIDER:ID, such as evolink:task-unified-1");
        return Err(Failure::usage(message));
    }
    let refused = |refusal: Refusal| Failure::usage(refusal.to_string());
    let (mut found, mut running) = (Found::default(), Vec::new());
    for file in FolderStore::resumable(path).await.map_err(refused)? {
        match file {
            Ok(file) if file.is_running => running.push(file.path.display().to_string()),
            Ok(file) => found.items.push(Item::File(file)),
            Err(refusal) => found.problems.push(refusal.to_string()),
        }
    }
    if found.items.is_empty() {
        let running = running.iter().map(|path| format!("{path} is in use by a running process: wait until it ends"));
        let reasons: Vec<_> = found.problems.into_iter().chain(running).collect();
        return Err(Failure::usage(if reasons.is_empty() {
            format!("{text} has nothing to resume: no job record, and no metadata file with unsaved images")
        } else {
            reasons.join("\nerror: ")
        }));
    }
    for path in running {
        console.note(&format!("{path} is in use by a running process: skipped"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn provider_and_id_select_a_task() {
        let console = Console::new();
        let id = TaskId::new("t-1").unwrap();
        assert_eq!(find("evolink:t-1", &console).await.unwrap().items, [Item::Task("evolink".into(), id)]);
        for text in ["evolink:../x", "evolink:", "ark:t-1", "openai:t-1", "no-such-file", "Cargo.toml"] {
            assert_eq!(find(text, &console).await.unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}
