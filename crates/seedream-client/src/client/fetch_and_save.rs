//! Fetches and saves images of an outcome, outside a job.

use std::path::Path;

use bytes::Bytes;
use seedream_core::{GeneratedImage, Generation, ImageFailure, Result};

use super::client_struct::Client;
use crate::output::{self, SaveOptions, Saved, SavedImage};

impl Client {
    /// Fetches an image into memory, wherever it is.
    ///
    /// # Errors
    /// Why it could not be fetched, with its URL; [`ErrorKind::IncompleteImage`](seedream_core::ErrorKind::IncompleteImage) where it ends too early or is damaged.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    pub async fn fetch(&self, image: &GeneratedImage) -> Result<Bytes, ImageFailure> {
        output::fetch(&self.0.downloader, image).await
    }

    /// Fetches an image into a file whose name begins with `unsaved-`, in the directory in which it will be saved: then saving it
    /// is a rename, and an image of any size costs little memory. One without a URL stays where it is. Of one that stays
    /// incomplete, what came furthest is an [`ImageData::Incomplete`](seedream_core::ImageData::Incomplete).
    ///
    /// # Errors
    /// Why it could not be fetched, with its URL.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: a part of an image that was fetched is removed.
    pub async fn fetch_into(&self, image: &GeneratedImage, directory: &Path) -> Result<GeneratedImage, ImageFailure> {
        output::fetch_into(&self.0.downloader, image, directory).await
    }

    /// Saves every image of an outcome, one file each; see [`SaveOptions`]. Never fails as a whole.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the images that are saved. An image that came inside the response stays in its file, or in `generation`.
    pub async fn save(&self, generation: &Generation, options: &SaveOptions) -> Saved {
        output::save(&self.0.downloader, generation, options).await
    }

    /// Saves one image, for instance as soon as its event arrives.
    ///
    /// # Errors
    /// Why it is not on disk, with its URL: it can still be fetched from there until that expires.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing, or the whole image: writing that has begun goes on.
    pub async fn save_image(&self, image: &GeneratedImage, options: &SaveOptions) -> Result<SavedImage, ImageFailure> {
        output::save_image(&self.0.downloader, image, options).await
    }
}
