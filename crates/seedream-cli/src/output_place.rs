//! Where the images of a run go: a folder, or a bucket.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use seedream::Job;
use seedream::seedream_client::{FolderOutput, FolderStore, NameTemplate, Output};

use crate::{args::SaveArgs, config::Settings, console::Console, failure::Failure, provider_selection::environment};

/// Where the images of a run go.
#[derive(Clone, Debug)]
pub(crate) enum OutputPlace {
    /// A folder, with the records of jobs that no ledger keeps.
    Folder { folder: PathBuf, name: Option<NameTemplate> },
    #[cfg_attr(not(feature = "storage"), allow(dead_code, reason = "this build opens none"))]
    /// A bucket, with a folder for images that are not there yet, and for records.
    Bucket { output: Arc<dyn Output>, spool: PathBuf },
}

impl OutputPlace {
    /// Opens the place that `--out` names, or `url` if it names none. `beside` is what the default spool folder lies beside.
    ///
    /// # Errors
    /// The bucket or the spool folder cannot be used; nothing was sent.
    pub(crate) async fn open(
        save: &SaveArgs,
        url: Option<&str>,
        beside: Beside<'_>,
        settings: &Settings,
        console: &Console,
    ) -> Result<Self, Failure> {
        match save.out_url().or(url) {
            Some(url) => bucket(url, spool(save, beside)?, settings, console).await,
            None => Ok(Self::Folder { folder: save.out().to_owned(), name: save.name.clone() }),
        }
    }

    /// The job with its output, and with its records there.
    pub(crate) fn keep(&self, job: Job) -> Job {
        match self {
            Self::Folder { folder, name } => {
                let job = job.save_to(folder);
                match name {
                    Some(name) => job.output(Arc::new(FolderOutput::new(folder).named(name.clone()))),
                    None => job,
                }
            }
            Self::Bucket { output, spool } => job.output(output.clone()).store(Arc::new(FolderStore::new(spool))),
        }
    }

    /// The output of a line of a batch; names in a folder begin with its key.
    pub(crate) fn of_line(&self, key: &str) -> Arc<dyn Output> {
        match self {
            Self::Folder { folder, name } => {
                let output = FolderOutput::new(folder).prefix(key);
                Arc::new(if let Some(name) = name { output.named(name.clone()) } else { output })
            }
            Self::Bucket { output, .. } => output.clone(),
        }
    }

    /// The output of a record that is resumed, where that is not its folder with the usual names.
    pub(crate) fn resumed(&self, record: &Path) -> Option<Arc<dyn Output>> {
        match self {
            Self::Bucket { output, .. } => Some(output.clone()),
            Self::Folder { name, .. } => {
                let folder = record.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                Some(Arc::new(FolderOutput::new(folder).resuming().named(name.clone()?)))
            }
        }
    }
}

/// What the default spool folder lies beside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beside<'a> {
    /// A ledger: `<ledger>.spool`.
    Ledger(&'a Path),
    /// Records, with which images wait: their folder.
    Records(&'a Path),
    /// Nothing: the folder for the state of programs.
    Nothing,
}

/// The spool folder.
///
/// # Errors
/// There is no default.
fn spool(save: &SaveArgs, beside: Beside<'_>) -> Result<PathBuf, Failure> {
    if let Some(folder) = &save.spool {
        return Ok(folder.clone());
    }
    match beside {
        Beside::Ledger(ledger) => {
            let mut name = ledger.as_os_str().to_owned();
            name.push(".spool");
            Ok(name.into())
        }
        Beside::Records(folder) => Ok(folder.to_owned()),
        Beside::Nothing => {
            let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
            let state = state.or_else(|| set("LOCALAPPDATA")).ok_or_else(|| {
                Failure::usage("--spool is missing, and neither XDG_STATE_HOME nor HOME is set: name a local folder with --spool DIR; nothing was sent")
            })?;
            Ok(state.join("seedream").join("spool"))
        }
    }
}

#[cfg(feature = "storage")]
async fn bucket(url: &str, spool: PathBuf, connection: &Settings, console: &Console) -> Result<OutputPlace, Failure> {
    use seedream::seedream_client::storage::{BucketOutput, BucketSettings};

    let settings = BucketSettings::from_lookup(url, environment)
        .map_err(|error| Failure::usage(format!("--out: {}; nothing was sent", error.message())))?;
    let output = BucketOutput::open(settings, &spool, Arc::new(connection.transport()?)).await.map_err(|error| {
        Failure::usage(format!("--out {url}: {error}; {}; nothing was sent to a provider", error.remedy()))
    })?;
    for warning in output.warnings() {
        console.note(&format!("warning: --out: {warning}"));
    }
    let proof = output.proof();
    console.note(&format!("images wait in {} until {} has them, proven by {proof}", spool.display(), output.url()));
    Ok(OutputPlace::Bucket { output: Arc::new(output), spool })
}

#[cfg(not(feature = "storage"))]
async fn bucket(url: &str, _: PathBuf, _: &Settings, _: &Console) -> Result<OutputPlace, Failure> {
    let remedy = "name a folder, or build it with the feature `storage`";
    Err(Failure::usage(format!("--out {url}: this build saves in folders only: {remedy}; nothing was sent")))
}
