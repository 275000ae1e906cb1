//! Where the images of a job go.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Location, sidecar};
use crate::{
    SavedImage,
    save::{file, stem},
};

/// Takes the images of a job, and the metadata beside them.
#[async_trait]
pub trait Output: fmt::Debug + Send + Sync {
    /// A folder of the same disk in which images are gathered while they arrive, so that saving an image of any size is a rename. They
    /// are gathered in memory where there is none.
    fn spool(&self) -> Option<&Path> {
        None
    }

    /// Saves an image, which is complete and was looked at, and says where it is. What is there already is never replaced.
    ///
    /// # Errors
    /// Why it is not saved. An image in a file stays there, and one in memory is written to the system's folder for temporary files.
    async fn save(&self, image: NewImage) -> io::Result<Location>;

    /// Makes the images of a purchase outlive a crash of the whole machine, and saves the metadata beside them where there is any: a
    /// JSON text with [`SIDECAR_SCHEMA`](crate::SIDECAR_SCHEMA).
    ///
    /// # Errors
    /// Why that is not certain, or the metadata is not saved.
    async fn finish(
        &self,
        provider: &str,
        images: &[SavedImage],
        metadata: Option<String>,
    ) -> io::Result<Option<Location>>;
}

/// An image that is to be saved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewImage {
    /// The provider's id.
    pub provider: String,
    /// The id of the job.
    pub job: String,
    /// The purchase of the job, from 1.
    pub purchase: u32,
    /// Its place in the response, from 0.
    pub index: u32,
    /// What its name ends with, without a leading dot: `png`; `partial.png` where it is incomplete.
    pub extension: String,
    /// Its type, such as `image/png`.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// The image itself.
    pub content: ImageContent,
}

/// The bytes of an image.
#[derive(Clone)]
#[non_exhaustive]
pub enum ImageContent {
    /// In memory.
    Bytes(Bytes),
    /// In a file of the [`Output::spool`], which the output may move. It is removed once the image is saved.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it was synced already.
        is_synced: bool,
        /// Whether a record names it: then it is there until [`Output::finish`] has returned, and an output in the same folder gives it a
        /// second name.
        stays: bool,
    },
}

impl fmt::Debug for ImageContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File { path, .. } => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Saves images in a folder, as `<prefix>-<n>.<ext>`: `n` is the place of the image in the response, or the next number that is free;
/// the extension is that of its content. An image that is incomplete is called `<prefix>-<n>.partial.<ext>`. The metadata is
/// `<prefix>-<n>.json`.
#[derive(Clone, Debug)]
pub struct FolderOutput {
    folder: PathBuf,
    prefix: Option<String>,
    /// Whether an image may be there that the process before this one saved and could not record any more.
    resumes: bool,
}

impl FolderOutput {
    /// A folder, which is made if there is none. Names begin with the provider's id.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), prefix: None, resumes: false }
    }

    /// For what another process began.
    pub(super) fn resuming(self) -> Self {
        Self { resumes: true, ..self }
    }

    /// Sets what names begin with. Characters that cannot stand in a file name everywhere become `_`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    fn stem(&self, provider: &str) -> String {
        stem(self.prefix.as_deref().unwrap_or(provider))
    }
}

#[async_trait]
impl Output for FolderOutput {
    fn spool(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    async fn save(&self, image: NewImage) -> io::Result<Location> {
        let (folder, stem, resumes) = (self.folder.clone(), self.stem(&image.provider), self.resumes);
        let save = move || {
            if resumes && let Some(saved) = file::unclaimed(&folder, &stem, &image) {
                return Ok(saved);
            }
            match &image.content {
                ImageContent::Bytes(bytes) => file::write(&folder, &stem, image.index, &image.extension, bytes),
                ImageContent::File { path, is_synced, stays } => {
                    file::adopt(path, *is_synced, *stays, &folder, &stem, image.index, &image.extension)
                }
            }
        };
        on_disk(save).await.map(Location::File)
    }

    async fn finish(
        &self,
        provider: &str,
        images: &[SavedImage],
        metadata: Option<String>,
    ) -> io::Result<Option<Location>> {
        let (folder, stem) = (self.folder.clone(), self.stem(provider));
        let first = images.iter().find_map(|image| image.location.file()).map(Path::to_owned);
        let finish = move || {
            let write = |text: String| {
                // The process may have ended between its metadata and the end of its record.
                let earlier = first.as_ref().map(|image| image.with_extension("json"));
                match earlier.filter(|earlier| sidecar::is_of_same_purchase(earlier, &text)) {
                    Some(earlier) => file::replace(&earlier, text.as_bytes()).map(|()| earlier),
                    None => file::write_beside(first.as_deref(), &folder, &stem, "json", text.as_bytes()),
                }
            };
            let beside = metadata.map(write).transpose()?;
            if beside.is_some() || first.is_some() {
                file::sync_folder(&folder)?;
            }
            Ok(beside.map(Location::File))
        };
        on_disk(finish).await
    }
}

/// Does what may block.
pub(crate) async fn on_disk<T: Send + 'static>(job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(io::Error::other)?
}
