//! Which workers are alive: each locks a file beside the ledger, and the system releases it at its end, however that comes.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::store::{folder::folder, random::random};

/// The lock of a worker. It lasts as long as this value.
#[derive(Debug)]
pub(super) struct WorkerLock {
    pub(super) id: u64,
    path: PathBuf,
    _file: File,
}

impl WorkerLock {
    /// A new worker.
    pub(super) fn take(ledger: &Path) -> io::Result<Self> {
        loop {
            let id = random();
            let path = path(ledger, id);
            let mut file = match File::options().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            file.lock()?;
            writeln!(file, "process {}", std::process::id())?;
            // Another process may have taken it for that of a worker that ended.
            if path.exists() {
                return Ok(Self { id, path, _file: file });
            }
        }
    }
}

impl Drop for WorkerLock {
    fn drop(&mut self) {
        // A file that stays is removed by the next worker.
        let _ = fs::remove_file(&self.path);
    }
}

fn path(ledger: &Path, id: u64) -> PathBuf {
    let mut name = ledger.file_name().unwrap_or_default().to_owned();
    name.push(format!(".worker-{id:016x}"));
    folder(ledger).join(name)
}

/// Whether a worker has ended. Where that cannot be found out, it has not.
pub(super) fn is_gone(ledger: &Path, id: u64) -> bool {
    match File::open(path(ledger, id)) {
        Ok(file) => matches!(file.try_lock_shared(), Ok(())),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Removes the files of workers that have ended.
pub(super) fn clean(ledger: &Path) {
    let Some(name) = ledger.file_name().map(|name| format!("{}.worker-", name.to_string_lossy())) else { return };
    let Ok(entries) = fs::read_dir(folder(ledger)) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(&name)
            && let Ok(file) = File::open(entry.path())
            && !matches!(file.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_)))
        {
            // It stays where it cannot be removed.
            let _ = fs::remove_file(entry.path());
        }
    }
}
