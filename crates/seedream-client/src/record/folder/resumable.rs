//! What a folder has to resume: records, and sidecars that name images which are not saved.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    record_file::{self, RecordState},
    record_name,
};
use crate::{output::Sidecar, record::Refusal};

/// Something that [`Job::resumed`](crate::Job::resumed) takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumable {
    /// Its path, which `resume` is given.
    pub path: PathBuf,
    /// The provider's id; empty where a process works on the record.
    pub provider: String,
    /// The base URL.
    pub endpoint: String,
    /// Where its images go, where that is no folder.
    pub place: Option<String>,
    /// Whether a process works on it.
    pub is_running: bool,
}

/// What is at a path: each thing, or why it cannot be read.
pub(super) fn at(path: &Path) -> Result<Vec<Result<Resumable, Refusal>>, Refusal> {
    let unreadable =
        |error: std::io::Error| Refusal::storage(format!("{} cannot be read: {error}", path.display()), error);
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(one(path).transpose().into_iter().collect());
    }
    let mut names: Vec<_> =
        fs::read_dir(path).map_err(unreadable)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    names.sort();
    let is_sidecar = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
    let mut found = Vec::new();
    for name in names {
        if record_name::is_record(&name) {
            found.extend(one(&name).transpose());
        } else if is_sidecar(&name) {
            // Any other JSON file is nothing to resume.
            found.extend(one(&name).ok().flatten().map(Ok));
        }
    }
    Ok(found)
}

fn one(path: &Path) -> Result<Option<Resumable>, Refusal> {
    if record_name::is_record(path) {
        return Ok(match record_file::look(path)? {
            RecordState::Here(history) => {
                let intent = history.intent();
                let of = |text: &str| text.to_owned();
                Some(Resumable {
                    path: path.to_owned(),
                    provider: intent.map(|intent| of(&intent.provider)).unwrap_or_default(),
                    endpoint: intent.map(|intent| of(&intent.endpoint)).unwrap_or_default(),
                    place: intent.and_then(|intent| intent.place.clone()),
                    is_running: false,
                })
            }
            RecordState::Running => {
                let (provider, endpoint) = (String::new(), String::new());
                Some(Resumable { path: path.to_owned(), provider, endpoint, place: None, is_running: true })
            }
            RecordState::Gone => None,
        });
    }
    let text = fs::read_to_string(path)
        .map_err(|error| Refusal::storage(format!("{} cannot be read: {error}", path.display()), error))?;
    let sidecar = Sidecar::read(&text).map_err(|reason| Refusal::Storage {
        message: format!(
            "{} is neither a job record (.job.jsonl) nor a metadata file (.json): {reason}; name a file that a job wrote",
            path.display()
        ),
        source: None,
    })?;
    let outcome = sidecar.outcome;
    Ok(outcome.is_incomplete().then(|| Resumable {
        path: path.to_owned(),
        provider: outcome.provider,
        endpoint: outcome.endpoint,
        place: None,
        is_running: false,
    }))
}
