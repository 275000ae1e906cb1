//! Stores of records: what a job asks of them.

use std::{fmt, path::Path};

use async_trait::async_trait;

use super::{
    entry::{Intent, RecordEntry},
    history::History,
    store_refusal::Refusal,
};
use crate::transport::SendBefore;

/// Keeps records of purchases. After any [`Refusal`] nothing is sent.
#[async_trait]
pub trait JobStore: fmt::Debug + Send + Sync {
    /// Records the first attempt of a purchase. The intent is durable when this returns.
    ///
    /// # Errors
    /// Why the attempt must not be made.
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal>;

    /// The records that are not over.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn unfinished(&self) -> Result<Vec<History>, Refusal>;

    /// Takes over the record of a process that has ended.
    ///
    /// # Errors
    /// [`Refusal::Running`] where its process goes on; the store cannot be read, or knows no such record.
    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal>;

    /// Warnings about how records are kept, in sentences. Each is given once.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The record of one purchase, which this process alone writes to while it holds it.
#[async_trait]
pub trait JobRecord: fmt::Debug + Send + Sync {
    /// The id under which the store knows it; for a person, and for [`JobStore::open`].
    fn id(&self) -> &str;

    /// Until when the first byte of the attempt that was begun last may leave; `None` where that does not matter.
    fn send_before(&self) -> Option<SendBefore> {
        None
    }

    /// Whether the record is there after [`RecordEntry::Ended`], or would be if it were dropped now: something is left to be collected or
    /// looked into.
    fn stays(&self) -> bool {
        false
    }

    /// Whether a file that an entry names is durable, so that it need not be synced again.
    fn has_synced(&self, file: &Path) -> bool {
        let _ = file;
        false
    }

    /// Records the next attempt of the purchase. It, and every entry before it, is durable when this returns.
    ///
    /// # Errors
    /// Why the attempt must not be made.
    async fn attempt(&mut self, intent: &Intent) -> Result<(), Refusal>;

    /// Adds an entry. [`RecordEntry::Accepted`] and [`RecordEntry::Answered`] are durable when this returns, with the files that they name; every
    /// other is before the next attempt. After [`RecordEntry::Ended`] the record is closed, and goes where nothing is left to be done.
    ///
    /// # Cancel safety
    /// The first poll hands the entry over: it is written even if the future is dropped.
    ///
    /// # Errors
    /// [`Refusal::Storage`]. The job continues without the record, and sends no other POST.
    async fn append(&mut self, entry: RecordEntry) -> Result<(), Refusal>;
}

/// A store that keeps nothing, for jobs whose images stay in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

#[async_trait]
impl JobStore for NoStore {
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        Ok(Box::new(NoRecord(intent.job.clone())))
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        Ok(Vec::new())
    }

    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        Err(Refusal::Storage { message: format!("{id} was not recorded: this store keeps nothing"), source: None })
    }
}

/// The record of a job that has none.
#[derive(Debug)]
struct NoRecord(String);

#[async_trait]
impl JobRecord for NoRecord {
    fn id(&self) -> &str {
        &self.0
    }

    async fn attempt(&mut self, _: &Intent) -> Result<(), Refusal> {
        Ok(())
    }

    async fn append(&mut self, _: RecordEntry) -> Result<(), Refusal> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_keeps_nothing_has_nothing() {
        let record = NoStore.begin(&Intent::new("job", "tiny", "m".into())).await.unwrap();
        assert_eq!((record.id(), record.stays(), record.has_synced(Path::new("a"))), ("job", false, false));
        assert!(record.send_before().is_none() && NoStore.warnings().is_empty());
        assert!(NoStore.unfinished().await.unwrap().is_empty() && NoStore.open("job").await.is_err());
    }
}
