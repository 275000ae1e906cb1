//! Records in a folder: one file a purchase.
//!
//! [`record_text`] is the form of a file, [`record_file`] the file while this process holds it, [`record_need`] decides whether it
//! is still needed.

mod folder_record;
mod job_lookup;
mod kept_images;
mod lock;
mod record_file;
mod record_name;
mod record_need;
mod record_text;
mod resumable;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::oneshot;

pub use self::resumable::Resumable;
use self::{
    folder_record::{FolderRecord, on_disk},
    record_file::{RecordFile, RecordState},
};
use super::{
    entry::Intent,
    history::History,
    store::{JobRecord, JobStore},
    store_refusal::Refusal,
};

/// How long a record is waited for that another process holds, or a future of this one that was dropped and still writes.
const WAIT_FOR_LOCK: Duration = Duration::from_millis(500);

/// How long it is waited between two tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Keeps each record in a file `<provider>-<n>.job.jsonl` of a folder, locked while its process works on it.
///
/// The file is synced, and its folder, before a request may be sent. It is written with 64 KiB of padding, so that what follows finds
/// room on a disk that is full by then. It goes away once nothing is left to be collected or looked into: every attempt cost nothing,
/// or a sidecar or the images themselves have taken its place.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: PathBuf,
    warning: Arc<AtomicU8>,
}

/// Whether there is something to be told, and whether it was.
const NOTHING: u8 = 0;
const TO_TELL: u8 = 1;
const TOLD: u8 = 2;

impl FolderStore {
    /// The records of a folder, which is made when the first is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), warning: Arc::new(AtomicU8::new(NOTHING)) }
    }

    /// Notes that the names in a folder were synced, or that the system cannot do that.
    fn synced(&self, can: bool) {
        if !can {
            let _ = self.warning.compare_exchange(NOTHING, TO_TELL, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The path of a record. A bare name is one of this folder; any other path is taken as it is where there is such a file, and as one
    /// below this folder otherwise.
    fn path(&self, id: &str) -> PathBuf {
        let path = Path::new(id);
        let is_bare = path.parent().is_none_or(|parent| parent.as_os_str().is_empty());
        if !is_bare && path.exists() { path.to_owned() } else { self.folder.join(path) }
    }

    fn begin_now(&self, intent: &Intent) -> Result<RecordFile, Refusal> {
        if self.folder.to_str().is_none() {
            let message =
                "the path of the folder is not UTF-8, so no record can name the files in it: choose another folder";
            return Err(Refusal::Storage { message: format!("{}: {message}", self.folder.display()), source: None });
        }
        let (file, can_sync) = RecordFile::create(&self.folder, intent)?;
        self.synced(can_sync);
        if !intent.is_named {
            return Ok(file);
        }
        // Once this record is there, since two processes may look at the same time: then each finds the other's.
        match job_lookup::other(file.path(), intent) {
            Ok(None) => Ok(file),
            refused => {
                file.discard();
                let unreadable = |error: io::Error| {
                    Refusal::storage(format!("the folder {} cannot be read: {error}", self.folder.display()), error)
                };
                let id = refused.map_err(unreadable)?.map(|path| record_file::id(&path)).unwrap_or_default();
                Err(Refusal::AlreadyBought { id })
            }
        }
    }

    fn unfinished_now(&self) -> Result<Vec<History>, Refusal> {
        let names = match record_name::records(&self.folder) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let message = format!("the folder {} cannot be read: {error}", self.folder.display());
                return Err(Refusal::storage(message, error));
            }
        };
        let mut histories = Vec::with_capacity(names.len());
        for name in names {
            match record_file::look(&self.folder.join(name))? {
                RecordState::Here(history) => histories.push(history),
                RecordState::Running | RecordState::Gone => {}
            }
        }
        Ok(histories)
    }

    /// What there is to resume at a path: a record, a sidecar that names images which are not saved, or a folder of both. A record that
    /// cannot be read is an error of its own, beside the others of its folder.
    ///
    /// # Errors
    /// [`Refusal::Storage`] where the path cannot be read.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: it only reads.
    pub async fn resumable(path: impl Into<PathBuf>) -> Result<Vec<Result<Resumable, Refusal>>, Refusal> {
        let path = path.into();
        apart(move || resumable::at(&path)).await
    }

    fn open_now(&self, id: &str) -> Result<(History, RecordFile), Refusal> {
        let path = self.path(id);
        if !record_name::is_record(&path) {
            let message = format!("{id} is not a record: the name of a record ends in {}", record_name::SUFFIX);
            return Err(Refusal::Storage { message, source: None });
        }
        let waited = Instant::now();
        loop {
            match RecordFile::open(&path)? {
                RecordState::Here(opened) => return Ok(opened),
                RecordState::Running if waited.elapsed() < WAIT_FOR_LOCK => thread::sleep(BETWEEN_TRIES),
                RecordState::Running => return Err(Refusal::Running { id: id.to_owned() }),
                RecordState::Gone => {
                    let message = format!("there is no record {}: its job is over, or it was moved", path.display());
                    return Err(Refusal::Storage { message, source: None });
                }
            }
        }
    }
}

#[async_trait]
impl JobStore for FolderStore {
    /// # Cancel safety
    /// A record that was begun for a future that was dropped is removed again: nothing was sent.
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        let (store, intent, send_before) = (self.clone(), intent.clone(), folder_record::send_before());
        let begun = apart(move || store.begin_now(&intent).map(UnclaimedRecord::new)).await?;
        let record = FolderRecord::begun(begun.claim(), send_before);
        Ok(Box::new(record))
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        let store = self.clone();
        apart(move || store.unfinished_now()).await
    }

    /// The id is the name of a file in this folder, or the path of a record anywhere.
    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        let (store, id) = (self.clone(), id.to_owned());
        let (history, file) = apart(move || store.open_now(&id)).await?;
        Ok((history, Box::new(FolderRecord::opened(file))))
    }

    fn warnings(&self) -> Vec<String> {
        match self.warning.compare_exchange(TO_TELL, TOLD, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => vec![format!(
                "the system cannot sync the folder {}: the names of files that were just written may be lost if it crashes",
                self.folder.display()
            )],
            Err(_) => Vec::new(),
        }
    }
}

/// Does what may block on a thread that may.
async fn apart<T: Send + 'static>(job: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    let (sender, receiver) = oneshot::channel();
    on_disk(move || drop(sender.send(job())));
    receiver.await.unwrap_or_else(|_| Err(folder_record::lost()))
}

/// A record that was begun and that no job has yet.
struct UnclaimedRecord(Option<RecordFile>);

impl UnclaimedRecord {
    fn new(file: RecordFile) -> Self {
        Self(Some(file))
    }

    fn claim(mut self) -> Option<RecordFile> {
        self.0.take()
    }
}

impl Drop for UnclaimedRecord {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            // What cannot be removed says that an attempt was begun: that is safe.
            let _ = fs::remove_file(file.path());
        }
    }
}

/// The records among the files that a crash left.
#[cfg(test)]
pub(crate) fn histories(tree: &crate::disk::crash_states::Tree) -> Result<Vec<Arc<History>>, String> {
    use std::cell::RefCell;

    // Most states have the same records.
    type Known = Vec<(Vec<u8>, Result<Arc<History>, String>)>;
    thread_local!(static KNOWN: RefCell<Known> = RefCell::default());

    let read = |(path, bytes): (&Path, &[u8])| {
        KNOWN.with_borrow_mut(|known| {
            if let Some((_, read)) = known.iter().find(|(known, _)| known == bytes) {
                return read.clone();
            }
            let read = match record_text::read(bytes) {
                Ok(text) => Ok(Arc::new(History::new(record_file::id(path), text.entries))),
                Err(fault) => Err(record_file::refused(path, fault).to_string()),
            };
            known.push((bytes.to_vec(), read.clone()));
            read
        })
    };
    tree.files().filter(|(path, _)| record_name::is_record(path)).map(read).collect()
}
