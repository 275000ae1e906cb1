//! The client of seedream: it sends a billable request at most once, and keeps everything that was billed.
//!
//! - [`Client`] is an [`ImageProvider`] for any [`Dialect`](seedream_core::Dialect): it adds endpoint, key, transport and time to the
//!   pure machine [`Operation`](seedream_core::Operation).
//! - [`Job`] is a request from the record before its POST until its images are saved. A [`JobStore`] keeps the records, an [`Output`] the
//!   images; [`FolderStore`] and [`FolderOutput`] do both in a folder. A job that did not end is resumed by another process
//!   ([`Job::resumed`]).
//! - `storage::BucketOutput` saves images in a bucket (feature `storage`).
//! - [`Transport`] moves bytes; [`ReqwestTransport`] is the default (feature `reqwest`).
//! - [`Fallback`] tries several providers in turn, and none after an unknown outcome.
//! - [`Exactly`] makes exactly n images, where a group is only a ceiling.
//! - [`Downloader`] fetches images from the URLs of a response, which are not trusted.
//! - A subscriber of `tracing` sees the spans `operation`, `attempt`, `poll` and `download`, and each wait between them, without a secret.
//!
//! ```
//! # use std::sync::Arc;
//! # use seedream_client::Client;
//! # use seedream_core::{Dialect, ImageRequest, Result};
//! # async fn example(dialect: Arc<dyn Dialect>) -> Result<()> {
//! let client = Client::builder(dialect).key("sk-…").build()?;
//! let job = client.job(ImageRequest::new("doubao-seedream-4-5", "a lighthouse")).save_to("out");
//! let outcome = job.run().await?;
//! println!("{} images, billed {:?}", outcome.images.len(), outcome.billed);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

/// The doubles of the tests stand in `tests`, and name this crate.
#[cfg(test)]
extern crate self as seedream_client;

mod body;
mod client;
mod disk;
mod download;
mod driver;
mod endpoint;
mod job;
mod output;
mod provider;
mod record;
#[cfg(feature = "storage")]
pub mod storage;
mod trace;
mod transport;
#[cfg(feature = "webhook")]
pub mod webhook;

pub use client::{Client, ClientBuilder};
pub use download::{DownloadOptions, Downloader};
pub use endpoint::{ApiKey, Endpoint, bare_key};
pub use job::{Control, Exactly, ExactlyOutcome, Job, JobContext, JobError, JobEvent, JobHandle, JobStream, Outcome};
pub use output::{
    FinishedPurchase, FolderOutput, ImageContent, Location, NameTemplate, NewImage, Output, RequestSummary,
    SIDECAR_SCHEMA, SaveOptions, Saved, SavedImage,
};
pub use provider::{EventStream, Fallback, ImageProvider, Prepared};
pub use record::{FolderStore, History, Intent, JobRecord, JobStore, NoStore, RecordEntry, Refusal, Resumable};
#[cfg(feature = "reqwest")]
pub use transport::ReqwestTransport;
pub use transport::{Departure, Reached, ResponseBody, SendBefore, Transport, TransportError};
