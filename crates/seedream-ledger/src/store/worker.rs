//! A worker: takes lines, and is the store of their jobs.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use seedream_client::{History, Intent, JobRecord, JobStore, Refusal};
use serde_json::Value;

use super::{
    apply,
    database::{Alive, Connection, Presence, Result, values},
    failure::{refused, storage},
    record::{self, Bench, LedgerRecord, Place},
    rows::{Failed, StoredPurchase, find_record, record_id, refusal},
    sql,
    writer::{Database, Done, Writer},
};
use crate::{
    budget::{Bound, Budget},
    protocol::{Action, AttemptRow, LineState},
};

/// How long a request may take, where nothing else is said: the default of a client's policy.
const DEADLINE: Duration = Duration::from_secs(600);

/// What a worker takes, and how much it may spend.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// The batch whose lines it takes; without one it takes none, and collects of all.
    pub batch: Option<String>,
    /// How much may be spent.
    pub budget: Option<Budget>,
    /// How long a request may take: the deadline of the client's policy. Until then, and 60 s more, a person waits with a decision.
    pub deadline: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { batch: None, budget: None, deadline: DEADLINE }
    }
}

impl WorkerOptions {
    /// Takes the lines of a batch.
    pub fn of_batch(batch: impl Into<String>) -> Self {
        Self { batch: Some(batch.into()), ..Self::default() }
    }

    /// Sets the budget.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets how long a request may take.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// What there is to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Taken {
    /// Something was bought that is to be collected: [`Job::resumed`](seedream_client::Job::resumed) with this record, and this worker
    /// as the store. Each is given once by a worker, what expires first first.
    Collect(String),
    /// A line is to be bought: a job with this id, and this worker as the store.
    Send(LineWork),
    /// The budget has no room for the next line, in a sentence.
    BudgetUsedUp(String),
    /// Nothing is left that this worker may do.
    Nothing,
}

/// A line that this worker holds, with what it may cost. Dropped before its job begins, it is free again.
#[derive(Debug)]
pub struct LineWork {
    /// The id of the job.
    pub job: String,
    /// The purchase of the job, from 1.
    pub purchase: u32,
    /// The key of the line in its batch.
    pub key: String,
    /// Its place in the file, from 0.
    pub position: i64,
    /// The row as it was written.
    pub row: Value,
    _release: Release,
}

struct Release {
    writer: Writer,
    purchase: i64,
    epoch: u64,
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release").field("purchase", &self.purchase).finish_non_exhaustive()
    }
}

impl Drop for Release {
    /// Once its job has begun, the epoch is another one, and nothing happens.
    fn drop(&mut self) {
        let Self { purchase, epoch, .. } = *self;
        self.writer.send(move |database| {
            let failed = |error| storage(&database.name, error);
            let mut purchase = StoredPurchase::load(&*database.connection, purchase).map_err(failed)?;
            match purchase.step(&*database.connection, Action::Release { epoch }) {
                Ok(()) | Err(Failed::Illegal(_)) => Ok(()),
                Err(Failed::Database(error)) => Err(failed(error)),
            }
        });
    }
}

/// Takes lines, and keeps the records of their jobs. Clones are the same worker.
#[derive(Clone)]
pub struct Worker {
    bench: Bench,
    batch: Option<String>,
    collected: Arc<Mutex<HashSet<i64>>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("batch", &self.batch).finish_non_exhaustive()
    }
}

impl Worker {
    pub(super) fn new(writer: Writer, alive: Alive, options: WorkerOptions) -> Self {
        let WorkerOptions { batch, budget, deadline } = options;
        Self { bench: Bench { writer, alive: Arc::new(alive), budget, deadline }, batch, collected: Arc::default() }
    }

    /// What is to be done next: what was bought is collected before anything else is sent.
    ///
    /// # Cancel safety
    /// Dropped, a line that was taken for it is free again.
    ///
    /// # Errors
    /// [`Refusal::Storage`], also after something that was paid for could not be recorded.
    pub async fn take(&self) -> Result<Taken, Refusal> {
        let (bench, batch, collected) = (self.bench.clone(), self.batch.clone(), self.collected.clone());
        self.bench.writer.call(move |database| take(database, &bench, batch.as_deref(), &collected)).await
    }
}

fn take(database: &Database, bench: &Bench, batch: Option<&str>, collected: &Mutex<HashSet<i64>>) -> Done<Taken> {
    let failed = |error| storage(&database.name, error);
    let connection = &*database.connection;
    connection.is_seen(bench.alive.id).map_err(failed)?;
    recover(database, Some(bench.alive.id))?;
    for id in connection.ids(sql::COLLECTABLE, values![batch]).map_err(failed)? {
        if collected.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            let purchase = StoredPurchase::load(connection, id).map_err(failed)?;
            return Ok(Taken::Collect(record_id(&purchase.job, purchase.number)));
        }
    }
    database.may_send()?;
    let Some(batch) = batch else { return Ok(Taken::Nothing) };
    let Some(id) = connection.ids(sql::PLANNED, values![batch]).map_err(failed)?.first().copied() else {
        return Ok(Taken::Nothing);
    };
    let mut purchase = StoredPurchase::load(connection, id).map_err(failed)?;
    let bound = match Bound::of(purchase.most_images, purchase.most_cost.as_ref(), bench.budget.as_ref()) {
        Err(Refusal::Budget { message }) => return Ok(Taken::BudgetUsedUp(message)),
        bound => bound?,
    };
    let budget = bench.budget.as_ref();
    let step = purchase.step(connection, Action::Take { worker: bench.alive.id });
    match step.and_then(|()| purchase.reserve(connection, &bound, budget)) {
        Ok(()) => {}
        Err(Failed::Illegal(why)) => {
            let refusal = refusal(&purchase, why, budget);
            let epoch = purchase.state.epoch;
            match purchase.step(connection, Action::Release { epoch }) {
                Err(Failed::Database(error)) => return Err(failed(error)),
                Ok(()) | Err(Failed::Illegal(_)) => {}
            }
            return match refusal {
                Refusal::Budget { message } => Ok(Taken::BudgetUsedUp(message)),
                refusal => Err(refusal),
            };
        }
        Err(Failed::Database(error)) => return Err(failed(error)),
    }
    let line = connection.row(sql::LINE, values![purchase.line]).map_err(failed)?;
    let row = line.get(2).map_err(failed)?;
    let row = serde_json::from_str(row).unwrap_or_default();
    let (key, position) = (line.get(0).map_err(failed)?, line.get(1).map_err(failed)?);
    let release = Release { writer: bench.writer.clone(), purchase: id, epoch: purchase.state.epoch };
    Ok(Taken::Send(LineWork { job: purchase.job, purchase: purchase.number, key, position, row, _release: release }))
}

/// Records of every holder that is gone that it is.
pub(super) fn recover(database: &Database, me: Option<u64>) -> Result<(), Refusal> {
    let failed = |error| storage(&database.name, error);
    let connection = &*database.connection;
    for holder in connection.ids(sql::HOLDERS, &[]).map_err(failed)? {
        let id = u64::from_ne_bytes(holder.to_ne_bytes());
        if me == Some(id) {
            continue;
        }
        let presence = connection.presence(id).map_err(failed)?;
        if presence == Presence::Alive {
            continue;
        }
        for purchase in connection.ids(sql::HELD_BY, values![holder]).map_err(failed)? {
            let mut purchase = StoredPurchase::load(connection, purchase).map_err(failed)?;
            lost(database, &mut purchase, presence)?;
        }
    }
    Ok(())
}

fn lost(database: &Database, purchase: &mut StoredPurchase, presence: Presence) -> Result<(), Refusal> {
    let epoch = purchase.state.epoch;
    step(database, purchase, Action::Lost { epoch, is_over: presence == Presence::Ended })
}

fn step(database: &Database, purchase: &mut StoredPurchase, action: Action) -> Result<(), Refusal> {
    match purchase.step(&*database.connection, action) {
        Ok(()) => Ok(()),
        Err(Failed::Illegal(why)) => Err(refusal(purchase, why, None)),
        Err(Failed::Database(error)) => Err(storage(&database.name, error)),
    }
}

/// The purchase of an intent, which is made where there is none.
fn find(database: &Database, intent: &Intent) -> Done<StoredPurchase> {
    let failed = |error| storage(&database.name, error);
    let connection = &*database.connection;
    let line = line(connection, intent).map_err(failed)?;
    connection.execute(sql::ADD_PURCHASE, values![line, intent.purchase]).map_err(failed)?;
    let found = StoredPurchase::find(connection, &intent.job, intent.purchase).map_err(failed)?;
    found.ok_or_else(|| refused("the purchase was not found after it was added"))
}

fn line(connection: &dyn Connection, intent: &Intent) -> Result<i64> {
    if let Some(line) = connection.find(sql::LINE_OF_JOB, values![intent.job])? {
        return line.get(0);
    }
    let cost = intent.most_cost.as_ref().and_then(|cost| serde_json::to_string(cost).ok());
    let row = intent.request.to_string();
    let values = values![intent.job, "", intent.job, "", 0_i64, 0_i64, row, intent.most_images, cost];
    connection.row(sql::ADD_LINE, values)?.get(0)
}

fn begin(database: &Database, intent: &Intent, bench: &Bench) -> Done<Place> {
    database.may_send()?;
    let failed = |error| storage(&database.name, error);
    let presence = |worker| database.connection.presence(worker).map_err(failed);
    database.connection.is_seen(bench.alive.id).map_err(failed)?;
    let mut purchase = find(database, intent)?;
    let id = record_id(&purchase.job, purchase.number);
    let bought = |attempt: &AttemptRow| !attempt.is_closed() && attempt.state != LineState::Reserved;
    if purchase.state.attempts.iter().any(bought) {
        let other = purchase.state.holder.filter(|holder| *holder != bench.alive.id);
        let runs = other.map(presence).transpose()? == Some(Presence::Alive);
        return Err(if runs { Refusal::Running { id } } else { Refusal::AlreadyBought { id } });
    }
    if let Some(holder) = purchase.state.holder {
        let is_mine = holder == bench.alive.id && purchase.state.state() == LineState::Reserved;
        let presence = if is_mine { Presence::Ended } else { presence(holder)? };
        if presence == Presence::Alive {
            return Err(Refusal::Running { id });
        }
        lost(database, &mut purchase, presence)?;
    }
    if purchase.state.is_over {
        step(database, &mut purchase, Action::Retry)?;
    }
    step(database, &mut purchase, Action::Take { worker: bench.alive.id })?;
    record::send(database, &mut purchase, intent, bench)
}

fn open(database: &Database, id: &str, bench: &Bench) -> Done<(History, Place)> {
    let failed = |error| storage(&database.name, error);
    let connection = &*database.connection;
    connection.is_seen(bench.alive.id).map_err(failed)?;
    let found = find_record(connection, id).map_err(failed)?;
    let known = found.filter(|purchase| !purchase.state.attempts.is_empty());
    let Some(mut purchase) = known else {
        return Err(refused(format!("the ledger {} has no record {id}", database.name)));
    };
    if let Some(holder) = purchase.state.holder {
        let presence = connection.presence(holder).map_err(failed)?;
        if presence == Presence::Alive {
            return Err(Refusal::Running { id: id.to_owned() });
        }
        lost(database, &mut purchase, presence)?;
    }
    if purchase.state.is_over && !apply::is_left(&purchase) {
        return Err(refused(format!("{id} is over ({}): nothing is left to be collected", purchase.state.state())));
    }
    step(database, &mut purchase, Action::Take { worker: bench.alive.id })?;
    let (attempt, entries) = purchase.entries(&*database.connection).map_err(failed)?;
    let place = Place::of(&purchase, attempt);
    Ok((History::new(record_id(&purchase.job, purchase.number), entries), place))
}

/// A record that was begun and that no caller has yet. Dropped, it says that nothing is sent.
struct Unclaimed(Option<(Bench, Place)>);

impl Unclaimed {
    fn claim(mut self) -> Option<(Bench, Place)> {
        self.0.take()
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some((bench, place)) = self.0.take() {
            if let Some(entry) = record::unsure(&place) {
                bench
                    .writer
                    .send(move |database| apply::record(&*database.connection, &database.name, &entry).map(drop));
            }
            record::lose(&bench.writer, place.purchase, place.epoch);
        }
    }
}

#[async_trait]
impl JobStore for Worker {
    /// # Cancel safety
    /// An attempt that was begun for a future that was dropped is recorded as not sent.
    async fn begin(&self, intent: &Intent) -> Done<Box<dyn JobRecord>> {
        let before = record::send_before();
        let (bench, intent) = (self.bench.clone(), intent.clone());
        let run = move |database: &Database| {
            let place = begin(database, &intent, &bench)?;
            Ok(Unclaimed(Some((bench, place))))
        };
        let unsure = |begun: &Unclaimed| begun.0.as_ref().and_then(|(_, place)| record::unsure(place));
        let begun = self.bench.writer.prepare(run, unsure).await?;
        let Some((bench, place)) = begun.claim() else { return Err(refused("the record was given away")) };
        Ok(Box::new(LedgerRecord::new(bench, place, Some(before))))
    }

    /// What is to be collected or looked into, of every batch.
    async fn unfinished(&self) -> Done<Vec<History>> {
        let me = self.bench.alive.id;
        let read = move |database: &Database| {
            let failed = |error| storage(&database.name, error);
            recover(database, Some(me))?;
            let found = database.connection.ids(sql::UNFINISHED, &[]).map_err(failed)?;
            let history = |id| {
                let purchase = StoredPurchase::load(&*database.connection, id)?;
                let (_, entries) = purchase.entries(&*database.connection)?;
                Ok(History::new(record_id(&purchase.job, purchase.number), entries))
            };
            found.into_iter().map(history).collect::<Result<_>>().map_err(failed)
        };
        self.bench.writer.call(read).await
    }

    /// The id is that of a job, with `#2` for its second purchase.
    ///
    /// # Cancel safety
    /// A record that was opened for a future that was dropped is free again.
    async fn open(&self, id: &str) -> Done<(History, Box<dyn JobRecord>)> {
        let (bench, id) = (self.bench.clone(), id.to_owned());
        let run = move |database: &Database| {
            let (history, place) = open(database, &id, &bench)?;
            Ok((history, LedgerRecord::new(bench, place, None)))
        };
        let (history, record) = self.bench.writer.call(run).await?;
        Ok((history, Box::new(record)))
    }

    fn warnings(&self) -> Vec<String> {
        self.bench.writer.warnings()
    }
}
