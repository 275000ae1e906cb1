//! The folder in which images wait until a store has them.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::{
    disk::{self, image_file, on_disk},
    output::{ImageContent, NewImage},
};

/// A folder on the local disk, whose files outlive a crash before the first byte of an upload.
#[derive(Clone, Debug)]
pub(super) struct Spool(PathBuf);

/// An image that is about to be sent.
#[derive(Clone, Debug)]
pub(super) enum SpooledImage {
    Bytes(Bytes),
    File {
        path: PathBuf,
        /// Whether it goes once the image is saved: it is incomplete, and no record names it.
        goes: bool,
    },
}

impl Spool {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Makes the folder, and checks that files can be made in it.
    ///
    /// # Errors
    /// The disk's.
    pub(super) async fn prepare(&self) -> io::Result<()> {
        let folder = self.0.clone();
        on_disk(move || {
            let made = disk::make_folders(&folder)?;
            disk::sync_folders(made.iter().map(PathBuf::as_path))?;
            disk::create(&folder, "check").map(drop)
        })
        .await
    }

    /// Makes an image outlive a crash. One that was fetched gets a name by which a resumed job finds it; one that a record names keeps its
    /// own. One in memory is in the record of its job, if there is one.
    ///
    /// # Errors
    /// The disk's.
    pub(super) async fn take(&self, image: &NewImage) -> io::Result<SpooledImage> {
        let (from, is_synced, stays) = match &image.content {
            ImageContent::Bytes(bytes) => return Ok(SpooledImage::Bytes(bytes.clone())),
            ImageContent::File { path, is_synced, stays } => (path.clone(), *is_synced, *stays),
        };
        let is_part = image.extension.starts_with(&image_file::PARTIAL[1..]);
        let name = format!("{}{}", stem(&image.attempt, image.index), image.extension);
        let is_named = image_file::is_unsaved(&from) && !stays && !is_part && !image.attempt.is_empty();
        let (folder, to) = (self.0.clone(), is_named.then(|| self.0.join(name)));
        on_disk(move || {
            if !is_synced {
                disk::sync(&File::open(&from)?, &from)?;
            }
            let path = match to {
                // The same image of the same attempt may be there.
                Some(to) => fs::rename(&from, &to).map(|()| to)?,
                None => from,
            };
            disk::sync_folder(&folder)?;
            Ok(SpooledImage::File { path, goes: is_part && !stays })
        })
        .await
    }

    /// The file of an image that waits.
    pub(super) async fn find(&self, attempt: &str, index: u32) -> Option<PathBuf> {
        if attempt.is_empty() {
            return None;
        }
        let (folder, stem) = (self.0.clone(), stem(attempt, index));
        on_disk(move || {
            let mut names = fs::read_dir(&folder)?.filter_map(Result::ok).map(|entry| entry.file_name());
            let found = names.find(|name| name.to_str().is_some_and(|name| name.starts_with(&stem)));
            Ok(found.map(|name| folder.join(name)))
        })
        .await
        .ok()
        .flatten()
    }

    /// Removes the file of an image that is saved.
    pub(super) async fn remove(&self, attempt: &str, index: u32) {
        if let Some(path) = self.find(attempt, index).await {
            // What stays is no harm: it is what the store has.
            let _ = on_disk(move || disk::remove(&path)).await;
        }
    }
}

fn stem(attempt: &str, index: u32) -> String {
    format!("waiting-{attempt}-{index}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::RequestSummary;

    fn image(path: &Path, extension: &str, stays: bool) -> NewImage {
        NewImage {
            provider: "tiny".into(),
            job: "job".into(),
            purchase: 1,
            attempt: "0f".into(),
            request: RequestSummary::default(),
            index: 1,
            extension: extension.into(),
            media_type: "image/png".into(),
            bytes: 2,
            sha256: String::new(),
            content: ImageContent::File { path: path.to_owned(), is_synced: false, stays },
        }
    }

    #[tokio::test]
    async fn a_fetched_image_is_found_by_its_attempt_and_one_that_a_record_names_keeps_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("a/spool"));
        spool.prepare().await.unwrap();
        let unsaved = spool.folder().join("unsaved-1.png");
        let put = || fs::write(&unsaved, "ab").unwrap();
        put();
        let SpooledImage::File { path, goes } = spool.take(&image(&unsaved, "png", true)).await.unwrap() else {
            panic!()
        };
        assert_eq!((path, goes, spool.find("0f", 1).await), (unsaved.clone(), false, None));
        // An incomplete one must not stand in for a download.
        let SpooledImage::File { path, goes } = spool.take(&image(&unsaved, "partial.png", false)).await.unwrap()
        else {
            panic!()
        };
        assert_eq!((path, goes, spool.find("0f", 1).await), (unsaved.clone(), true, None));
        for _ in 0..2 {
            put();
            spool.take(&image(&unsaved, "png", false)).await.unwrap();
        }
        assert_eq!(spool.find("0f", 1).await, Some(spool.folder().join("waiting-0f-1.png")));
        assert_eq!((spool.find("0f", 11).await, spool.find("", 1).await), (None, None));
        spool.remove("0f", 1).await;
        assert_eq!(fs::read_dir(spool.folder()).unwrap().count(), 0);
    }
}
