//! The record of one purchase, as the client writes it.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use seedream_client::{Intent, JobRecord, RecordEntry, Refusal, SendBefore};
use seedream_core::{Generation, ImageData, Timestamp};

use super::{
    apply,
    database::{Alive, values},
    failure::{refused, storage},
    folder::folder,
    random::random,
    rows::{Failed, StoredPurchase, record_id, refusal},
    spool::Spooled,
    sql,
    writer::{Database, Done, Writer},
};
use crate::{
    budget::{Bound, Budget},
    protocol::Action,
};

/// How long after its intent the first byte of an attempt may leave.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// What every record of a worker knows.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) writer: Writer,
    pub(super) alive: Arc<Alive>,
    pub(super) budget: Option<Budget>,
    pub(super) deadline: Duration,
}

/// Where a record is in the ledger.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) purchase: i64,
    pub(super) job: String,
    pub(super) number: u32,
    pub(super) attempt: u32,
    pub(super) epoch: u64,
}

impl Place {
    pub(super) fn of(purchase: &StoredPurchase, attempt: u32) -> Self {
        let StoredPurchase { id, number, job, state, .. } = purchase;
        Self { purchase: *id, job: job.clone(), number: *number, attempt, epoch: state.epoch }
    }

    pub(super) fn spooled(&self, entry: RecordEntry) -> Spooled {
        let Self { purchase, job, attempt, epoch, .. } = self;
        let token = random() >> 1;
        Spooled {
            token: token.cast_signed(),
            purchase: *purchase,
            job: job.clone(),
            attempt: *attempt,
            epoch: *epoch,
            entry,
        }
    }
}

/// A record that a process writes. Dropped, its purchase is free for others; an attempt of which no end is on record is unknown.
pub(super) struct LedgerRecord {
    id: String,
    place: Place,
    bench: Bench,
    send_before: Option<SendBefore>,
    stays: bool,
    is_closed: bool,
    synced: HashSet<PathBuf>,
}

impl fmt::Debug for LedgerRecord {
    /// Shows which record it is, not what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

impl LedgerRecord {
    pub(super) fn new(bench: Bench, place: Place, send_before: Option<SendBefore>) -> Self {
        let id = record_id(&place.job, place.number);
        Self { id, place, bench, send_before, stays: true, is_closed: false, synced: HashSet::new() }
    }
}

/// Until when an attempt may be sent whose intent is about to be written.
pub(super) fn send_before() -> SendBefore {
    SendBefore::after(SEND_WITHIN)
}

/// Reserves and sends an attempt of a purchase that this worker holds, and writes its intent.
pub(super) fn send(database: &Database, purchase: &mut StoredPurchase, intent: &Intent, bench: &Bench) -> Done<Place> {
    let failed = |error| storage(&database.name, error);
    let budget = bench.budget.as_ref();
    let bound = Bound::of_intent(intent, budget)?;
    let connection = &*database.connection;
    let deadline = i64::try_from(bench.deadline.as_secs()).unwrap_or(i64::MAX);
    let stepped = purchase.reserve(connection, &bound, budget).and_then(|()| {
        // A reservation that was made anew has another epoch.
        let epoch = purchase.state.epoch;
        purchase.step(connection, Action::Send { epoch, now: connection.now(), deadline })
    });
    match stepped {
        Ok(()) => {}
        Err(Failed::Illegal(why)) => return Err(refusal(purchase, why, budget)),
        Err(Failed::Database(error)) => return Err(failed(error)),
    }
    let place = Place::of(purchase, purchase.attempts());
    let values = values![
        place.purchase,
        place.attempt,
        intent.provider,
        intent.model.to_string(),
        intent.endpoint,
        intent.begun_at.to_string(),
    ];
    connection.execute(sql::DESCRIBE, values).map_err(failed)?;
    let entry = place.spooled(RecordEntry::Intent(intent.clone()));
    apply::add(connection, &entry, Timestamp::now()).map_err(failed)?;
    Ok(place)
}

/// Nothing is sent after a COMMIT of which it is not known whether it was done, and that is to be recorded.
pub(super) fn unsure(place: &Place) -> Option<Spooled> {
    Some(place.spooled(RecordEntry::NotSent { error: None }))
}

#[async_trait]
impl JobRecord for LedgerRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn send_before(&self) -> Option<SendBefore> {
        self.send_before
    }

    fn stays(&self) -> bool {
        self.stays
    }

    fn has_synced(&self, file: &Path) -> bool {
        self.synced.contains(file)
    }

    async fn attempt(&mut self, intent: &Intent) -> Result<(), Refusal> {
        let before = send_before();
        let (bench, place, intent) = (self.bench.clone(), self.place.clone(), intent.clone());
        let id = self.id.clone();
        let run = move |database: &Database| {
            database.may_send()?;
            let loaded = StoredPurchase::load(&*database.connection, place.purchase);
            let mut purchase = loaded.map_err(|error| storage(&database.name, error))?;
            if purchase.state.epoch != place.epoch || purchase.state.holder != Some(bench.alive.id) {
                return Err(Refusal::Fenced { id });
            }
            send(database, &mut purchase, &intent, &bench)
        };
        self.place = self.bench.writer.prepare(run, unsure).await?;
        (self.send_before, self.stays) = (Some(before), true);
        Ok(())
    }

    async fn append(&mut self, entry: RecordEntry) -> Result<(), Refusal> {
        if self.is_closed {
            return Err(refused("the record is closed: its purchase is over"));
        }
        let ends = matches!(entry, RecordEntry::Ended { .. });
        self.is_closed |= ends;
        // It is durable before the end, with which it shares a sync; without it the image is fetched again.
        let can_wait = matches!(entry, RecordEntry::Image { .. });
        let spooled = self.place.spooled(entry);
        if can_wait {
            return self.bench.writer.later(spooled);
        }
        let kept = spooled.clone();
        let run = move |database: &Database| {
            if database.has_waiting(spooled.purchase) {
                return Err(refused("an entry before this one waits to be written"));
            }
            // The entry is written whatever becomes of its files.
            let files = if let RecordEntry::Answered { generation, .. } = &spooled.entry {
                sync(generation)
            } else {
                Ok(Vec::new())
            };
            let left = apply::record(&*database.connection, &database.name, &spooled)?;
            Ok((left, files))
        };
        let (left, files) = self.bench.writer.keep(kept, run).await?;
        if ends {
            self.stays = left;
        }
        let unsynced = |error| Refusal::storage(format!("an image of the response cannot be synced: {error}"), error);
        self.synced.extend(files.map_err(unsynced)?);
        Ok(())
    }
}

impl Drop for LedgerRecord {
    /// A person or another process may continue.
    fn drop(&mut self) {
        if !self.is_closed {
            let Place { purchase, epoch, .. } = self.place;
            lose(&self.bench.writer, purchase, epoch);
        }
    }
}

/// Records that a holder is gone.
pub(super) fn lose(writer: &Writer, purchase: i64, epoch: u64) {
    writer.send(move |database| {
        let failed = |error| storage(&database.name, error);
        let mut purchase = StoredPurchase::load(&*database.connection, purchase).map_err(failed)?;
        match purchase.step(&*database.connection, Action::Lost { epoch, is_over: true }) {
            // It was taken over.
            Ok(()) | Err(Failed::Illegal(_)) => Ok(()),
            Err(Failed::Database(error)) => Err(failed(error)),
        }
    });
}

/// Makes the files that a response names durable.
fn sync(generation: &Generation) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), BTreeSet::new());
    for image in generation.images() {
        let mut data = &image.data;
        while let ImageData::Incomplete { data: inner, .. } = data {
            data = inner;
        }
        if let ImageData::File(path) = data {
            File::open(path)?.sync_all()?;
            folders.insert(folder(path));
            files.push(path.clone());
        }
    }
    if !cfg!(windows) {
        folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())?;
    }
    Ok(files)
}
