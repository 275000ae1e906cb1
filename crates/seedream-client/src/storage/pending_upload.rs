//! Notes of uploads in parts that are under way: an upload whose process died is ended by its recorded id alone.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use crate::disk::{self, on_disk, random_token};

/// What the names of notes end with.
const SUFFIX: &str = ".upload";

/// An upload that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PendingUpload {
    pub(super) endpoint: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) upload_id: String,
}

/// The note of an upload, which belongs to this process as long as the lock is held: the system releases it when the process ends.
#[derive(Debug)]
pub(super) struct UploadNote {
    path: PathBuf,
    _locked: File,
}

impl PendingUpload {
    pub(super) fn of(bucket: &Bucket, key: &str, upload_id: &str) -> Self {
        Self {
            endpoint: bucket.endpoint().to_owned(),
            bucket: bucket.url().bucket().to_owned(),
            key: key.to_owned(),
            upload_id: upload_id.to_owned(),
        }
    }

    /// Writes a note, synced, into a folder.
    ///
    /// # Errors
    /// The disk's.
    pub(super) async fn note(&self, folder: &Path) -> io::Result<UploadNote> {
        let (folder, text) = (folder.to_owned(), serde_json::to_vec(self)?);
        on_disk(move || {
            let (file, part) = disk::create_hidden(&folder, "upload")?.into_parts();
            disk::write_at(&file, &part, 0, &text)?;
            disk::sync(&file, &part)?;
            file.lock()?;
            let path = folder.join(format!("{}{SUFFIX}", random_token()));
            disk::publish(part, &path).map_err(|(error, _)| error)?;
            disk::sync_folder(&folder)?;
            Ok(UploadNote { path, _locked: file })
        })
        .await
    }
}

impl UploadNote {
    /// Removes the note: the upload has ended.
    pub(super) async fn remove(self) {
        // One that stays names an upload that the store does not know any more.
        let _ = on_disk(move || disk::remove(&self.path)).await;
    }
}

/// The notes of a folder whose processes have ended.
fn abandoned(folder: &Path) -> io::Result<Vec<(PendingUpload, UploadNote)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_note = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with(SUFFIX));
    let mut found = Vec::new();
    for path in names.filter(is_note) {
        let opened = File::options().read(true).write(true).open(&path);
        let mut file = match opened {
            Ok(file) => file,
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut text = String::new();
        // What is no note is left as it is.
        if file.read_to_string(&mut text).is_ok()
            && let Ok(upload) = serde_json::from_str(&text)
        {
            found.push((upload, UploadNote { path, _locked: file }));
        }
    }
    Ok(found)
}

/// Ends the uploads to this bucket whose processes have ended. Gives back what could not be ended, in sentences.
///
/// # Errors
/// The folder cannot be read.
pub(super) async fn end_abandoned(bucket: &Bucket, folder: &Path) -> io::Result<Vec<String>> {
    let from = folder.to_owned();
    let notes = on_disk(move || abandoned(&from)).await?;
    let mut left = Vec::new();
    for (upload, note) in notes {
        if (upload.endpoint.as_str(), upload.bucket.as_str()) != (bucket.endpoint(), bucket.url().bucket()) {
            continue;
        }
        match bucket.abort(&upload.key, &upload.upload_id).await {
            Err(error) if !error.is_missing() => {
                let path = note.path.display();
                left.push(format!("an upload that a process began before it ended is still open ({path}): {error}"));
            }
            // It is complete where there is none.
            _ => note.remove().await,
        }
    }
    Ok(left)
}
