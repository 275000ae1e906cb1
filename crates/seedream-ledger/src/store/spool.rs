//! A file beside the ledger for entries that could not be written: what was paid for is kept somewhere.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use seedream_client::RecordEntry;
use serde::{Deserialize, Serialize};

use super::{folder::folder, random::random};

/// An entry with what is needed to write it later, once: the token says whether it is there already.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Spooled {
    pub(super) token: i64,
    pub(super) purchase: i64,
    /// For a person, should the ledger be lost.
    pub(super) job: String,
    pub(super) attempt: u32,
    pub(super) epoch: u64,
    pub(super) entry: RecordEntry,
}

/// Entries that wait to be written: in memory, and in a file of this worker as far as that can be written.
#[derive(Debug)]
pub(super) struct Spool {
    /// What the names of all such files of the ledger begin with.
    prefix: PathBuf,
    path: PathBuf,
    pub(super) waiting: Vec<Spooled>,
}

impl Spool {
    pub(super) fn new(prefix: &Path) -> Self {
        let mut name = prefix.file_name().unwrap_or_default().to_owned();
        name.push(format!(".spool-{:016x}.jsonl", random()));
        Self { path: folder(prefix).join(name), prefix: prefix.to_owned(), waiting: Vec::new() }
    }

    /// Keeps an entry. Says where, for a person; in memory only, where the disk takes nothing.
    pub(super) fn keep(&mut self, entry: Spooled) -> String {
        let written = self.write(&entry);
        self.waiting.push(entry);
        match written {
            Ok(()) => format!("it is kept in {}", self.path.display()),
            Err(error) => format!("it is kept in memory until it can be written ({}: {error})", self.path.display()),
        }
    }

    fn write(&self, entry: &Spooled) -> io::Result<()> {
        let mut text = serde_json::to_vec(entry)?;
        text.push(b'\n');
        let is_new = !self.path.exists();
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        // Locked, it is not taken by another process, which would find it half-written.
        file.lock()?;
        file.write_all(&text)?;
        file.sync_all()?;
        if is_new && !cfg!(windows) {
            File::open(folder(&self.path))?.sync_all()?;
        }
        Ok(())
    }

    /// What other workers could not write.
    pub(super) fn others(&self) -> Vec<(PathBuf, Vec<Spooled>)> {
        let Some(name) = self.prefix.file_name().map(|name| format!("{}.spool-", name.to_string_lossy())) else {
            return Vec::new();
        };
        let Ok(entries) = fs::read_dir(folder(&self.prefix)) else { return Vec::new() };
        let paths =
            entries.filter_map(Result::ok).filter(|entry| entry.file_name().to_string_lossy().starts_with(&name));
        paths
            .map(|entry| entry.path())
            .filter(|path| *path != self.path)
            .filter_map(|path| {
                let file = File::open(&path).ok()?;
                file.lock_shared().ok()?;
                let text = io::read_to_string(&file).ok()?;
                // No caller was told that a torn last line is kept.
                Some((path, text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()))
            })
            .collect()
    }

    /// All that waited is in the ledger.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        // What stays is written again, which its tokens make harmless.
        let _ = fs::remove_file(&self.path);
    }
}
