//! What takes the images of a job.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use seedream_core::{ImageRequest, ModelId};
use serde_json::Value;

use super::{location::Location, saved_image::SavedImage};

/// Takes the images of a job, and the metadata beside them.
#[async_trait]
pub trait Output: fmt::Debug + Send + Sync {
    /// A folder of the same disk in which images are gathered while they arrive, so that saving an image of any size is a rename. They
    /// are gathered in memory without one.
    fn spool(&self) -> Option<&Path> {
        None
    }

    /// What a person names this output by where images are in no folder, such as `s3://bucket/prefix`. A record keeps it, and a job that
    /// is resumed needs an output that has a place too: only such a one looks for [`Output::unsaved`] images.
    fn place(&self) -> Option<String> {
        None
    }

    /// The [`NameTemplate`](crate::NameTemplate) of the files, where one is set. A record keeps it, and a job that is resumed without an
    /// output uses it.
    fn names(&self) -> Option<String> {
        None
    }

    /// Saves an image, which is complete and was looked at, and says where it is. What is there already is never replaced.
    ///
    /// # Errors
    /// Why it is not saved. An image in a file stays there, and one in memory is written to the system's folder for temporary files.
    async fn save(&self, image: NewImage) -> io::Result<Location>;

    /// Makes the images of a purchase outlive a crash of the whole machine, and saves the metadata beside them where there is any.
    ///
    /// # Errors
    /// Why that is not certain, or the metadata is not saved.
    async fn finish(&self, purchase: FinishedPurchase<'_>) -> io::Result<Option<Location>>;

    /// The complete file of an image that an earlier process fetched and could not save; it is taken in place of a download.
    async fn unsaved(&self, attempt: &str, index: u32) -> Option<PathBuf> {
        let _ = (attempt, index);
        None
    }

    /// Reads an image back that was saved at a URL of this output; `None` where it is not there, or this output does not know the URL.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn read(&self, url: &str) -> io::Result<Option<Bytes>> {
        let _ = url;
        Ok(None)
    }
}

/// A purchase whose images were handed to an output.
#[derive(Debug)]
#[non_exhaustive]
pub struct FinishedPurchase<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// The id of the job.
    pub job: &'a str,
    /// The purchase of the job, from 1.
    pub purchase: u32,
    /// The attempt, as [`NewImage::attempt`].
    pub attempt: &'a str,
    /// The images that are saved now, in the order of the response.
    pub images: &'a [SavedImage],
    /// What was asked for.
    pub request: RequestSummary,
    /// The metadata: a JSON text with [`SIDECAR_SCHEMA`](crate::SIDECAR_SCHEMA).
    pub metadata: Option<String>,
}

impl<'a> FinishedPurchase<'a> {
    /// A purchase without an image and without metadata.
    pub fn new(provider: &'a str, job: &'a str, purchase: u32, attempt: &'a str) -> Self {
        Self { provider, job, purchase, attempt, images: &[], request: RequestSummary::default(), metadata: None }
    }
}

/// What an image was asked for with, as far as it is known: a task that is collected by its id alone has only a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestSummary {
    /// The model.
    pub model: String,
    /// The prompt.
    pub prompt: String,
    /// The seed, where one was set.
    pub seed: Option<i64>,
}

impl RequestSummary {
    /// That of a request to a model.
    pub(crate) fn of(model: &ModelId, request: &ImageRequest) -> Self {
        Self { model: model.to_string(), prompt: request.prompt.clone(), seed: request.seed }
    }

    /// That of a request as a record or metadata describes it.
    pub(crate) fn described(model: &str, request: &Value) -> Self {
        let prompt = request["prompt"].as_str().unwrap_or_default().to_owned();
        Self { model: model.to_owned(), prompt, seed: request["seed"].as_i64() }
    }
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
    /// A name of the attempt that delivered it, in hexadecimal digits ([`Intent::token`](crate::Intent::token)): no attempt of any job
    /// shares it, and a job that is resumed has the same. Empty where no attempt is on record.
    pub attempt: String,
    /// What was asked for.
    pub request: RequestSummary,
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
