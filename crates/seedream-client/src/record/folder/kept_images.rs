//! The images of a response: durable before the entry that names them.

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use seedream_core::{ErrorKind, Generation, ImageData, ImageFailure};

use super::record_name;
use crate::{
    disk::{self, NumberedName, image_file, sha256_hex},
    job::Outcome,
    record::RecordEntry,
};

/// The largest image that stands in a record, in bytes.
const INLINE: usize = 256 << 10;

/// The files of a response that are durable.
#[derive(Debug, Default)]
pub(super) struct KeptImages {
    /// Those that were synced.
    synced: HashSet<PathBuf>,
    /// Those that the record keeps of images that were in memory, with the SHA-256 of each.
    lifted: Vec<(PathBuf, String)>,
}

impl KeptImages {
    /// Those of a record that is there.
    pub(super) fn of(record: &Path, entries: &[RecordEntry]) -> Self {
        let ours = record_name::images(record);
        let is_ours = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&ours));
        let generations = entries.iter().filter_map(|entry| match entry {
            RecordEntry::Answered { generation, .. } => Some(generation),
            _ => None,
        });
        let images = generations.flat_map(Generation::images);
        let paths: BTreeSet<_> = images.filter_map(|image| path(&image.data)).filter(is_ours).collect();
        let lifted = paths.into_iter().filter_map(|path| Some((path.clone(), sha256_hex(&fs::read(path).ok()?))));
        Self { synced: HashSet::new(), lifted: lifted.collect() }
    }

    pub(super) fn has_synced(&self, path: &Path) -> bool {
        self.synced.contains(path)
    }

    /// Makes the images of a response durable: files are synced, and bytes that are too long for an entry become files beside the
    /// record.
    ///
    /// # Errors
    /// The first of the disk's. The response then says which images were not kept; the others are.
    pub(super) fn keep(&mut self, record: &Path, generation: &mut Generation) -> io::Result<()> {
        let (mut folders, mut failed) = (BTreeSet::new(), Ok(()));
        for outcome in &mut generation.outcomes {
            let Ok(image) = outcome else { continue };
            let index = image.index;
            match self.keep_one(record, index, innermost(&mut image.data)) {
                Ok(folder) => folders.extend(folder),
                Err(error) => {
                    if path(&image.data).is_none() {
                        let message = format!("the image came and could not be kept: {error}");
                        *outcome = Err(ImageFailure::new(index, ErrorKind::Storage, message));
                    }
                    failed = failed.and(Err(error));
                }
            }
        }
        for folder in folders {
            failed = failed.and(disk::sync_folder(&folder).map(drop));
        }
        failed
    }

    /// The folder whose names are to be synced.
    fn keep_one(&mut self, record: &Path, index: u32, data: &mut ImageData) -> io::Result<Option<PathBuf>> {
        match data {
            ImageData::File(path) if self.synced.contains(path) => Ok(None),
            ImageData::File(path) => {
                disk::sync(&File::open(&*path)?, path)?;
                self.synced.insert(path.clone());
                Ok(Some(disk::parent(path).to_owned()))
            }
            ImageData::Bytes(bytes) if bytes.len() > INLINE => {
                let (path, is_new) = self.lift(record, index, bytes)?;
                *data = ImageData::File(path.clone());
                Ok(is_new.then(|| disk::parent(&path).to_owned()))
            }
            _ => Ok(None),
        }
    }

    /// The file of an image that was in memory, and whether it is new: a stream names an image twice.
    fn lift(&mut self, record: &Path, index: u32, bytes: &Bytes) -> io::Result<(PathBuf, bool)> {
        let digest = sha256_hex(bytes);
        if let Some((path, _)) = self.lifted.iter().find(|(_, known)| *known == digest) {
            return Ok((path.clone(), false));
        }
        let extension = infer::get(bytes).map_or("bin", |kind| kind.extension());
        let name = NumberedName::new(&record_name::images(record));
        let path = image_file::write(disk::parent(record), &name, index, extension, bytes)?;
        self.lifted.push((path.clone(), digest));
        Ok((path, true))
    }

    /// Removes the files that the record kept of images that were saved elsewhere since.
    pub(super) fn remove_saved(&self, outcome: &Outcome) {
        for (path, sha256) in &self.lifted {
            let mut images = outcome.images.iter();
            if images.any(|image| image.sha256 == *sha256 && image.location.file() != Some(path.as_path())) {
                // Two copies are no harm.
                let _ = disk::remove(path);
            }
        }
    }
}

/// Takes out what may not fit: the text of the response, and images that are in memory.
pub(super) fn without_bytes(generation: &mut Generation) {
    for outcome in &mut generation.outcomes {
        if let Ok(image) = outcome
            && path(&image.data).is_none()
            && !matches!(innermost(&mut image.data), ImageData::Url { .. })
        {
            let message = "the image came and there was no room to keep it";
            *outcome = Err(ImageFailure::new(image.index, ErrorKind::Storage, message));
        }
    }
}

/// Finds files where the record is, if they are not where they were: their folder was moved, or another one is current.
pub(super) fn find(record: &Path, generation: &mut Generation) {
    for image in generation.outcomes.iter_mut().filter_map(|outcome| outcome.as_mut().ok()) {
        if let ImageData::File(path) = innermost(&mut image.data) {
            find_file(record, path);
        }
    }
}

/// Finds one of them.
pub(super) fn find_file(record: &Path, path: &mut PathBuf) {
    if !path.exists()
        && let Some(here) = path.file_name().map(|name| disk::parent(record).join(name)).filter(|here| here.exists())
    {
        *path = here;
    }
}

/// Where an image is, whether it is complete or not.
fn innermost(data: &mut ImageData) -> &mut ImageData {
    match data {
        ImageData::Incomplete { data, .. } => innermost(data),
        data => data,
    }
}

/// The file of an image.
fn path(data: &ImageData) -> Option<&PathBuf> {
    match data {
        ImageData::File(path) => Some(path),
        ImageData::Incomplete { data, .. } => path(data),
        _ => None,
    }
}
