//! The record of a purchase, to which entries are handed over.

use std::{
    collections::VecDeque,
    fmt,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{runtime::Handle, sync::oneshot};

use super::record_file::{self, RecordFile};
use crate::{
    record::{Intent, JobRecord, RecordEntry, Refusal},
    transport::SendBefore,
};

/// How long after its intent the first byte of an attempt may leave.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// A record in a folder. Dropped, it is released: its file stays as it is.
pub(super) struct FolderRecord {
    id: String,
    send_before: Option<SendBefore>,
    shared: Arc<RecordQueue>,
}

/// What the threads that write have in common. It outlives a future that was dropped.
struct RecordQueue {
    /// What is to be written, in its order.
    queue: Mutex<VecDeque<QueuedEntry>>,
    /// `None` once the record is closed.
    file: Mutex<Option<RecordFile>>,
}

/// An entry to write, and who waits for it.
struct QueuedEntry(RecordEntry, oneshot::Sender<Result<(), Refusal>>);

impl fmt::Debug for FolderRecord {
    /// Shows which record it is, not what it says: signed URLs stand in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

impl FolderRecord {
    /// A record whose first attempt was just written.
    pub(super) fn begun(file: Option<RecordFile>, send_before: SendBefore) -> Self {
        Self { send_before: Some(send_before), ..Self::new(file) }
    }

    /// The record of another process, which sends nothing of what that one began.
    pub(super) fn opened(file: RecordFile) -> Self {
        Self::new(Some(file))
    }

    fn new(file: Option<RecordFile>) -> Self {
        let id = file.as_ref().map(|file| record_file::id(file.path())).unwrap_or_default();
        let shared = RecordQueue { queue: Mutex::default(), file: Mutex::new(file) };
        Self { id, send_before: None, shared: Arc::new(shared) }
    }

    /// Hands an entry over at once; that it was written comes later.
    async fn hand_over(&self, entry: RecordEntry) -> Result<(), Refusal> {
        let (done, receiver) = oneshot::channel();
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(QueuedEntry(entry, done));
        let shared = self.shared.clone();
        on_disk(move || shared.work());
        receiver.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl RecordQueue {
    /// Does all the work that is there, in its order whichever thread comes first.
    fn work(&self) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(QueuedEntry(entry, done)) = next else { return };
            let ends = matches!(entry, RecordEntry::Ended { .. });
            let written = match &mut *file {
                Some(file) => file.append(entry),
                None => {
                    Err(Refusal::Storage { message: "the record is closed: its purchase is over".into(), source: None })
                }
            };
            if ends {
                *file = None;
            }
            // A future that was dropped does not ask.
            let _ = done.send(written);
        }
    }
}

#[async_trait]
impl JobRecord for FolderRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn send_before(&self) -> Option<SendBefore> {
        self.send_before
    }

    fn stays(&self) -> bool {
        Path::new(&self.id).exists()
    }

    fn has_synced(&self, path: &Path) -> bool {
        let file = self.shared.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_ref().is_some_and(|file| file.has_synced(path))
    }

    async fn attempt(&mut self, intent: &Intent) -> Result<(), Refusal> {
        let send_before = send_before();
        self.hand_over(RecordEntry::Intent(intent.clone())).await?;
        self.send_before = Some(send_before);
        Ok(())
    }

    async fn append(&mut self, entry: RecordEntry) -> Result<(), Refusal> {
        self.hand_over(entry).await
    }
}

/// Until when an attempt may be sent whose intent is about to be written.
pub(super) fn send_before() -> SendBefore {
    SendBefore::after(SEND_WITHIN)
}

/// Does what may block on a thread of the runtime that may; on this one where there is no runtime, or no thread that the system could
/// start: what was paid for is written all the same.
pub(super) fn on_disk(job: impl FnOnce() + Send + 'static) {
    let job = Arc::new(Mutex::new(Some(job)));
    let run = {
        let job = job.clone();
        move || {
            let job = job.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(job) = job {
                job();
            }
        }
    };
    let Ok(runtime) = Handle::try_current() else { return run() };
    let there = run.clone();
    // It panics where the system starts no thread.
    if panic::catch_unwind(AssertUnwindSafe(|| drop(runtime.spawn_blocking(there)))).is_err() {
        run();
    }
}

/// What is said where the runtime went away.
pub(super) fn lost() -> Refusal {
    Refusal::Storage { message: "the program ended before the record was written".to_owned(), source: None }
}
