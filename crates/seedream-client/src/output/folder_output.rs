//! Images in a folder.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use seedream_core::Timestamp;

use super::{
    image_output::{FinishedPurchase, ImageContent, NewImage, Output, RequestSummary},
    location::Location,
    name_template::{NameTemplate, NameValues},
    sidecar,
};
use crate::disk::{NumberedName, image_file, on_disk};

/// Saves images in a folder, as `<prefix>-<n>.<ext>`: `n` is the place of the image in the response, or the next number that is free;
/// the extension is that of its content. An image that is incomplete is called `<prefix>-<n>.partial.<ext>`. The metadata is
/// `<prefix>-<n>.json`. [`FolderOutput::named`] sets other names.
#[derive(Clone, Debug)]
pub struct FolderOutput {
    folder: PathBuf,
    prefix: Option<String>,
    /// Other names, and the time that they tell.
    template: Option<(NameTemplate, Timestamp)>,
    /// Whether an image may be there that the process before this one saved and could not record any more.
    resumes: bool,
}

impl FolderOutput {
    /// A folder, which is made if it is missing. Names begin with the provider's id.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), prefix: None, template: None, resumes: false }
    }

    /// For a job that another process began: it takes an image that is there and that no record and no metadata names, instead of saving it
    /// a second time.
    #[must_use]
    pub fn resuming(self) -> Self {
        Self { resumes: true, ..self }
    }

    /// Sets what names begin with. Characters that cannot stand in a file name everywhere become `_`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets the names. `{id}` is the prefix, if one is set, else the id of the job; `{date}` is today.
    #[must_use]
    pub fn named(mut self, template: NameTemplate) -> Self {
        self.template = Some((template, Timestamp::now()));
        self
    }

    /// For a job that was begun at that time, with the names that its record or metadata has.
    pub(crate) fn of_record(folder: &Path, names: Option<&str>, begun_at: Timestamp) -> Self {
        let template = names.and_then(|names| Some((names.parse().ok()?, begun_at)));
        Self { template, ..Self::new(folder).resuming() }
    }

    fn file_names(&self, provider: &str, job: &str, request: &RequestSummary) -> NumberedName {
        match &self.template {
            Some((template, at)) => {
                let id = self.prefix.as_deref().unwrap_or(job);
                template.names(&NameValues { provider, id, request, at: *at })
            }
            None => NumberedName::new(&image_file::stem(self.prefix.as_deref().unwrap_or(provider))),
        }
    }
}

#[async_trait]
impl Output for FolderOutput {
    fn spool(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn names(&self) -> Option<String> {
        self.template.as_ref().map(|(template, _)| template.to_string())
    }

    async fn save(&self, image: NewImage) -> io::Result<Location> {
        let names = self.file_names(&image.provider, &image.job, &image.request);
        let (folder, resumes) = (self.folder.clone(), self.resumes);
        let save = move || {
            if resumes
                && let Some(saved) =
                    image_file::find_unrecorded(&folder, &names, &image.extension, image.bytes, &image.sha256)
            {
                return Ok(saved);
            }
            match &image.content {
                ImageContent::Bytes(bytes) => image_file::write(&folder, &names, image.index, &image.extension, bytes),
                ImageContent::File { path, is_synced, stays } => {
                    image_file::move_in(path, *is_synced, *stays, &folder, &names, image.index, &image.extension)
                }
            }
        };
        on_disk(save).await.map(Location::File)
    }

    async fn finish(&self, purchase: FinishedPurchase<'_>) -> io::Result<Option<Location>> {
        let FinishedPurchase { provider, job, images, metadata, ref request, .. } = purchase;
        let (folder, names) = (self.folder.clone(), self.file_names(provider, job, request));
        let first = images.iter().find_map(|image| image.location.file()).map(Path::to_owned);
        let finish = move || {
            let write = |text: String| {
                // The process may have ended between its metadata and the end of its record.
                let earlier = first.as_ref().map(|image| image.with_extension("json"));
                match earlier.filter(|earlier| sidecar::is_of_same_purchase(earlier, &text)) {
                    Some(earlier) => image_file::replace(&earlier, text.as_bytes()).map(|()| earlier),
                    None => image_file::write_beside(first.as_deref(), &folder, &names, "json", text.as_bytes()),
                }
            };
            let beside = metadata.map(write).transpose()?;
            if beside.is_some() || first.is_some() {
                image_file::sync_folder(&folder)?;
            }
            Ok(beside.map(Location::File))
        };
        on_disk(finish).await
    }
}
