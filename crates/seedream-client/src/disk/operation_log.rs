//! What was done to the disk, for tests: operations that succeeded, in their order.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// An operation on the disk, or a mark that a test set between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// A folder was made.
    MakeFolder(PathBuf),
    /// A hidden file was made.
    Create(PathBuf),
    /// Bytes were written to a file.
    Write { path: PathBuf, offset: u64, bytes: Vec<u8> },
    /// A file was cut off.
    Cut { path: PathBuf, length: u64 },
    /// A file was synced.
    Sync(PathBuf),
    /// A file got another name.
    Publish { from: PathBuf, to: PathBuf },
    /// A file got a second name.
    Link { from: PathBuf, to: PathBuf },
    /// The names in a folder were synced.
    SyncFolder(PathBuf),
    /// A file was removed.
    Remove(PathBuf),
    /// A test says what happened elsewhere, such as `first byte of the POST`. The path tells whose test.
    Mark { folder: PathBuf, what: String },
}

impl Op {
    /// The path that it is about.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::MakeFolder(path) | Self::Create(path) | Self::Sync(path) | Self::SyncFolder(path) => path,
            Self::Write { path, .. } | Self::Cut { path, .. } | Self::Remove(path) => path,
            Self::Publish { to, .. } | Self::Link { to, .. } => to,
            Self::Mark { folder, .. } => folder,
        }
    }

    /// Whether it makes something outlive a crash.
    pub(crate) fn is_sync(&self) -> bool {
        matches!(self, Self::Sync(_) | Self::SyncFolder(_))
    }

    /// Whether it is this mark.
    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        matches!(self, Self::Mark { what, .. } if what == mark)
    }
}

static LOG: Mutex<Vec<Op>> = Mutex::new(Vec::new());

fn log() -> MutexGuard<'static, Vec<Op>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn note(op: Op) {
    log().push(op);
}

/// Sets a mark in the log of the test that works below this folder.
pub(crate) fn mark(folder: &Path, what: impl Into<String>) {
    note(Op::Mark { folder: folder.into(), what: what.into() });
}

/// What was done below a folder, and the marks set for it. Tests run side by side: each has a folder of its own.
pub(crate) fn below(folder: &Path) -> Vec<Op> {
    log().iter().filter(|op| op.path().starts_with(folder)).cloned().collect()
}
