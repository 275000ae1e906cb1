//! `seedream resume`: collects an accepted task. Nothing here submits.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use seedream::{Client, Dialect, ErrorKind, Sidecar, Task, TaskId};
use seedream_mock::MockServer;

use crate::{
    args::ResumeArgs,
    cancel::Cancel,
    exit::{Exit, Failure},
    generate::{download, policy},
    keys::Station,
    output::Console,
    report::{self, Again, Asked, Outcome},
    run::{Accepted, Run},
    store,
};

/// What the user named.
#[derive(Debug, PartialEq)]
enum Named {
    /// A file with the whole task.
    File(PathBuf, Box<Task>),
    /// Nothing but its id.
    Id(String, TaskId),
}

/// Collects a task and saves its pictures.
///
/// # Errors
/// There is no such file or provider, or no key for it; what becomes of the task is reported.
pub(crate) async fn resume(args: &ResumeArgs, console: &Console) -> Result<Exit, Failure> {
    let named = named(&args.task)?;
    let dialect = seedream::dialect(named.provider())?;
    let station = Station::open(args.mock.then(MockServer::builder), args.base_url.as_deref(), console).await?;
    let client = client(args, &named, &station, &dialect)?;
    store::prepare(&args.save.out).await?;
    let accepted = accepted(args, named, &client, &station);
    let mut again = Again {
        base_url: station.named_url().map(|_| client.base_url().to_owned()),
        out: args.save.out.clone(),
        mock: station.is_mock(),
    };

    let started = Instant::now();
    let model = accepted.task.model.as_str();
    let asked = Asked {
        provider: dialect.descriptor().id,
        model: (!model.is_empty()).then(|| model.to_owned()),
        requested: None,
        warnings: client.warnings(),
    };
    let cancel = Cancel::on_signals(Some(console))?;
    let outcome = match client.resume_events(accepted.task.clone()) {
        Ok(events) => {
            let run = Run {
                client: &client,
                out: &args.save.out,
                console,
                cancel: &cancel,
                one_by_one: false,
                asked_size: None,
            };
            let ended = run.through(events, Some(accepted)).await;
            let sidecar = if args.save.no_sidecar { None } else { run.note(Sidecar::new(&client), &ended).await };
            Outcome::of(asked, ended, started.elapsed()).beside(sidecar)
        }
        // It was accepted elsewhere: the user has to say that the key may go there.
        Err(error) if error.kind() == ErrorKind::Config => {
            again.base_url = Some(accepted.task.endpoint.clone());
            Outcome::refused(asked, error).keeping(accepted)
        }
        Err(error) => Outcome::refused(asked, error),
    };
    report::print(&[outcome], args.json, &again, cancel.is_asked(), console)
}

fn client(args: &ResumeArgs, named: &Named, station: &Station, dialect: &Arc<dyn Dialect>) -> Result<Client, Failure> {
    let mut builder = station.client(dialect)?;
    // A file must not steer the key to a host of its own choice, but any of the documented places may be asked.
    if let (Named::File(_, task), Station::Own) = (named, station)
        && dialect.descriptor().base_urls.contains(&task.endpoint.as_str())
    {
        builder = builder.base_url(task.endpoint.as_str());
    }
    let builder = builder.policy(policy(&args.save, station.is_mock())).download(download(&args.save));
    Ok(builder.spool(&args.save.out).build()?)
}

/// The task and its file, at the place that the user named, if one was.
fn accepted(args: &ResumeArgs, named: Named, client: &Client, station: &Station) -> Accepted {
    match named {
        Named::File(path, mut task) => {
            if !matches!(station, Station::Own) {
                task.endpoint = client.base_url().to_owned();
            }
            Accepted { task: *task, file: Some(path) }
        }
        Named::Id(_, id) => {
            let task = client.task(id);
            let file = store::path_of(&args.save.out, &task);
            // A file of this very task is settled with it.
            match store::read(&file) {
                Ok(kept) if kept.id == task.id => Accepted { task, file: Some(file) },
                _ => Accepted { task, file: None },
            }
        }
    }
}

impl Named {
    fn provider(&self) -> &str {
        match self {
            Self::File(_, task) => &task.provider,
            Self::Id(provider, _) => provider,
        }
    }
}

/// `PROVIDER:ID` where it begins with a provider, a file otherwise.
fn named(text: &str) -> Result<Named, Failure> {
    if let Some((provider, id)) = text.split_once(':')
        && seedream::dialect(provider).is_ok()
    {
        let id = TaskId::new(id).map_err(|error| Failure::usage(error.to_string()))?;
        return Ok(Named::Id(provider.to_owned(), id));
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(Failure::usage(format!("{text} is no file, and no PROVIDER:ID such as evolink:task-unified-1")));
    }
    Ok(Named::File(path.to_owned(), Box::new(store::read(path)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_by_provider_and_id_or_by_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let task = Task::new("evolink", "https://a.example", TaskId::new("t-1").unwrap(), "m".into());
        let path = dir.path().join("a:b.task.json");
        std::fs::write(&path, serde_json::to_string(&task).unwrap()).unwrap();
        assert_eq!(named(path.to_str().unwrap()).unwrap(), Named::File(path, Box::new(task.clone())));
        assert_eq!(named("evolink:t-1").unwrap(), Named::Id("evolink".into(), task.id));
        for text in ["evolink:../x", "evolink:", "openai:t-1", "no-such-file"] {
            assert_eq!(named(text).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}
