//! Writes images to disk: whole or not at all, and never over a file that is there.

pub(crate) mod file;

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use seedream_core::{
    ErrorKind, Field, GeneratedImage, Generation, ImageData, ImageFailure, Pixels, Timestamp, Warning, WarningKind,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{
    Downloader, FolderOutput, ImageContent, Location, NewImage, Output,
    image_end::{ImageEnd, Verdict},
    job::on_disk,
};

/// How many images are fetched at a time.
const AT_A_TIME: usize = 3;

/// Where images are written, and under which names.
///
/// A file is called `<prefix>-<n>.<ext>`: `n` is the image's place in the response, or the next number that is free; the
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

/// What became of the images of one outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Saved {
    /// One entry an image, in the order of [`Generation::outcomes`]: those that were never made are failures here too, and
    /// one that was made but not saved is a failure that keeps its URL.
    pub outcomes: Vec<Result<SavedImage, ImageFailure>>,
}

impl Saved {
    /// What became of images that were saved one by one, such as those of a stream.
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

/// An image that was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SavedImage {
    /// Its place in the response, from 0.
    pub index: u32,
    /// Where it is.
    #[serde(flatten)]
    pub location: Location,
    /// Its width in pixels, read from its bytes; `None` where its header cannot be read.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// Its type, read from its bytes, such as `image/png`.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes in hexadecimal digits.
    pub sha256: String,
    /// The URL that it was fetched from.
    pub url: Option<String>,
    /// When that URL ends.
    pub expires_at: Option<Timestamp>,
    /// Members of the provider's item that have no field here.
    #[serde(default)]
    pub other: Map<String, Value>,
    /// What is odd about it, such as another size than the response says.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

impl SavedImage {
    /// Its file, where it is in one.
    pub fn file(&self) -> Option<&Path> {
        self.location.file()
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
    let mut end = ImageEnd::default();
    end.feed(&bytes);
    match end.verdict() {
        Verdict::Incomplete(reason) => Err(failure(image, ErrorKind::IncompleteImage, &reason)),
        Verdict::Complete | Verdict::NotChecked => Ok(bytes),
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
    let fetched = generation.outcomes.iter().map(|outcome| async move {
        match outcome {
            Ok(image) => Ok((image, fetch_into(downloader, image, &options.directory).await?)),
            Err(failure) => Err(failure.clone()),
        }
    });
    // Fetched side by side and written one after the other in their order, so that numbers follow the order too.
    let mut fetched = stream::iter(fetched).buffered(AT_A_TIME);
    let mut outcomes = Vec::with_capacity(generation.outcomes.len());
    let (output, label) = options.output();
    while let Some(fetched) = fetched.next().await {
        outcomes.push(match fetched {
            Ok((image, fetched)) => write(image, fetched.data, &output, &label).await,
            Err(failure) => Err(failure),
        });
    }
    last(options).await;
    Saved::new(outcomes)
}

/// Makes the names of new files outlive a crash. Not every system can, and the images are written either way.
async fn last(options: &SaveOptions) {
    let directory = options.directory.clone();
    let _ = on_disk(move || file::sync_folder(&directory)).await;
}

pub(crate) async fn save_image(
    downloader: &Downloader,
    image: &GeneratedImage,
    options: &SaveOptions,
) -> Result<SavedImage, ImageFailure> {
    let (output, label) = options.output();
    let saved = write(image, fetch_into(downloader, image, &options.directory).await?.data, &output, &label).await;
    last(options).await;
    saved
}

/// What an image is saved for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Label {
    pub(crate) provider: String,
    pub(crate) job: String,
    pub(crate) purchase: u32,
    /// The size that was asked for.
    pub(crate) asked: Option<Pixels>,
    /// Whether the file that it is in was synced already.
    pub(crate) is_synced: bool,
    /// Whether a record names that file.
    pub(crate) stays: bool,
}

impl SaveOptions {
    fn output(&self) -> (FolderOutput, Label) {
        let label = Label { provider: self.prefix.clone(), asked: self.asked, ..Label::default() };
        (FolderOutput::new(&self.directory), label)
    }
}

/// An image that is to be written.
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

/// What a look at an image shows.
struct Seen {
    head: Vec<u8>,
    length: u64,
    kind: Option<infer::Type>,
    sha256: String,
    verdict: Verdict,
    size: Option<(u32, u32)>,
}

impl Held {
    fn look(&self) -> io::Result<Seen> {
        let (head, length) = (self.head()?, self.length()?);
        let kind = infer::get(&head).filter(|kind| kind.matcher_type() == infer::MatcherType::Image);
        let (sha256, verdict) = self.read()?;
        let size =
            self.size().and_then(|size| Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?)));
        Ok(Seen { head, length, kind, sha256, verdict, size })
    }

    fn content(&self, Label { is_synced, stays, .. }: &Label) -> ImageContent {
        match self {
            Self::Bytes(bytes) => ImageContent::Bytes(bytes.clone()),
            Self::File(path) => ImageContent::File { path: path.clone(), is_synced: *is_synced, stays: *stays },
        }
    }
}

/// Saves an image that is here by now, and tells of a failure where it was before.
pub(crate) async fn write(
    image: &GeneratedImage,
    data: ImageData,
    output: &dyn Output,
    label: &Label,
) -> Result<SavedImage, ImageFailure> {
    let (data, incomplete) = match data {
        ImageData::Incomplete { data, reason } => (*data, Some(reason)),
        data => (data, None),
    };
    let file = if let ImageData::File(path) = &data { Some(path.clone()) } else { None };
    let Some(held) = Held::of(data) else {
        return Err(failure(image, ErrorKind::Unsupported, UNKNOWN_PLACE));
    };
    // A page that came from a URL is still there; whatever else was fetched may be an image that nobody here knows.
    let fetched = matches!(image.data, ImageData::Url { .. });
    let (kind, message) = match (Saving { image, held: Arc::new(held), output, label }).save(incomplete).await {
        Ok(saved) => {
            if let Some(file) = file.filter(|file| file::is_ours(file) && !label.stays) {
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

/// An image that is in a file already; `None` where it is not there, or is not whole.
pub(crate) async fn looked_at(image: &GeneratedImage, path: &Path) -> Option<SavedImage> {
    let held = Held::File(path.to_owned());
    let seen = on_disk(move || held.look()).await.ok()?;
    if matches!(seen.verdict, Verdict::Incomplete(_)) {
        return None;
    }
    Some(saved(image, Location::File(path.to_owned()), &seen, seen.kind?, None))
}

fn saved(
    image: &GeneratedImage,
    location: Location,
    seen: &Seen,
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
        width: seen.size.map(|(width, _)| width),
        height: seen.size.map(|(_, height)| height),
        media_type: kind.mime_type().to_owned(),
        bytes: seen.length,
        sha256: seen.sha256.clone(),
        url,
        expires_at,
        other: image.other.clone(),
        warnings: seen.size.map(|size| other_size(image.index, size, image.size, asked)).unwrap_or_default(),
    }
}

/// The extension of what came as an image and is not one that is known.
const UNREAD: &str = "partial.bin";

/// What a later version may add.
const UNKNOWN_PLACE: &str = "the picture is in a place that this version does not know";

/// An image that is being saved.
struct Saving<'a> {
    image: &'a GeneratedImage,
    held: Arc<Held>,
    output: &'a dyn Output,
    label: &'a Label,
}

impl Saving<'_> {
    /// Looks at it and saves it. `incomplete` says why it is, where that is known already.
    ///
    /// # Errors
    /// What kind of thing went wrong, a sentence about it, and whether a web page came in the place of an image.
    async fn save(&self, incomplete: Option<String>) -> Result<SavedImage, (ErrorKind, String, bool)> {
        let held = self.held.clone();
        let seen = on_disk(move || held.look()).await;
        let unread = |error: io::Error| (ErrorKind::Storage, format!("the picture cannot be read: {error}"), false);
        let seen = seen.map_err(unread)?;
        let incomplete = incomplete.or(match &seen.verdict {
            Verdict::Incomplete(reason) => Some(reason.clone()),
            Verdict::Complete | Verdict::NotChecked => None,
        });
        if let Some(reason) = incomplete {
            let extension = seen.kind.map_or("bin", |kind| kind.extension());
            let kept = match self.place(&seen, format!("{}.{extension}", &file::PARTIAL[1..])).await {
                Ok(place) => format!("what there is of it is in {place}"),
                Err(message) => format!("what there is of it cannot be written: {message}"),
            };
            return Err((ErrorKind::IncompleteImage, format!("{reason}; {kept}"), false));
        }
        let Some(kind) = seen.kind else {
            let message = format!("what was delivered is no picture but {}", describe(&seen.head, seen.length));
            // What came inside the response is nowhere else, and may be an image all the same.
            let kept = match *self.held {
                Held::Bytes(_) if seen.length > 0 => match self.place(&seen, UNREAD.to_owned()).await {
                    Ok(place) => format!("; it is in {place}"),
                    Err(message) => format!("; it cannot be written: {message}"),
                },
                _ => String::new(),
            };
            return Err((ErrorKind::MalformedResponse, format!("{message}{kept}"), page(&seen.head).is_some()));
        };
        let location = self
            .place(&seen, kind.extension().to_owned())
            .await
            .map_err(|message| (ErrorKind::Storage, format!("the picture cannot be written: {message}"), false))?;
        Ok(saved(self.image, location, &seen, kind, self.label.asked))
    }

    /// Gives it to the output.
    ///
    /// # Errors
    /// Why that does not take it, and where it is instead: an image that came inside the response is nowhere else, so it has a second
    /// place.
    async fn place(&self, seen: &Seen, extension: String) -> Result<Location, String> {
        let Label { provider, job, purchase, .. } = self.label.clone();
        let new = NewImage {
            provider,
            job,
            purchase,
            index: self.image.index,
            extension: extension.clone(),
            media_type: seen.kind.map_or("application/octet-stream", |kind| kind.mime_type()).to_owned(),
            bytes: seen.length,
            sha256: seen.sha256.clone(),
            content: self.held.content(self.label),
        };
        let error = match self.output.save(new).await {
            Ok(location) => return Ok(location),
            Err(error) => error,
        };
        let Held::Bytes(bytes) = &*self.held else { return Err(error.to_string()) };
        let (bytes, stem) = (bytes.clone(), stem(&self.label.provider));
        Err(match on_disk(move || file::rescue(&stem, &extension, &bytes)).await {
            Ok(path) => format!("{error}; it is in {}", path.display()),
            Err(second) => format!("{error}; nor can it be written to {}: {second}", std::env::temp_dir().display()),
        })
    }
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

/// A failure to save, with the URL where the image still is.
pub(crate) fn failure(image: &GeneratedImage, kind: ErrorKind, message: &str) -> ImageFailure {
    let failure = ImageFailure::new(image.index, kind, message);
    match &image.data {
        ImageData::Url { url, expires_at } => failure.with_url(url, *expires_at),
        _ => failure,
    }
}

/// What a body that is no image seems to be, in a few words.
fn describe(bytes: &[u8], length: u64) -> String {
    let what = page(bytes).or_else(|| infer::get(bytes).map(|kind| kind.mime_type())).unwrap_or("unknown data");
    format!("{what} of {length} bytes")
}

/// What kind of page a body is that came in place of an image.
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

pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A prefix as it can stand in a file name on every system.
pub(crate) fn stem(prefix: &str) -> String {
    let safe: String =
        prefix.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect();
    // A leading dot would hide the file, and an empty name would begin with a dash.
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "image".to_owned() } else { safe.to_owned() }
}
