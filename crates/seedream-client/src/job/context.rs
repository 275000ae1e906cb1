//! What the operations of one purchase share: its record, who serves it, and whether the caller wants no more.

use std::{
    collections::VecDeque,
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use futures_util::FutureExt as _;
use seedream_core::{Attempt, Error, ErrorKind, StoredError, Warning, WarningKind};
use tokio::sync::Mutex as AsyncMutex;

use super::{control::Control, outcome::Outcome};
use crate::{
    client::Client,
    output::Output,
    record::{Intent, JobRecord, JobStore, RecordEntry, Refusal},
    transport::SendBefore,
};

/// The place of an operation in its job. A provider that wraps others, as [`Fallback`](crate::Fallback) does, hands it on.
///
/// Clients write to the record. A provider of another kind that sends requests of its own is not recorded: only what it wraps is.
/// The default belongs to no job: nothing is recorded, and nothing cancels it.
#[derive(Clone, Debug, Default)]
pub struct JobContext(Option<Arc<PurchaseState>>);

#[derive(Debug)]
struct PurchaseState {
    job: String,
    /// Whether the caller chose the id of the job.
    is_named: bool,
    purchase: u32,
    store: Arc<dyn JobStore>,
    record: AsyncMutex<Option<Box<dyn JobRecord>>>,
    /// What is to be added to the record, in its order. It outlives a future that was dropped before its turn.
    entries: Mutex<VecDeque<RecordEntry>>,
    /// The id of the record, once there is one.
    id: OnceLock<String>,
    attempts: AtomicU32,
    /// The name of the attempt that began last.
    attempt: Mutex<Option<String>>,
    /// The attempts of the operations that have ended.
    ended: Mutex<Vec<Attempt>>,
    /// Where the last attempt was sent.
    endpoint: Mutex<String>,
    control: Control,
    /// Where images go while they arrive; to memory otherwise.
    spool: Option<PathBuf>,
    /// Where they go then, where that is no folder.
    place: Option<String>,
    names: Option<String>,
    served: Mutex<Option<Client>>,
    /// Whether a POST is under way.
    is_paying: AtomicBool,
    /// What could not be recorded.
    trouble: Mutex<Unrecorded>,
}

/// What could not be recorded, as it is told by events and by warnings.
#[derive(Debug, Default)]
struct Unrecorded {
    events: Vec<StoredError>,
    warnings: Vec<Warning>,
}

/// The value of a lock is replaced as a whole, so a panic elsewhere leaves it valid.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PurchaseState {
    /// Something could not be recorded.
    fn failed(&self, refusal: &Refusal) {
        self.control.halt(refusal.to_string());
        let error = Error::new(ErrorKind::Storage, refusal.to_string());
        let warning = Warning::new(WarningKind::NotKept, None, error.message());
        let mut trouble = locked(&self.trouble);
        trouble.events.push(StoredError::from(&error));
        trouble.warnings.push(warning);
    }

    /// Adds to the record what waits for it.
    async fn write(&self, record: &mut Option<Box<dyn JobRecord>>) {
        loop {
            let Some(entry) = locked(&self.entries).pop_front() else { return };
            let Some(record) = record else { continue };
            if let Err(refusal) = record.append(entry).await {
                self.failed(&refusal);
            }
        }
    }
}

impl Drop for PurchaseState {
    /// A job that was dropped while an entry waited for its turn hands it over all the same: the first poll does that.
    fn drop(&mut self) {
        let Some(record) = self.record.get_mut() else { return };
        for entry in locked(&self.entries).drain(..) {
            let _ = record.append(entry).now_or_never();
        }
    }
}

impl JobContext {
    pub(crate) fn new(
        (job, is_named): (String, bool),
        purchase: u32,
        store: Arc<dyn JobStore>,
        output: Option<&dyn Output>,
        control: Control,
    ) -> Self {
        Self(Some(Arc::new(PurchaseState {
            job,
            is_named,
            purchase,
            store,
            record: AsyncMutex::new(None),
            entries: Mutex::default(),
            id: OnceLock::new(),
            attempts: AtomicU32::new(0),
            attempt: Mutex::default(),
            ended: Mutex::default(),
            endpoint: Mutex::default(),
            control,
            spool: output.and_then(|output| output.spool()).map(ToOwned::to_owned),
            place: output.and_then(|output| output.place()),
            names: output.and_then(|output| output.names()),
            served: Mutex::new(None),
            is_paying: AtomicBool::new(false),
            trouble: Mutex::default(),
        })))
    }

    /// Goes on with a record of an earlier process.
    pub(crate) async fn take_over(&self, record: Box<dyn JobRecord>, last: &Intent) {
        let Some(shared) = &self.0 else { return };
        let _ = shared.id.set(record.id().to_owned());
        shared.attempts.store(last.attempt, Ordering::SeqCst);
        *locked(&shared.attempt) = Some(last.token());
        *shared.record.lock().await = Some(record);
    }

    pub(crate) fn belongs_to_a_job(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn spool(&self) -> Option<&Path> {
        self.0.as_ref()?.spool.as_deref()
    }

    /// The id of the record, where there is one.
    pub(crate) fn record_id(&self) -> Option<&str> {
        self.0.as_ref()?.id.get().map(String::as_str)
    }

    /// The name of the attempt that began last, where one is on record.
    pub(crate) fn attempt(&self) -> Option<String> {
        locked(&self.0.as_ref()?.attempt).clone()
    }

    /// The client that sent last.
    pub(crate) fn served(&self) -> Option<Client> {
        locked(&self.0.as_ref()?.served).clone()
    }

    /// Sets the client that sends now; `None` where the provider is not a client.
    pub(crate) fn serve(&self, client: Option<&Client>) {
        if let Some(shared) = &self.0 {
            *locked(&shared.served) = client.cloned();
        }
    }

    /// Where the last attempt was sent, where one was.
    pub(crate) fn endpoint(&self) -> Option<String> {
        Some(locked(&self.0.as_ref()?.endpoint).clone()).filter(|endpoint| !endpoint.is_empty())
    }

    /// Adds the attempts of an operation that has ended.
    pub(crate) fn has_tried(&self, attempts: &[Attempt]) {
        if let Some(shared) = &self.0 {
            locked(&shared.ended).extend_from_slice(attempts);
        }
    }

    /// The attempts of all operations that have ended, counted from 1.
    pub(crate) fn tried(&self) -> Vec<Attempt> {
        let mut tried = self.0.as_ref().map(|shared| mem::take(&mut *locked(&shared.ended))).unwrap_or_default();
        for (number, attempt) in (1..).zip(&mut tried) {
            attempt.number = number;
        }
        tried
    }

    /// Records an attempt before its first byte. `intent` knows nothing of the job yet.
    ///
    /// # Errors
    /// Why it must not be sent.
    pub(crate) async fn begin(&self, mut intent: Intent) -> Result<Option<SendBefore>, Error> {
        let Some(shared) = &self.0 else { return Ok(None) };
        shared.control.admits()?;
        (intent.job, intent.purchase, intent.is_named) = (shared.job.clone(), shared.purchase, shared.is_named);
        (intent.place, intent.names) = (shared.place.clone(), shared.names.clone());
        intent.attempt = shared.attempts.load(Ordering::SeqCst).saturating_add(1);
        let mut record = shared.record.lock().await;
        let begun = match &mut *record {
            Some(record) => record.attempt(&intent).await,
            none => match shared.store.begin(&intent).await {
                Ok(new) => {
                    let _ = shared.id.set(new.id().to_owned());
                    *none = Some(new);
                    Ok(())
                }
                Err(refusal) => Err(refusal),
            },
        };
        begun.inspect_err(|refusal| {
            if matches!(refusal, Refusal::Storage { .. }) {
                shared.control.halt(refusal.to_string());
            }
        })?;
        shared.attempts.store(intent.attempt, Ordering::SeqCst);
        *locked(&shared.attempt) = Some(intent.token());
        let before = record.as_ref().and_then(|record| record.send_before());
        drop(record);
        // It may have taken a while.
        shared.control.admits()?;
        *locked(&shared.endpoint) = intent.endpoint;
        Ok(before)
    }

    /// Adds an entry to the record. A failure does not end the job: it is told, and the run sends no POST any more. The first poll
    /// hands the entry over, as that of [`JobRecord::append`] does.
    pub(crate) async fn keep(&self, entry: RecordEntry) {
        let Some(shared) = &self.0 else { return };
        locked(&shared.entries).push_back(entry);
        let mut record = shared.record.lock().await;
        shared.write(&mut record).await;
    }

    /// Whether the record has made a file durable.
    pub(crate) async fn has_synced(&self, file: &Path) -> bool {
        let Some(shared) = &self.0 else { return false };
        shared.record.lock().await.as_ref().is_some_and(|record| record.has_synced(file))
    }

    /// Closes the record: with an outcome it goes where nothing is left, without one it stays as it is. Gives back its id where it
    /// stays.
    pub(crate) async fn close(&self, outcome: Option<Outcome>) -> Option<String> {
        let Some(shared) = &self.0 else { return None };
        let mut record = shared.record.lock().await;
        let mut open = record.take()?;
        if let Some(outcome) = outcome {
            let ended = open.append(RecordEntry::Ended { outcome: Box::new(outcome) }).await;
            if let Err(refusal) = ended {
                shared.failed(&refusal);
            }
        }
        open.stays().then(|| open.id().to_owned())
    }

    /// What could not be recorded since this was last asked.
    pub(crate) fn trouble(&self) -> Vec<StoredError> {
        self.0.as_ref().map(|shared| mem::take(&mut locked(&shared.trouble).events)).unwrap_or_default()
    }

    /// The same as warnings, which are told apart from events, and what the store has to say.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let Some(shared) = &self.0 else { return Vec::new() };
        let mut warnings = mem::take(&mut locked(&shared.trouble).warnings);
        let told = shared.store.warnings().into_iter();
        warnings.extend(told.map(|message| Warning::new(WarningKind::Other, None, message)));
        warnings
    }

    pub(crate) fn cancels(&self) -> u32 {
        self.0.as_ref().map_or(0, |shared| shared.control.cancels())
    }

    /// Waits until the caller has cancelled more than so many times.
    pub(crate) async fn cancelled(&self, more_than: u32) {
        match &self.0 {
            Some(shared) => shared.control.cancelled(more_than).await,
            None => std::future::pending().await,
        }
    }

    /// Whether a POST is under way, which is waited for where the caller cancels once.
    pub(crate) fn is_paying(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.is_paying.load(Ordering::SeqCst))
    }

    pub(crate) fn pays(&self, pays: bool) {
        if let Some(shared) = &self.0 {
            shared.is_paying.store(pays, Ordering::SeqCst);
        }
    }
}
