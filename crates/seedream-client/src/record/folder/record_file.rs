//! A record's file, while this process holds it.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    ops::Range,
    path::{Path, PathBuf},
};

use seedream_core::Generation;

use super::{
    kept_images::{self, KeptImages},
    lock::{self, RecordLock},
    record_name,
    record_need::RecordNeed,
    record_text::{self, UnreadableRecord},
};
use crate::{
    disk::{self, image_file},
    job::Outcome,
    output::Location,
    record::{History, Intent, RecordEntry, Refusal},
};

/// A record that this process writes to.
#[derive(Debug)]
pub(super) struct RecordFile {
    file: File,
    path: PathBuf,
    _lock: RecordLock,
    /// Where the next entry goes.
    end: u64,
    /// How much of it is synced.
    synced: u64,
    /// What is blanked before the next entry is written.
    torn: Vec<Range<u64>>,
    known: RecordNeed,
    images: KeptImages,
}

/// A record that was looked for.
pub(super) enum RecordState<T> {
    Here(T),
    /// Another process works on it.
    Running,
    /// There is no such file.
    Gone,
}

impl RecordFile {
    /// Makes a record with its first entry. Gives back too whether its folder could be synced.
    pub(super) fn create(folder: &Path, intent: &Intent) -> Result<(Self, bool), Refusal> {
        Self::create_now(folder, intent).map_err(|error| Refusal::storage(cannot_create(folder, &error), error))
    }

    fn create_now(folder: &Path, intent: &Intent) -> io::Result<(Self, bool)> {
        let parents = disk::make_folders(folder)?;
        let stem = image_file::stem(&intent.provider);
        let (text, end) = record_text::head(intent)?;
        let (file, mut part) = disk::create(folder, &stem)?.into_parts();
        disk::write_at(&file, &part, 0, &text)?;
        disk::sync(&file, &part)?;
        let (mut number, mut lock) = (0, None);
        let (path, lock) = loop {
            number = record_name::next_free(folder, &stem, number)?;
            let path = folder.join(record_name::record(&stem, number));
            if lock.is_none() || cfg!(windows) {
                lock = RecordLock::take(&file, &path)?;
            }
            if let Some(held) = lock.take() {
                match disk::publish(part, &path) {
                    Ok(()) => break (path, held),
                    // Another process was faster.
                    Err((error, back)) if error.kind() == io::ErrorKind::AlreadyExists => {
                        (part, lock) = (back, Some(held));
                    }
                    Err((error, _)) => return Err(error),
                }
            }
            number = number.checked_add(1).ok_or_else(|| io::Error::other("no number is free"))?;
        };
        let mut known = RecordNeed::default();
        known.note(&RecordEntry::Intent(intent.clone()));
        let (end, images) = (end as u64, KeptImages::default());
        let record = Self { file, path, _lock: lock, end, synced: end, torn: Vec::new(), known, images };
        match disk::sync_folders(parents.iter().map(PathBuf::as_path).chain([folder])) {
            Ok(can_sync) => Ok((record, can_sync)),
            Err(error) => {
                // Nothing is sent, so the record says nothing.
                let _ = disk::remove(&record.path);
                Err(error)
            }
        }
    }

    /// Takes over a record.
    pub(super) fn open(path: &Path) -> Result<RecordState<(History, Self)>, Refusal> {
        let opened = open(File::options().read(true).write(true), path)?;
        Ok(match opened {
            RecordState::Here((file, lock, text)) => {
                let mut known = RecordNeed::default();
                text.entries.iter().for_each(|entry| known.note(entry));
                let images = KeptImages::of(path, &text.entries);
                let (path, end) = (path.to_owned(), text.end);
                let record = Self { file, path, _lock: lock, end, synced: text.synced, torn: text.torn, known, images };
                RecordState::Here((History::new(id(&record.path), text.entries), record))
            }
            RecordState::Running => RecordState::Running,
            RecordState::Gone => RecordState::Gone,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes a record of which nothing was sent.
    pub(super) fn discard(self) {
        // What cannot be removed says that an attempt was begun: that is safe.
        let _ = disk::remove(&self.path);
    }

    pub(super) fn has_synced(&self, image: &Path) -> bool {
        self.images.has_synced(image)
    }

    /// Writes an entry, and syncs where its kind asks for that.
    pub(super) fn append(&mut self, entry: RecordEntry) -> Result<(), Refusal> {
        match entry {
            RecordEntry::Answered { generation, whole, raw } => self.answered(generation, whole, raw),
            RecordEntry::Intent(_) | RecordEntry::Accepted { .. } => {
                self.write(&entry, true)?;
                self.sync()
            }
            RecordEntry::Ended { outcome } => self.close(outcome),
            entry => self.write(&entry, false),
        }
    }

    /// Writes a response, whose images last before it names them.
    fn answered(&mut self, mut generation: Generation, whole: bool, raw: Option<String>) -> Result<(), Refusal> {
        let kept = self.images.keep(&self.path, &mut generation).map_err(|error| self.refusal(error));
        let mut entry = RecordEntry::Answered { generation, whole, raw };
        let all = self.write(&entry, true);
        let mut some = Ok(());
        if let (Err(_), RecordEntry::Answered { generation, raw, .. }) = (&all, &mut entry) {
            // Where there is no room for all of it: where the images are, and that they were bought.
            kept_images::without_bytes(generation);
            *raw = None;
            some = self.write(&entry, true);
        }
        let synced = some.and_then(|()| self.sync());
        all.and(synced).and(kept)
    }

    /// Removes the record, or writes why it stays.
    fn close(&mut self, outcome: Box<Outcome>) -> Result<(), Refusal> {
        if self.known.is_needed(&outcome) {
            self.write(&RecordEntry::Ended { outcome }, false)?;
            disk::cut(&self.file, &self.path, self.end).map_err(|error| self.refusal(error))?;
            return self.sync();
        }
        self.images.remove_saved(&outcome);
        disk::remove(&self.path).map_err(|error| {
            let message = format!("{} cannot be removed: {error}; it is of no use any more", self.path.display());
            Refusal::storage(message, error)
        })
    }

    /// Writes an entry; one that is to be synced says how much was before it.
    fn write(&mut self, entry: &RecordEntry, durable: bool) -> Result<(), Refusal> {
        self.write_now(entry, durable).map_err(|error| self.refusal(error))?;
        self.known.note(entry);
        Ok(())
    }

    fn write_now(&mut self, entry: &RecordEntry, durable: bool) -> io::Result<()> {
        while let Some(range) = self.torn.last() {
            let length = usize::try_from(range.end - range.start).unwrap_or_default();
            disk::write_at(&self.file, &self.path, range.start, &vec![b' '; length])?;
            self.torn.pop();
        }
        let line = record_text::line(entry, durable.then_some(self.synced))?;
        let end = self.end + line.len() as u64;
        if let Err(error) = disk::write_at(&self.file, &self.path, self.end, &line) {
            // Some of it may stand there.
            let length = self.file.metadata().map_or(self.end, |metadata| metadata.len());
            self.torn.push(self.end..end.min(length).max(self.end));
            return Err(error);
        }
        self.end = end;
        Ok(())
    }

    /// Makes every entry last that was written.
    fn sync(&mut self) -> Result<(), Refusal> {
        disk::sync(&self.file, &self.path).map_err(|error| self.refusal(error))?;
        self.synced = self.end;
        Ok(())
    }

    fn refusal(&self, error: io::Error) -> Refusal {
        let path = self.path.display();
        Refusal::storage(format!("the record {path} cannot be written: {error}; {}", remedy(&error)), error)
    }
}

/// Why a folder cannot have a record, and what to do.
fn cannot_create(folder: &Path, error: &io::Error) -> String {
    let shown = folder.display();
    if let Some(file) = folder.ancestors().find(|path| path.exists() && !path.is_dir()) {
        return format!("{} is a file, not a folder: choose another output folder", file.display());
    }
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        return format!("the folder {shown} cannot be created: {error}; choose another output folder");
    }
    format!("no record can be written to the folder {shown}: {error}; {}, or choose another folder", remedy(error))
}

/// What to do about a file that cannot be written.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space there",
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (ulimit -f)",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "allow this process to write there",
        _ => "check that folder and its disk",
    }
}

/// What a record says to one who does not take it over.
pub(super) fn look(path: &Path) -> Result<RecordState<History>, Refusal> {
    Ok(match open(File::options().read(true), path)? {
        RecordState::Here((_, _, text)) => RecordState::Here(History::new(id(path), text.entries)),
        RecordState::Running => RecordState::Running,
        RecordState::Gone => RecordState::Gone,
    })
}

/// Opens, locks and reads a record.
fn open(
    how: &fs::OpenOptions,
    path: &Path,
) -> Result<RecordState<(File, RecordLock, record_text::RecordText)>, Refusal> {
    let unreadable =
        |error: io::Error| Refusal::storage(format!("the record {} cannot be read: {error}", path.display()), error);
    let file = match how.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RecordState::Gone),
        Err(error) => return Err(unreadable(error)),
    };
    let Some(lock) = RecordLock::take(&file, path).map_err(unreadable)? else { return Ok(RecordState::Running) };
    if lock::is_gone(&file, path).map_err(unreadable)? {
        return Ok(RecordState::Gone);
    }
    if file.metadata().map_err(unreadable)?.len() > record_text::LONGEST {
        let message = format!("{} is too large for a record: it is left as it is", path.display());
        return Err(Refusal::Storage { message, source: None });
    }
    let mut bytes = Vec::new();
    (&file).read_to_end(&mut bytes).map_err(unreadable)?;
    let mut text = record_text::read(&bytes).map_err(|fault| refused(path, fault))?;
    for entry in &mut text.entries {
        match entry {
            RecordEntry::Answered { generation, .. } => kept_images::find(path, generation),
            RecordEntry::Image { location: Location::File(image), .. } => kept_images::find_file(path, image),
            _ => {}
        }
    }
    Ok(RecordState::Here((file, lock, text)))
}

/// Says why a record cannot be used, and what there is to do.
pub(super) fn refused(path: &Path, fault: UnreadableRecord) -> Refusal {
    let path = path.display();
    let message = match fault {
        UnreadableRecord::Format(format) => format!(
            "the record {path} has the format {format}, which this version does not read: use the version that wrote it, or a \
             newer one"
        ),
        UnreadableRecord::Damaged { line, reason } => format!(
            "the record {path} is damaged in line {line}: {reason}; it tells of what may have been bought, so look at its text, ask \
             the provider about its request, then move it away"
        ),
    };
    Refusal::Storage { message, source: None }
}

/// The id under which a record is found again.
pub(super) fn id(path: &Path) -> String {
    let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    path.to_str().map_or_else(name, str::to_owned)
}
