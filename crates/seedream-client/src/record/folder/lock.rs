//! Which process a record belongs to.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

/// A record belongs to this process. Its end, however it comes, releases it: the system holds the lock.
#[derive(Debug)]
pub(super) struct RecordLock {
    /// On Windows a locked file cannot be read, so one beside it is locked.
    #[cfg(windows)]
    _beside: LockFile,
}

impl RecordLock {
    /// Takes a record, unless another process has it.
    #[allow(unused_variables, reason = "Windows locks a file beside the path, any other system the record itself")]
    pub(super) fn take(record: &File, path: &Path) -> io::Result<Option<Self>> {
        #[cfg(windows)]
        let path = path.with_extension("lock");
        #[cfg(windows)]
        let beside = File::options().write(true).create(true).truncate(false).open(&path)?;
        #[cfg(windows)]
        let record = &beside;
        if !try_lock(record)? {
            return Ok(None);
        }
        Ok(Some(Self {
            #[cfg(windows)]
            _beside: LockFile { _file: beside, path },
        }))
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(windows)]
#[derive(Debug)]
struct LockFile {
    _file: File,
    path: std::path::PathBuf,
}

#[cfg(windows)]
impl Drop for LockFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether the file was removed before it was locked.
pub(super) fn is_gone(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        let _ = path;
        Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(!path.try_exists()?)
    }
}
