//! Images that were saved.

use std::path::Path;

use seedream_core::{ImageFailure, Timestamp, Warning};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::location::Location;

/// What became of the images of one outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use = "an image that was not saved is a failure here"]
#[non_exhaustive]
pub struct Saved {
    /// One entry an image, in the order of [`Generation::outcomes`](seedream_core::Generation::outcomes): those that were never made are failures here too, and
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

    /// The files, without the failures.
    pub fn into_images(self) -> Vec<SavedImage> {
        self.outcomes.into_iter().filter_map(Result::ok).collect()
    }

    /// The files, where every image was saved.
    ///
    /// # Errors
    /// All of it, where one was not.
    pub fn require_all(self) -> Result<Vec<SavedImage>, Self> {
        if self.failures().next().is_none() { Ok(self.into_images()) } else { Err(self) }
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
