//! Whether a folder knows a purchase of a job that was given an id.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use memchr::memmem::Finder;
use seedream_core::Charge;

use super::{
    record_file::{self, RecordState},
    record_name, record_text,
};
use crate::{
    output::Sidecar,
    record::{History, Intent, RecordEntry},
};

/// Another record beside this one, or metadata, of a purchase that was made or may have been.
pub(super) fn other(record: &Path, intent: &Intent) -> io::Result<Option<PathBuf>> {
    let id = serde_json::to_string(&intent.job)?;
    let id = Finder::new(&id);
    for entry in fs::read_dir(crate::disk::parent(record))? {
        let path = entry?.path();
        let is_record = record_name::is_record(&path);
        if path == record || !(is_record || path.extension().is_some_and(|extension| extension == "json")) {
            continue;
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // It was removed since, and says nothing any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // A record may be the one that is looked for.
            Err(error) if is_record => return Err(error),
            Err(_) => continue,
        };
        if id.find(&bytes).is_none() {
            continue;
        }
        let is_known = if is_record { in_record(&path, &bytes, intent) } else { in_metadata(&bytes, intent) };
        if is_known {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// One that is damaged may have been about anything that it names, and one whose process runs may buy next.
fn in_record(path: &Path, bytes: &[u8], intent: &Intent) -> bool {
    let Ok(text) = record_text::read(bytes) else { return true };
    let is_it = |entry: &RecordEntry| matches!(entry, RecordEntry::Intent(other) if (&other.job, other.purchase) == (&intent.job, intent.purchase));
    let is_running = || !matches!(record_file::look(path), Ok(RecordState::Here(_) | RecordState::Gone));
    text.entries.iter().any(is_it) && (History::new("", text.entries).charge() != Charge::No || is_running())
}

fn in_metadata(bytes: &[u8], intent: &Intent) -> bool {
    let outcome =
        std::str::from_utf8(bytes).ok().and_then(|text| Sidecar::read(text).ok()).map(|sidecar| sidecar.outcome);
    outcome.is_some_and(|outcome| {
        (&outcome.job, outcome.purchase) == (&intent.job, intent.purchase) && outcome.charge != Charge::No
    })
}
