//! Writes pictures to disk: whole or not at all, and never over a file that is there.

pub(crate) mod file;
mod sidecar;

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use seedream_core::{
    ErrorKind, Field, GeneratedImage, Generation, ImageData, ImageFailure, Pixels, Warning, WarningKind,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::sidecar::Sidecar;
use crate::{
    Downloader,
    image_end::{ImageEnd, Verdict},
};

/// How many pictures are fetched at a time.
const AT_A_TIME: usize = 3;

/// Where pictures are written, and under which names.
///
/// A file is called `<prefix>-<n>.<ext>`: `n` is the picture's place in the answer, or the next number that is free; the
/// extension is that of its content, whatever the provider says it is. An image that is incomplete, as its own format says, is
/// called `<prefix>-<n>.partial.<ext>` and is a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveOptions {
    /// The directory; made if there is none.
    pub directory: PathBuf,
    /// What names begin with. Characters that cannot stand in a file name everywhere become `_`.
    pub prefix: String,
    /// The size that was asked for in pixels, to warn of images that have another; `None` where none was.
    pub asked: Option<Pixels>,
}

impl SaveOptions {
    /// A directory and a prefix.
    pub fn new(directory: impl Into<PathBuf>, prefix: impl Into<String>) -> Self {
        Self { directory: directory.into(), prefix: prefix.into(), asked: None }
    }

    /// Sets the size that was asked for in pixels.
    #[must_use]
    pub fn asked(mut self, size: impl Into<Option<Pixels>>) -> Self {
        self.asked = size.into();
        self
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
    /// What became of pictures that were saved one by one, such as those of a stream.
    pub fn new(outcomes: Vec<Result<SavedImage, ImageFailure>>) -> Self {
        Self { outcomes }
    }

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
    /// What is odd about it, such as another size than the response says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// The picture itself, wherever it is.
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
    let mut end = ImageEnd::default();
    end.feed(&bytes);
    match end.verdict() {
        Verdict::Incomplete(reason) => Err(failure(image, ErrorKind::IncompleteImage, &reason)),
        Verdict::Complete | Verdict::NotChecked => Ok(bytes),
    }
}

/// The picture in a file of the directory, unless it is in memory or in a file already.
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
    let fetched = generation.outcomes.iter().map(|outcome| async move {
        match outcome {
            Ok(image) => Ok((image, fetch_into(downloader, image, &options.directory).await?)),
            Err(failure) => Err(failure.clone()),
        }
    });
    // Fetched side by side and written one after the other in their order, so that numbers follow the order too.
    let mut fetched = stream::iter(fetched).buffered(AT_A_TIME);
    let mut outcomes = Vec::with_capacity(generation.outcomes.len());
    while let Some(fetched) = fetched.next().await {
        outcomes.push(match fetched {
            Ok((image, fetched)) => write(image, fetched.data, options).await,
            Err(failure) => Err(failure),
        });
    }
    Saved::new(outcomes)
}

pub(crate) async fn save_image(
    downloader: &Downloader,
    image: &GeneratedImage,
    options: &SaveOptions,
) -> Result<SavedImage, ImageFailure> {
    write(image, fetch_into(downloader, image, &options.directory).await?.data, options).await
}

/// A picture that is to be written.
enum Held {
    Bytes(Bytes),
    /// A file that is as long as it may be: it is never read as a whole.
    File(PathBuf),
}

impl Held {
    fn of(data: ImageData) -> Option<Self> {
        match data {
            ImageData::Bytes(bytes) => Some(Self::Bytes(bytes)),
            ImageData::File(path) => Some(Self::File(path)),
            _ => None,
        }
    }

    /// Its beginning, which says what it is.
    fn head(&self) -> io::Result<Vec<u8>> {
        const HEAD: usize = 8 << 10;
        let mut head = Vec::new();
        match self {
            Self::Bytes(bytes) => head.extend_from_slice(&bytes[..bytes.len().min(HEAD)]),
            Self::File(path) => drop(fs::File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?),
        }
        Ok(head)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(path) => fs::metadata(path)?.len(),
        })
    }

    fn size(&self) -> Option<imagesize::ImageSize> {
        match self {
            Self::Bytes(bytes) => imagesize::blob_size(bytes).ok(),
            Self::File(path) => imagesize::size(path).ok(),
        }
    }

    /// Its SHA-256, and whether it is complete.
    fn read(&self) -> io::Result<(String, Verdict)> {
        let (mut digest, mut end) = (Sha256::new(), ImageEnd::default());
        match self {
            Self::Bytes(bytes) => {
                digest.update(bytes);
                end.feed(bytes);
            }
            Self::File(path) => {
                let mut file = fs::File::open(path)?;
                let mut buffer = vec![0; 128 << 10];
                loop {
                    match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(count) => {
                            digest.update(&buffer[..count]);
                            end.feed(&buffer[..count]);
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok((hex(&digest.finalize()), end.verdict()))
    }
}

/// Writes a picture that is here by now, and tells of a failure where it was before.
async fn write(image: &GeneratedImage, data: ImageData, options: &SaveOptions) -> Result<SavedImage, ImageFailure> {
    let (stated, options) = ((image.index, image.size), options.clone());
    let (data, incomplete) = match data {
        ImageData::Incomplete { data, reason } => (*data, Some(reason)),
        data => (data, None),
    };
    let file = if let ImageData::File(path) = &data { Some(path.clone()) } else { None };
    let Some(held) = Held::of(data) else {
        return Err(failure(image, ErrorKind::Unsupported, UNKNOWN_PLACE));
    };
    // A page that came from a URL is still there; whatever else was fetched may be a picture that nobody here knows.
    let fetched = matches!(image.data, ImageData::Url { .. });
    let job = move || {
        write_now(stated, &held, incomplete, &options).inspect_err(|_| {
            if let (true, Held::File(path)) = (fetched && held.head().is_ok_and(|head| page(&head).is_some()), &held) {
                let _ = fs::remove_file(path);
            }
        })
    };
    let (kind, message) = match tokio::task::spawn_blocking(job).await {
        Ok(Ok(saved)) => return Ok(saved),
        Ok(Err(failed)) => failed,
        Err(error) => (ErrorKind::Storage, format!("the picture was not written: {error}")),
    };
    let message = match file.filter(|file| file.exists()) {
        Some(file) => format!("{message}; it is in {}", file.display()),
        None => message,
    };
    Err(failure(image, kind, &message))
}

/// The extension of what came as an image and is not one that is known.
const UNREAD: &str = "partial.bin";

/// What a later version may add.
const UNKNOWN_PLACE: &str = "the picture is in a place that this version does not know";

/// Writes a picture, on a thread that may block: its place in the answer, the size that the response states, what there is of it,
/// and why it is incomplete, where that is known already.
///
/// # Errors
/// What kind of thing went wrong, and a sentence about it.
fn write_now(
    (index, stated): (u32, Option<Pixels>),
    held: &Held,
    incomplete: Option<String>,
    options: &SaveOptions,
) -> Result<SavedImage, (ErrorKind, String)> {
    let storage = |error: io::Error| (ErrorKind::Storage, format!("the picture cannot be written: {error}"));
    let head = held.head().map_err(|error| (ErrorKind::Storage, format!("the picture cannot be read: {error}")))?;
    let length = held.length().map_err(storage)?;
    let kind = infer::get(&head).filter(|kind| kind.matcher_type() == infer::MatcherType::Image);
    let (sha256, verdict) = held.read().map_err(storage)?;
    let incomplete = incomplete.or(match verdict {
        Verdict::Incomplete(reason) => Some(reason),
        Verdict::Complete | Verdict::NotChecked => None,
    });
    let (directory, stem) = (&options.directory, stem(&options.prefix));
    let place = |extension: &str| match held {
        Held::Bytes(bytes) => file::write(directory, &stem, index, extension, bytes),
        Held::File(from) => file::adopt(from, directory, &stem, index, extension),
    };
    // An image that came inside the response is nowhere else: it has a second place.
    let lost = |extension: &str, error: io::Error| match held {
        Held::Bytes(bytes) => match file::rescue(&stem, extension, bytes) {
            Ok(path) => format!("{error}; it is in {}", path.display()),
            Err(second) => format!("{error}; nor can it be written to {}: {second}", std::env::temp_dir().display()),
        },
        Held::File(_) => error.to_string(),
    };
    if let Some(reason) = incomplete {
        let extension = kind.map_or("bin", |kind| kind.extension());
        let extension = format!("{}.{extension}", &file::PARTIAL[1..]);
        let kept = match place(&extension) {
            Ok(path) => format!("what there is of it is in {}", path.display()),
            Err(error) => format!("what there is of it cannot be written: {}", lost(&extension, error)),
        };
        return Err((ErrorKind::IncompleteImage, format!("{reason}; {kept}")));
    }
    let Some(kind) = kind else {
        let message = format!("what was delivered is no picture but {}", describe(&head, length));
        // What came inside the response is nowhere else, and may be an image all the same.
        let kept = match held {
            Held::Bytes(_) if length > 0 => match place(UNREAD) {
                Ok(path) => format!("; it is in {}", path.display()),
                Err(error) => format!("; it cannot be written: {}", lost(UNREAD, error)),
            },
            _ => String::new(),
        };
        return Err((ErrorKind::MalformedResponse, format!("{message}{kept}")));
    };
    let size = held.size().and_then(|size| Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?)));
    let path = place(kind.extension()).map_err(|error| {
        (ErrorKind::Storage, format!("the picture cannot be written: {}", lost(kind.extension(), error)))
    })?;
    Ok(SavedImage {
        index,
        path,
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        media_type: kind.mime_type().to_owned(),
        bytes: length,
        sha256,
        warnings: size.map(|size| other_size(index, size, stated, options.asked)).unwrap_or_default(),
    })
}

/// What is to be said of an image whose size is not the one that the response states or that was asked for.
fn other_size(index: u32, is: (u32, u32), stated: Option<Pixels>, asked: Option<Pixels>) -> Vec<Warning> {
    let other = |size: Option<Pixels>| size.filter(|size| (size.width, size.height) != is);
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

/// A failure to save, with the URL where the picture still is.
fn failure(image: &GeneratedImage, kind: ErrorKind, message: &str) -> ImageFailure {
    let failure = ImageFailure::new(image.index, kind, message);
    match &image.data {
        ImageData::Url { url, expires_at } => failure.with_url(url, *expires_at),
        _ => failure,
    }
}

/// What a body that is no picture seems to be, in a few words.
fn describe(bytes: &[u8], length: u64) -> String {
    let what = page(bytes).or_else(|| infer::get(bytes).map(|kind| kind.mime_type())).unwrap_or("unknown data");
    format!("{what} of {length} bytes")
}

/// What kind of page a body is that came in place of a picture.
fn page(bytes: &[u8]) -> Option<&'static str> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).trim_start().to_ascii_lowercase();
    match start.as_str() {
        "" => Some("an empty body"),
        s if s.starts_with("<!doctype html") || s.starts_with("<html") => Some("an HTML page"),
        s if s.starts_with('<') => Some("an XML document"),
        s if s.starts_with(['{', '[']) => Some("a JSON document"),
        _ => None,
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A prefix as it can stand in a file name on every system.
fn stem(prefix: &str) -> String {
    let safe: String =
        prefix.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect();
    // A leading dot would hide the file, and an empty name would begin with a dash.
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "image".to_owned() } else { safe.to_owned() }
}
