//! What the store needs of a database.

use std::{any::Any, fmt, path::PathBuf};

use seedream_client::Refusal;

use super::value::{DatabaseError, FailureKind, Result, Row, Value};

/// Where a ledger is.
pub(crate) trait Site: Send + Sync {
    /// What messages call it: a path, or a URL without its password.
    fn name(&self) -> &str;

    /// Opens it, and makes it where that is wanted. Called by the thread that writes.
    ///
    /// # Errors
    /// It cannot be used, or is none of this version's.
    fn open(&self) -> Result<Opened, Refusal>;

    /// A new worker, which is alive as long as the value lives. It blocks the thread.
    ///
    /// # Errors
    /// Other workers could not see it.
    fn worker(&self) -> Result<Alive, Refusal>;
}

/// A ledger that was opened.
pub(crate) struct Opened {
    pub(crate) connection: Box<dyn Connection>,
    /// What the names of files begin with that hold what could not be written.
    pub(crate) spool: PathBuf,
}

/// The name of the thread that writes.
pub(crate) const WRITING_THREAD: &str = "seedream-ledger";

/// A worker that others see as alive.
pub(crate) struct Alive {
    pub(crate) id: u64,
    /// Ends it when it is dropped.
    _kept: Box<dyn Any + Send + Sync>,
}

impl Alive {
    pub(crate) fn new(id: u64, kept: impl Any + Send + Sync) -> Self {
        Self { id, _kept: Box::new(kept) }
    }
}

impl fmt::Debug for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alive").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is known of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It works, or cannot be seen to have ended.
    Alive,
    /// It was not seen for so long that others take over. It may still wait for a response.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a file's lock is held or is not"))]
    Silent,
    /// It has ended.
    Ended,
}

/// One connection, used by one thread. Parameters are `?1`, `?2`, …
pub(crate) trait Connection: Send {
    /// Executes a statement; gives back how many rows it changed.
    fn execute(&self, sql: &str, values: &[Value]) -> Result<u64>;

    /// Executes a statement that gives rows.
    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>>;

    /// Executes several statements.
    fn batch(&self, sql: &str) -> Result<()>;

    /// Begins a transaction that writes. No other one of this ledger runs at the same time.
    fn begin(&self) -> Result<()>;

    /// Commits: what is written is on disk when it returns. After an error it is not known whether it is.
    fn commit(&self) -> Result<()>;

    /// Ends the transaction without writing.
    fn rollback(&self) -> Result<()>;

    /// Whether a transaction is open. Some failures end it.
    fn is_in_transaction(&self) -> bool;

    /// The time for deadlines, in seconds, of a clock that all workers share.
    fn now(&self) -> i64;

    /// The day in UTC, as `2026-11-29`.
    fn day(&self) -> String;

    /// Which start of the machine the clock belongs to, where it ends with the machine.
    fn boot(&self) -> Option<&'static str>;

    /// What is known of a worker.
    fn presence(&self, worker: u64) -> Result<Presence>;

    /// Notes in this transaction that a worker is alive.
    fn is_seen(&self, worker: u64) -> Result<()>;

    /// # Errors
    /// The database is not the one that has the latest entries: nothing may be sent.
    fn may_send(&self) -> Result<(), Refusal>;
}

impl dyn Connection + '_ {
    /// The first row of a result, if there is one.
    pub(crate) fn find(&self, sql: &str, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// The first row of a result.
    ///
    /// # Errors
    /// [`FailureKind::NoRow`].
    pub(crate) fn row(&self, sql: &str, values: &[Value]) -> Result<Row> {
        let none = || DatabaseError { kind: FailureKind::NoRow, message: "a row is missing".to_owned() };
        self.find(sql, values)?.ok_or_else(none)
    }

    /// The numbers in the first column of a result.
    pub(crate) fn ids(&self, sql: &str, values: &[Value]) -> Result<Vec<i64>> {
        self.query(sql, values)?.iter().map(|row| row.get(0)).collect()
    }
}
