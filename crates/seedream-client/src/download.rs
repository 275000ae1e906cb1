//! Fetches images from URLs that stood in a response.
//!
//! Such a URL is whatever a provider, or what stands in between, chose to write: it is hostile until checked. It is fetched by GET
//! only, without the key, from public addresses only, and every redirect is checked like the first URL. Nothing here knows a job.

mod download_routes;
mod downloader;
mod failure;
mod fetch;
mod options;
mod partial_image;
#[cfg(feature = "reqwest")]
mod public_routes;
mod retry_waits;
mod url_policy;

pub use self::{downloader::Downloader, options::DownloadOptions};
