//! The store: one implementation for every database.
//!
//! [`database`] connects to one, [`writer`] is the thread that writes, [`rows`] executes the protocol, [`apply`] reads entries,
//! [`record`] is what a client writes to. Every statement is in [`sql`].

mod apply;
pub(crate) mod database;
mod failure;
mod folder;
mod plan;
mod query;
mod random;
mod record;
mod rows;
mod spool;
mod sql;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

use std::{collections::HashSet, fmt, path::Path, sync::Arc};

use seedream_client::Refusal;

#[cfg(feature = "postgres")]
pub use self::database::postgres::ServerOptions;
use self::{
    database::{Site, sqlite::SqliteFile, values},
    failure::storage,
    rows::{Failed, StoredPurchase, find_record},
    writer::{Database, Writer},
};
pub use self::{
    failure::LedgerError,
    plan::{PlanReport, PlannedLine},
    worker::{LineWork, Taken, Worker, WorkerOptions},
};
use crate::{
    budget::Budget,
    identity::Keys,
    protocol::{Action, Illegal, LineState, Verdict},
    report::{JobDetail, JobFilter, JobRow, Salvage, SpendRow},
};

/// A ledger of jobs, in a file or on a server. Clones are the same ledger.
///
/// Several processes may use one ledger at the same time. Every write is on disk when its future is done. The first poll of a future
/// hands its work over to a thread of the ledger; dropping the future afterwards does not recall it.
#[derive(Clone)]
pub struct Ledger {
    writer: Writer,
    site: Arc<dyn Site>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// How a person decides about an attempt of unknown outcome.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolution {
    /// The decision.
    pub verdict: Verdict,
    /// Whether it holds although the request may still be under way.
    pub is_forced: bool,
    /// The budget, which a second attempt has to fit in.
    pub budget: Option<Budget>,
}

impl Resolution {
    /// A decision that waits until the request can no longer be under way.
    pub fn new(verdict: Verdict) -> Self {
        Self { verdict, is_forced: false, budget: None }
    }

    /// Decides although the request may still be under way.
    #[must_use]
    pub fn force(mut self) -> Self {
        self.is_forced = true;
        self
    }

    /// Sets the budget.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }
}

impl Ledger {
    /// Opens a ledger, and makes one where there is no file. It reads and writes the disk on this thread.
    ///
    /// What earlier processes could not write and kept beside the file is written now.
    ///
    /// # Errors
    /// [`Refusal::Storage`]: the file is damaged, of a newer version or of another program, cannot be written, or is on a network file
    /// system. It is left as it is.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LedgerError> {
        Self::at(Arc::new(SqliteFile::new(path.as_ref())?))
    }

    /// Opens the ledger in a PostgreSQL database, and creates it if it is missing: in the schema `seedream_ledger`, one ledger in each database.
    /// The URL is `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; without a password it takes that of the variable `PGPASSWORD`. It
    /// blocks this thread.
    ///
    /// What earlier processes on this machine could not write and kept in a file is written now.
    ///
    /// # Errors
    /// [`Refusal::Storage`]: the server cannot be reached, is older than version 12, or may lose what it says it has written
    /// (`fsync`, `full_page_writes`); the ledger is of a newer version; or the folder for a spool cannot be made.
    #[cfg(feature = "postgres")]
    pub fn connect(url: &str, options: ServerOptions) -> Result<Self, LedgerError> {
        Self::at(Arc::new(database::postgres::PostgresServer::new(url, options)?))
    }

    fn at(site: Arc<dyn Site>) -> Result<Self, LedgerError> {
        let writer = Writer::start(
            site.clone(),
            #[cfg(test)]
            Arc::default(),
        )?;
        Ok(Self { writer, site })
    }

    /// The file, or the URL of the database without its password and parameters.
    pub fn name(&self) -> &str {
        self.site.name()
    }

    /// Waits until everything that was handed over before is done.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    ///
    /// # Errors
    /// [`Refusal::Storage`] where the ledger cannot be written.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        Ok(self.writer.call(|_| Ok(())).await?)
    }

    /// A worker, which takes lines and is the [`JobStore`](seedream_client::JobStore) of their jobs. It counts as alive as long as the
    /// worker or one of its records exists, or until the process ends in whatever way. It writes a file beside the ledger on this
    /// thread; on a server it has a connection of its own, and others take over once it was not seen for 60 s.
    ///
    /// # Errors
    /// [`Refusal::Storage`] where that file cannot be made.
    pub fn worker(&self, options: WorkerOptions) -> Result<Worker, LedgerError> {
        Ok(Worker::new(self.writer.clone(), self.site.worker()?, options))
    }

    /// Plans the lines of a batch: all that its file has now. Lines that were planned before and are not among them are not sent any
    /// more. A line that is known by its id and was not sent is changed to what it is now.
    ///
    /// # Cancel safety
    /// Dropped, it plans all of them or none.
    ///
    /// # Errors
    /// [`LedgerError::Changed`] where a line was sent with another request, [`LedgerError::Repeated`] where two lines have one id;
    /// nothing is planned then.
    pub async fn plan_lines(&self, batch: &str, lines: Vec<PlannedLine>) -> Result<PlanReport, LedgerError> {
        let mut ids = HashSet::new();
        let repeated = lines.iter().filter_map(|line| line.id.as_deref()).filter(|id| !ids.insert(*id));
        let repeated: Vec<String> = repeated.map(str::to_owned).collect();
        if !repeated.is_empty() {
            return Err(LedgerError::Repeated(repeated));
        }
        let batch = batch.to_owned();
        let planned = move |database: &Database| {
            let failed = |error| storage(&database.name, error);
            let connection = &*database.connection;
            let last: i64 =
                connection.row(sql::LAST_PLAN, values![batch]).and_then(|row| row.get(0)).map_err(failed)?;
            let (mut keys, mut report, mut changed) = (Keys::default(), PlanReport::default(), Vec::new());
            for (position, line) in (0..).zip(&lines) {
                match plan::add(connection, &batch, last + 1, position, &mut keys, line) {
                    Ok(true) => report.new += 1,
                    Ok(false) => report.known += 1,
                    Err(plan::Refused::Changed(key)) => changed.push(key),
                    Err(plan::Refused::Database(error)) => return Err(failed(error)),
                }
            }
            if !changed.is_empty() {
                // An error, so that nothing of it stays.
                return Err(Refusal::storage("", LedgerError::Changed(changed)));
            }
            report.gone = connection.execute(sql::UNLIST_OTHERS, values![batch, last + 1]).map_err(failed)?;
            connection.execute(sql::UNLIST_OTHER_PURCHASES, values![batch]).map_err(failed)?;
            Ok(report)
        };
        self.writer.call(planned).await.map_err(unwrapped)
    }

    /// Opens every listed line of a batch again that failed and cost nothing. Says how many.
    ///
    /// # Cancel safety
    /// Dropped, it opens all of them or none.
    ///
    /// # Errors
    /// [`Refusal::Storage`].
    pub async fn retry_failed(&self, batch: &str) -> Result<u64, LedgerError> {
        let batch = batch.to_owned();
        let retried = move |database: &Database| {
            let failed = |error| storage(&database.name, error);
            let connection = &*database.connection;
            let mut count = 0;
            for id in connection.ids(sql::FAILED, values![batch]).map_err(failed)? {
                let mut purchase = StoredPurchase::load(connection, id).map_err(failed)?;
                match purchase.step(connection, Action::Retry) {
                    Ok(()) => count += 1,
                    Err(Failed::Illegal(_)) => {}
                    Err(Failed::Database(error)) => return Err(failed(error)),
                }
            }
            Ok(count)
        };
        Ok(self.writer.call(retried).await?)
    }

    /// Closes a purchase that was not sent.
    ///
    /// # Cancel safety
    /// Dropped, it is done or not.
    ///
    /// # Errors
    /// [`LedgerError::Illegal`] where it was sent or a process works on it, [`LedgerError::NoSuchJob`].
    pub async fn cancel(&self, record: &str) -> Result<(), LedgerError> {
        self.decide(record, |_, _| Ok(Action::Cancel)).await.map(drop)
    }

    /// Decides about the attempt of a purchase whose outcome is unknown. `record` is the id of the record. Gives back the new state.
    ///
    /// Unless it is forced, or the worker is known to be dead, a decision that releases the money or buys again waits until the
    /// deadline of the request and 60 s have passed. What the provider responds later is recorded all the same, and shown as a conflict.
    ///
    /// # Cancel safety
    /// Dropped, it is done or not.
    ///
    /// # Errors
    /// [`LedgerError::Illegal`] with [`Illegal::TooEarly`], [`Illegal::Budget`], or [`Illegal::State`] where nothing is unknown;
    /// [`LedgerError::NoSuchJob`].
    pub async fn resolve(&self, record: &str, resolution: Resolution) -> Result<LineState, LedgerError> {
        self.decide(record, move |database, purchase| {
            let open = |attempt: &crate::protocol::AttemptRow| match attempt.state {
                LineState::Sent => true,
                LineState::Unknown => attempt.verdict.is_none(),
                _ => false,
            };
            let attempt =
                (1..).zip(&purchase.state.attempts).find(|(_, attempt)| open(attempt)).map(|(number, _)| number);
            let Some(attempt) = attempt else { return Err(Failed::Illegal(Illegal::State)) };
            let Resolution { verdict, is_forced, budget } = &resolution;
            let left =
                budget.as_ref().map(|budget| rows::left(&*database.connection, &purchase.batch, budget)).transpose()?;
            let now = database.connection.now();
            Ok(Action::Resolve { attempt, verdict: *verdict, now, is_forced: *is_forced, left })
        })
        .await
    }

    async fn decide(
        &self,
        record: &str,
        action: impl FnOnce(&Database, &StoredPurchase) -> Result<Action, Failed> + Send + 'static,
    ) -> Result<LineState, LedgerError> {
        let record = record.to_owned();
        let decided = move |database: &Database| {
            let failed = |error| storage(&database.name, error);
            worker::recover(database, None)?;
            let found = find_record(&*database.connection, &record).map_err(failed)?;
            let Some(mut purchase) = found else {
                return Err(Refusal::storage("", LedgerError::NoSuchJob(record)));
            };
            let action = action(database, &purchase);
            match action.and_then(|action| purchase.step(&*database.connection, action)) {
                Ok(()) => Ok(purchase.state.state()),
                Err(Failed::Illegal(why)) => Err(Refusal::storage("", LedgerError::Illegal { job: record, why })),
                Err(Failed::Database(error)) => Err(failed(error)),
            }
        };
        self.writer.call(decided).await.map_err(unwrapped)
    }

    /// A page of jobs, in the order in which the ledger got to know them.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    ///
    /// # Errors
    /// [`Refusal::Storage`].
    pub async fn jobs(&self, filter: JobFilter) -> Result<Vec<JobRow>, LedgerError> {
        self.read(move |database| {
            worker::recover(database, None)?;
            query::jobs(&*database.connection, &filter).map_err(|error| storage(&database.name, error))
        })
        .await
    }

    /// Everything about a job; `None` where the ledger does not know it.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    ///
    /// # Errors
    /// [`Refusal::Storage`].
    pub async fn show(&self, job: &str) -> Result<Option<JobDetail>, LedgerError> {
        let job = job.to_owned();
        self.read(move |database| {
            worker::recover(database, None)?;
            let shown = || {
                let job = query::job(&*database.connection, &job)?;
                job.map(|job| query::detail(&*database.connection, job)).transpose()
            };
            shown().map_err(|error| storage(&database.name, error))
        })
        .await
    }

    /// A page of jobs with all that was recorded of them.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    ///
    /// # Errors
    /// [`Refusal::Storage`].
    pub async fn export(&self, filter: JobFilter) -> Result<Vec<JobDetail>, LedgerError> {
        self.read(move |database| {
            let exported = || {
                let jobs = query::jobs(&*database.connection, &filter)?;
                jobs.into_iter().map(|job| query::detail(&*database.connection, job)).collect::<database::Result<_>>()
            };
            exported().map_err(|error| storage(&database.name, error))
        })
        .await
    }

    /// What was spent, by day, provider, model and state: of a batch, and since a day (`2026-11-29`), where these are given.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    ///
    /// # Errors
    /// [`Refusal::Storage`].
    pub async fn spend(&self, batch: Option<&str>, since: Option<&str>) -> Result<Vec<SpendRow>, LedgerError> {
        let (batch, since) = (batch.map(str::to_owned), since.map(str::to_owned));
        self.read(move |database| {
            let spent = query::spend(&*database.connection, batch.as_deref(), since.as_deref());
            spent.map_err(|error| storage(&database.name, error))
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, LedgerError> {
        Ok(self.writer.call(read).await?)
    }

    /// Reads what can be read of a ledger that [`Ledger::open`] refuses as damaged. It changes nothing, and blocks this thread.
    ///
    /// # Errors
    /// [`Refusal::Storage`] where the file cannot be read at all.
    pub fn salvage(path: impl AsRef<Path>) -> Result<Salvage, LedgerError> {
        Ok(query::salvage(path.as_ref())?)
    }
}

/// The error that travelled as the cause of a refusal, since only a refusal undoes a transaction.
fn unwrapped(refusal: Refusal) -> LedgerError {
    match refusal {
        Refusal::Storage { message, source: Some(source) } => match source.downcast::<LedgerError>() {
            Ok(error) => *error,
            Err(source) => Refusal::Storage { message, source: Some(source) }.into(),
        },
        refusal => refusal.into(),
    }
}
