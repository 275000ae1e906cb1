//! Writes images to disk: whole or not at all, and never over a file that is there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use seedream_core::{
    ErrorKind, Field, GeneratedImage, Generation, ImageData, ImageFailure, Pixels, Warning, WarningKind,
};

use super::{
    folder_output::FolderOutput,
    image_check::{ImageFacts, LocalImage, describe, page},
    image_output::{ImageContent, NewImage, Output, RequestSummary},
    location::Location,
    saved_image::{Saved, SavedImage},
};
use crate::{
    body::image_format::{Completeness, ImageEndCheck},
    disk::{image_file, on_disk},
    download::Downloader,
};

/// How many images are fetched at a time.
const AT_A_TIME: usize = 3;

/// Where images are written, and under which names.
///
/// A file is called `<prefix>-<n>.<ext>`: `n` is the image's place in the response, or the next number that is free; the
/// extension is that of its content, whichever the provider states. An image that is incomplete, as its own format says, is
/// called `<prefix>-<n>.partial.<ext>` and is a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveOptions {
    /// The directory; made if it is missing.
    pub directory: PathBuf,
    /// What names begin with. Characters that cannot stand in a file name everywhere become `_`.
    pub prefix: String,
    /// The requested size in pixels, to warn of images that have another; `None` without one.
    pub asked: Option<Pixels>,
}

impl SaveOptions {
    /// A directory and a prefix.
    pub fn new(directory: impl Into<PathBuf>, prefix: impl Into<String>) -> Self {
        Self { directory: directory.into(), prefix: prefix.into(), asked: None }
    }

    /// Sets the requested size in pixels.
    #[must_use]
    pub fn asked(mut self, size: impl Into<Option<Pixels>>) -> Self {
        self.asked = size.into();
        self
    }
}

/// The image itself, wherever it is.
pub(crate) async fn fetch(downloader: &Downloader, image: &GeneratedImage) -> Result<Bytes, ImageFailure> {
    let bytes = match &image.data {
        ImageData::Bytes(bytes) => bytes.clone(),
        ImageData::Incomplete { reason, .. } => return Err(failure(image, ErrorKind::IncompleteImage, reason)),
        ImageData::Url { url, .. } => {
            let fetched = downloader.fetch(url).await;
            return fetched.map_err(|error| failure(image, error.kind(), error.message()));
        }
        ImageData::File(path) => match tokio::fs::read(path).await {
            Ok(bytes) => bytes.into(),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                return Err(failure(image, ErrorKind::Storage, &message));
            }
        },
        _ => return Err(failure(image, ErrorKind::Unsupported, UNKNOWN_PLACE)),
    };
    let mut end = ImageEndCheck::default();
    end.feed(&bytes);
    match end.completeness() {
        Completeness::Incomplete(reason) => Err(failure(image, ErrorKind::IncompleteImage, &reason)),
        Completeness::Complete | Completeness::NotChecked => Ok(bytes),
    }
}

/// The image in a file of the directory, unless it is in memory or in a file already.
pub(crate) async fn fetch_into(
    downloader: &Downloader,
    image: &GeneratedImage,
    directory: &Path,
) -> Result<GeneratedImage, ImageFailure> {
    let mut fetched = image.clone();
    if let ImageData::Url { url, .. } = &image.data {
        let here = downloader.fetch_into(url, directory).await;
        fetched.data = here.map_err(|error| failure(image, error.kind(), error.message()))?;
    }
    Ok(fetched)
}

pub(crate) async fn save(downloader: &Downloader, generation: &Generation, options: &SaveOptions) -> Saved {
    let mut fetches = Vec::with_capacity(generation.outcomes.len());
    // A closure over borrowed outcomes would make a future that cannot be spawned.
    for outcome in &generation.outcomes {
        fetches.push(async move {
            match outcome {
                Ok(image) => {
                    let here = fetch_into(downloader, image, &options.directory).await?;
                    Ok((image, examine(here.data).await))
                }
                Err(failure) => Err(failure.clone()),
            }
        });
    }
    // Fetched and looked at side by side, and written one after the other in their order, so that numbers follow the order too.
    let mut fetched = stream::iter(fetches).buffered(AT_A_TIME);
    let mut outcomes = Vec::with_capacity(generation.outcomes.len());
    let (output, label) = options.output();
    while let Some(fetched) = fetched.next().await {
        outcomes.push(match fetched {
            Ok((image, examined)) => write(image, examined, &output, &label).await,
            Err(failure) => Err(failure),
        });
    }
    last(options).await;
    Saved::new(outcomes)
}

/// Makes the names of new files outlive a crash. Not every system can, and the images are written either way.
async fn last(options: &SaveOptions) {
    let directory = options.directory.clone();
    let _ = on_disk(move || image_file::sync_folder(&directory)).await;
}

pub(crate) async fn save_image(
    downloader: &Downloader,
    image: &GeneratedImage,
    options: &SaveOptions,
) -> Result<SavedImage, ImageFailure> {
    let (output, label) = options.output();
    let examined = examine(fetch_into(downloader, image, &options.directory).await?.data).await;
    let saved = write(image, examined, &output, &label).await;
    last(options).await;
    saved
}

/// What an image is saved for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageLabel {
    pub(crate) provider: String,
    pub(crate) job: String,
    pub(crate) purchase: u32,
    /// The attempt, as [`NewImage::attempt`].
    pub(crate) attempt: String,
    /// What was asked for.
    pub(crate) request: RequestSummary,
    /// The requested size.
    pub(crate) asked: Option<Pixels>,
    /// Whether the file that it is in was synced already.
    pub(crate) is_synced: bool,
    /// Whether a record names that file.
    pub(crate) stays: bool,
}

impl SaveOptions {
    fn output(&self) -> (FolderOutput, ImageLabel) {
        let label = ImageLabel { provider: self.prefix.clone(), asked: self.asked, ..ImageLabel::default() };
        (FolderOutput::new(&self.directory), label)
    }
}

/// An image that is here by now, and what its bytes say of it.
pub(crate) struct ExaminedImage {
    local: Arc<LocalImage>,
    facts: io::Result<ImageFacts>,
    /// Why it is incomplete, where that was known before.
    incomplete: Option<String>,
}

impl ExaminedImage {
    /// The file that all of it is in.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &*self.local {
            LocalImage::File(path) if self.incomplete.is_none() => Some(path),
            _ => None,
        }
    }
}

/// Looks at an image, which reads and hashes all of it; `None` where it is not here.
pub(crate) async fn examine(data: ImageData) -> Option<ExaminedImage> {
    let (data, incomplete) = match data {
        ImageData::Incomplete { data, reason } => (*data, Some(reason)),
        data => (data, None),
    };
    let local = Arc::new(LocalImage::of(data)?);
    let looked_at = local.clone();
    let facts = on_disk(move || looked_at.check()).await;
    Some(ExaminedImage { local, facts, incomplete })
}

/// Saves an image that is here by now, and tells of a failure where it was before.
pub(crate) async fn write(
    image: &GeneratedImage,
    examined: Option<ExaminedImage>,
    output: &dyn Output,
    label: &ImageLabel,
) -> Result<SavedImage, ImageFailure> {
    let Some(ExaminedImage { local, facts, incomplete }) = examined else {
        return Err(failure(image, ErrorKind::Unsupported, UNKNOWN_PLACE));
    };
    let file = if let LocalImage::File(path) = &*local { Some(path.clone()) } else { None };
    // A page that came from a URL is still there; anything else that was fetched may be an image of an unknown format.
    let fetched = matches!(image.data, ImageData::Url { .. });
    let (kind, message) = match (ImageSave { image, local, output, label }).save(facts, incomplete).await {
        Ok(saved) => {
            if let Some(file) = file.filter(|file| image_file::is_unsaved(file) && !label.stays) {
                // The output may have moved it.
                let _ = fs::remove_file(file);
            }
            return Ok(saved);
        }
        Err((kind, message, is_page)) => {
            if let (true, true, Some(file)) = (fetched, is_page, &file) {
                let _ = fs::remove_file(file);
            }
            (kind, message)
        }
    };
    let message = match file.filter(|file| file.exists()) {
        Some(file) => format!("{message}; it is in {}", file.display()),
        None => message,
    };
    Err(failure(image, kind, &message))
}

/// An image that an earlier process saved; `None` where it is not there, or is not whole.
pub(crate) async fn existing_image(
    image: &GeneratedImage,
    location: &Location,
    output: Option<&dyn Output>,
) -> Option<SavedImage> {
    let local = match location {
        Location::File(path) => LocalImage::File(path.clone()),
        Location::Url(url) => LocalImage::Bytes(output?.read(url).await.ok()??),
    };
    let facts = on_disk(move || local.check()).await.ok()?;
    if matches!(facts.completeness, Completeness::Incomplete(_)) {
        return None;
    }
    Some(saved(image, location.clone(), &facts, facts.kind?, None))
}

fn saved(
    image: &GeneratedImage,
    location: Location,
    facts: &ImageFacts,
    kind: infer::Type,
    asked: Option<Pixels>,
) -> SavedImage {
    let (url, expires_at) = match &image.data {
        ImageData::Url { url, expires_at } => (Some(url.clone()), *expires_at),
        _ => (None, None),
    };
    SavedImage {
        index: image.index,
        location,
        width: facts.size.map(|(width, _)| width),
        height: facts.size.map(|(_, height)| height),
        media_type: kind.mime_type().to_owned(),
        bytes: facts.length,
        sha256: facts.sha256.clone(),
        url,
        expires_at,
        other: image.other.clone(),
        warnings: facts.size.map(|size| other_size(image.index, size, image.size, asked)).unwrap_or_default(),
    }
}

/// The extension of what came as an image and is not one that is known.
const UNKNOWN_EXTENSION: &str = "partial.bin";

/// What a later version may add.
const UNKNOWN_PLACE: &str = "the image is in a place that this version does not know";

/// An image that is being saved.
struct ImageSave<'a> {
    image: &'a GeneratedImage,
    local: Arc<LocalImage>,
    output: &'a dyn Output,
    label: &'a ImageLabel,
}

impl ImageSave<'_> {
    /// Saves it. `incomplete` says why it is, where that is known already.
    ///
    /// # Errors
    /// What kind of thing went wrong, a sentence about it, and whether a web page came in the place of an image.
    async fn save(
        &self,
        facts: io::Result<ImageFacts>,
        incomplete: Option<String>,
    ) -> Result<SavedImage, (ErrorKind, String, bool)> {
        let unread = |error: io::Error| (ErrorKind::Storage, format!("the image cannot be read: {error}"), false);
        let facts = facts.map_err(unread)?;
        let incomplete = incomplete.or(match &facts.completeness {
            Completeness::Incomplete(reason) => Some(reason.clone()),
            Completeness::Complete | Completeness::NotChecked => None,
        });
        if let Some(reason) = incomplete {
            let extension = facts.kind.map_or("bin", |kind| kind.extension());
            let kept = match self.place(&facts, format!("{}.{extension}", &image_file::PARTIAL[1..])).await {
                Ok(place) => format!("what there is of it is in {place}"),
                Err(message) => format!("what there is of it cannot be written: {message}"),
            };
            return Err((ErrorKind::IncompleteImage, format!("{reason}; {kept}"), false));
        }
        let Some(kind) = facts.kind else {
            let message = format!(
                "not a supported image format (expected PNG, JPEG, WebP, …): {}",
                describe(&facts.head, facts.length)
            );
            // What came inside the response is nowhere else, and may be an image all the same.
            let kept = match *self.local {
                LocalImage::Bytes(_) if facts.length > 0 => {
                    match self.place(&facts, UNKNOWN_EXTENSION.to_owned()).await {
                        Ok(place) => format!("; it is in {place}"),
                        Err(message) => format!("; it cannot be written: {message}"),
                    }
                }
                _ => String::new(),
            };
            return Err((ErrorKind::MalformedResponse, format!("{message}{kept}"), page(&facts.head).is_some()));
        };
        let location = self
            .place(&facts, kind.extension().to_owned())
            .await
            .map_err(|message| (ErrorKind::Storage, format!("the image cannot be written: {message}"), false))?;
        Ok(saved(self.image, location, &facts, kind, self.label.asked))
    }

    /// Gives it to the output.
    ///
    /// # Errors
    /// Why that does not take it, and where it is instead: an image that came inside the response is nowhere else, so it has a second
    /// place.
    async fn place(&self, facts: &ImageFacts, extension: String) -> Result<Location, String> {
        let ImageLabel { provider, job, purchase, attempt, request, .. } = self.label.clone();
        let new = NewImage {
            provider,
            job,
            purchase,
            attempt,
            request,
            index: self.image.index,
            extension: extension.clone(),
            media_type: facts.kind.map_or("application/octet-stream", |kind| kind.mime_type()).to_owned(),
            bytes: facts.length,
            sha256: facts.sha256.clone(),
            content: content(&self.local, self.label),
        };
        let error = match self.output.save(new).await {
            Ok(location) => return Ok(location),
            Err(error) => error,
        };
        let LocalImage::Bytes(bytes) = &*self.local else { return Err(error.to_string()) };
        let (bytes, stem) = (bytes.clone(), image_file::stem(&self.label.provider));
        Err(match on_disk(move || image_file::write_to_temp(&stem, &extension, &bytes)).await {
            Ok(path) => format!("{error}; it is in {}", path.display()),
            Err(second) => format!("{error}; nor can it be written to {}: {second}", std::env::temp_dir().display()),
        })
    }
}

/// The image as an output takes it.
fn content(local: &LocalImage, ImageLabel { is_synced, stays, .. }: &ImageLabel) -> ImageContent {
    match local {
        LocalImage::Bytes(bytes) => ImageContent::Bytes(bytes.clone()),
        LocalImage::File(path) => ImageContent::File { path: path.clone(), is_synced: *is_synced, stays: *stays },
    }
}

/// What is to be said of an image whose size is not the one that the response states or that was asked for.
fn other_size(index: u32, is: (u32, u32), stated: Option<Pixels>, asked: Option<Pixels>) -> Vec<Warning> {
    let other = |size: Option<Pixels>| size.filter(|size| (size.width(), size.height()) != is);
    let said = match (other(stated), other(asked)) {
        (None, None) => return Vec::new(),
        (Some(stated), None) => format!("the response says {stated}"),
        (None, Some(asked)) => format!("{asked} was asked for"),
        (Some(stated), Some(asked)) if stated == asked => format!("the response says {stated}, as was asked for"),
        (Some(stated), Some(asked)) => format!("the response says {stated}, and {asked} was asked for"),
    };
    let message = format!("image {index} is {}x{}, but {said}", is.0, is.1);
    vec![Warning::new(WarningKind::OtherSize, Field::Size, message)]
}

/// A failure to save, with the URL where the image still is.
pub(crate) fn failure(image: &GeneratedImage, kind: ErrorKind, message: &str) -> ImageFailure {
    let failure = ImageFailure::new(image.index, kind, message);
    match &image.data {
        ImageData::Url { url, expires_at } => failure.with_url(url, *expires_at),
        _ => failure,
    }
}
