//! Writes pictures to disk: whole or not at all, and never over a file that is there.

mod file;

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use seedream_core::{ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Downloader;

/// How many pictures are fetched at a time: each is held in memory until it is written.
const AT_A_TIME: usize = 3;

/// Where pictures are written, and under which names.
///
/// A file is called `<prefix>-<n>.<ext>`: `n` is the picture's place in the answer, or the next number that is free; the
/// extension is that of its content, whatever the provider says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveOptions {
    /// The directory; made if there is none.
    pub directory: PathBuf,
    /// What names begin with. Characters that cannot stand in a file name everywhere become `_`.
    pub prefix: String,
}

impl SaveOptions {
    /// A directory and a prefix.
    pub fn new(directory: impl Into<PathBuf>, prefix: impl Into<String>) -> Self {
        Self { directory: directory.into(), prefix: prefix.into() }
    }
}

/// What became of the pictures of one outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Saved {
    /// One entry a picture, in the order of [`Generation::outcomes`]: those that were never made are failures here too, and
    /// one that was made but not saved is a failure that keeps its URL.
    pub outcomes: Vec<Result<SavedImage, ImageFailure>>,
}

impl Saved {
    /// The files.
    pub fn images(&self) -> impl Iterator<Item = &SavedImage> {
        self.outcomes.iter().filter_map(|outcome| outcome.as_ref().ok())
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = &ImageFailure> {
        self.outcomes.iter().filter_map(|outcome| outcome.as_ref().err())
    }
}

/// A picture on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SavedImage {
    /// Its place in the answer, from 0.
    pub index: u32,
    /// The file.
    pub path: PathBuf,
    /// Its width in pixels, read from the file; `None` where its header cannot be read.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// Its type, read from the file, such as `image/png`.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file in hexadecimal digits.
    pub sha256: String,
}

/// The picture itself, wherever it is.
pub(crate) async fn fetch(downloader: &Downloader, image: &GeneratedImage) -> Result<Bytes, ImageFailure> {
    match &image.data {
        ImageData::Bytes(bytes) => Ok(bytes.clone()),
        ImageData::Url { url, .. } => {
            let fetched = downloader.fetch(url).await;
            fetched.map_err(|error| failure(image, error.kind(), error.message()))
        }
        ImageData::File(path) => match tokio::fs::read(path).await {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => {
                Err(failure(image, ErrorKind::Storage, &format!("{} cannot be read: {error}", path.display())))
            }
        },
        _ => Err(failure(image, ErrorKind::Unsupported, "the picture is in a place that this version does not know")),
    }
}

pub(crate) async fn save(downloader: &Downloader, generation: &Generation, options: &SaveOptions) -> Saved {
    let fetched = generation.outcomes.iter().map(|outcome| async move {
        match outcome {
            Ok(image) => Ok((image, fetch(downloader, image).await?)),
            Err(failure) => Err(failure.clone()),
        }
    });
    // Fetched side by side and written one after the other in their order, so that numbers follow the order too.
    let mut fetched = stream::iter(fetched).buffered(AT_A_TIME);
    let mut outcomes = Vec::with_capacity(generation.outcomes.len());
    while let Some(fetched) = fetched.next().await {
        outcomes.push(match fetched {
            Ok((image, bytes)) => write(image, bytes, options).await,
            Err(failure) => Err(failure),
        });
    }
    Saved { outcomes }
}

pub(crate) async fn save_image(
    downloader: &Downloader,
    image: &GeneratedImage,
    options: &SaveOptions,
) -> Result<SavedImage, ImageFailure> {
    write(image, fetch(downloader, image).await?, options).await
}

async fn write(image: &GeneratedImage, bytes: Bytes, options: &SaveOptions) -> Result<SavedImage, ImageFailure> {
    let kind = infer::get(&bytes).filter(|kind| kind.matcher_type() == infer::MatcherType::Image);
    let Some(kind) = kind else {
        let message = format!("what was delivered is no picture but {}", describe(&bytes));
        return Err(failure(image, ErrorKind::MalformedResponse, &message));
    };
    let (index, options) = (image.index, options.clone());
    let job = move || -> std::io::Result<SavedImage> {
        let size = imagesize::blob_size(&bytes).ok();
        let path = file::write(&options.directory, &stem(&options.prefix), index, kind.extension(), &bytes)?;
        let side = |side: Option<usize>| side.and_then(|side| u32::try_from(side).ok());
        Ok(SavedImage {
            index,
            path,
            width: side(size.map(|size| size.width)),
            height: side(size.map(|size| size.height)),
            media_type: kind.mime_type().to_owned(),
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    };
    match tokio::task::spawn_blocking(job).await {
        Ok(Ok(saved)) => Ok(saved),
        Ok(Err(error)) => Err(failure(image, ErrorKind::Storage, &format!("the picture cannot be written: {error}"))),
        Err(error) => Err(failure(image, ErrorKind::Storage, &format!("the picture was not written: {error}"))),
    }
}

/// A failure to save, with the place where the picture still is.
fn failure(image: &GeneratedImage, kind: ErrorKind, message: &str) -> ImageFailure {
    let failure = ImageFailure::new(image.index, kind, message);
    let keep = |url: &str, expires_at: Option<Timestamp>| failure.clone().with_url(url, expires_at);
    match &image.data {
        ImageData::Url { url, expires_at } => keep(url, *expires_at),
        _ => failure,
    }
}

/// What a body that is no picture seems to be, in a few words.
fn describe(bytes: &[u8]) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).trim_start().to_ascii_lowercase();
    let what = match start.as_str() {
        "" => return "an empty body".to_owned(),
        s if s.starts_with("<!doctype html") || s.starts_with("<html") => "an HTML page",
        s if s.starts_with('<') => "an XML document",
        s if s.starts_with(['{', '[']) => "a JSON document",
        _ => infer::get(bytes).map_or("unknown data", |kind| kind.mime_type()),
    };
    format!("{what} of {} bytes", bytes.len())
}

/// A prefix as it can stand in a file name on every system.
fn stem(prefix: &str) -> String {
    let safe: String =
        prefix.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect();
    // A leading dot would hide the file, and an empty name would begin with a dash.
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "image".to_owned() } else { safe.to_owned() }
}
