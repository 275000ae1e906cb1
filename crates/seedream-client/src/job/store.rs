//! Stores of records: what a job asks of them, and why they may refuse.

use std::{
    error::Error as StdError,
    fmt,
    path::Path,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use seedream_core::{Error, ErrorKind};
use tokio::time::Instant;

use super::{Entry, History, Intent};

/// Until when the first byte of an attempt may leave, by the clock that says the later time: one that a process slept through counts.
#[derive(Clone, Copy, Debug)]
pub struct SendBefore {
    instant: Instant,
    wall: Option<SystemTime>,
}

impl SendBefore {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self { instant: now.checked_add(time).unwrap_or(now), wall: SystemTime::now().checked_add(time) }
    }

    /// The moment by the monotonic clock.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// Whether it is too late.
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.instant || self.wall.is_some_and(|wall| SystemTime::now() >= wall)
    }
}

/// Keeps records of purchases. Whatever [`Refusal`] it gives, nothing is sent.
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

    /// What is to be told about how records are kept, in sentences. Each is given once.
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

    /// Whether the record is there after [`Entry::Ended`], or would be if it were dropped now: something is left to be collected or
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

    /// Adds an entry. [`Entry::Accepted`] and [`Entry::Answered`] are durable when this returns, with the files that they name; every
    /// other is before the next attempt. After [`Entry::Ended`] the record is closed, and goes where nothing is left to be done.
    ///
    /// # Cancel safety
    /// The first poll hands the entry over: it is written even if the future is dropped.
    ///
    /// # Errors
    /// [`Refusal::Storage`]. The job goes on without the record, and sends no POST any more.
    async fn append(&mut self, entry: Entry) -> Result<(), Refusal>;
}

/// Why a store does not record an attempt. Nothing was sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It would cost more than is left.
    Budget {
        /// What is exceeded, in a sentence.
        message: String,
    },
    /// A job of this id is known: what it wanted was bought, or may have been.
    AlreadyBought {
        /// The record of that job.
        id: String,
    },
    /// Another process works on this record.
    Running {
        /// The record.
        id: String,
    },
    /// Another process has taken over.
    Fenced {
        /// The record.
        id: String,
    },
    /// The store cannot be read or written.
    Storage {
        /// What failed, in a sentence.
        message: String,
        /// The cause.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
}

impl Refusal {
    /// A store that cannot be read or written, with the cause.
    pub fn storage(message: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Storage { message: message.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget { message } => f.write_str(message),
            Self::AlreadyBought { id } => write!(f, "{id} was bought already, or may have been"),
            Self::Running { id } => write!(f, "{id} belongs to a process that is running"),
            Self::Fenced { id } => write!(f, "another process has taken over {id}"),
            Self::Storage { message, .. } => f.write_str(message),
        }
    }
}

impl StdError for Refusal {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Storage { source, .. } => source.as_deref().map(|source| source as &(dyn StdError + 'static)),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    /// An error that cost nothing, since nothing was sent.
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Storage { .. } => ErrorKind::Storage,
            _ => ErrorKind::NotRecorded,
        };
        Self::new(kind, format!("{refusal}; nothing was sent")).with_source(refusal)
    }
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

    async fn append(&mut self, _: Entry) -> Result<(), Refusal> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Departure, Reached};

    /// A process that is suspended sees its monotonic clock stand still.
    #[test]
    fn the_clock_that_says_the_later_time_decides() {
        let hour = Duration::from_secs(3600);
        let (now, wall) = (Instant::now(), SystemTime::now());
        let early = SendBefore { instant: now + hour, wall: Some(wall + hour) };
        let slept = SendBefore { instant: now + hour, wall: Some(wall) };
        let late = SendBefore { instant: now, wall: Some(wall + hour) };
        let no_wall = SendBefore { instant: now + hour, wall: None };
        for (before, has_passed) in [(early, false), (slept, true), (late, true), (no_wall, false)] {
            assert_eq!(before.has_passed(), has_passed, "{before:?}");
            let departure = Departure::before(Some(before));
            departure.watch();
            assert_eq!(departure.leave(), !has_passed);
            assert_eq!(departure.reached() == Reached::NotSent, has_passed);
        }
    }

    #[tokio::test]
    async fn a_store_that_keeps_nothing_has_nothing() {
        let record = NoStore.begin(&Intent::new("job", "tiny", "m".into())).await.unwrap();
        assert_eq!((record.id(), record.stays(), record.has_synced(Path::new("a"))), ("job", false, false));
        assert!(record.send_before().is_none() && NoStore.warnings().is_empty());
        assert!(NoStore.unfinished().await.unwrap().is_empty() && NoStore.open("job").await.is_err());
    }

    #[test]
    fn a_refusal_has_the_cause_of_a_store_that_fails_and_no_other() {
        let cause = |refusal: Refusal| refusal.source().map(ToString::to_string);
        let storage = || Refusal::storage("the ledger is closed", std::io::Error::other("locked"));
        assert_eq!(cause(storage()).as_deref(), Some("locked"));
        assert_eq!(cause(Refusal::Running { id: "job".into() }), None);
        assert_eq!(Error::from(storage()).kind(), ErrorKind::Storage);
        assert_eq!(Error::from(Refusal::Running { id: "job".into() }).kind(), ErrorKind::NotRecorded);
    }
}
