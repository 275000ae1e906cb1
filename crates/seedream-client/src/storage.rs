//! Images in a bucket of any store that speaks S3 (feature `storage`).
//!
//! A [`BucketOutput`] keeps each image in a synced file of a spool folder until the store has proven that it holds the same bytes. A key
//! belongs to one attempt of one job, so an upload may be repeated: a job that is resumed writes the same object again.
//!
//! `bucket` has the requests, over the [`Transport`](crate::Transport) of the client; `fingerprint` decides what a response proves.
//!
//! ```
//! # use std::sync::Arc;
//! # use seedream_client::{Client, FolderStore, Transport, storage::{BucketOutput, BucketSettings}};
//! # use seedream_core::ImageRequest;
//! # async fn example(client: Client, transport: Arc<dyn Transport>) -> Result<(), Box<dyn std::error::Error>> {
//! // Keys, region and endpoint come from the variables of AWS; the records of jobs are beside the spooled images.
//! let settings = BucketSettings::from_lookup("s3://team-images/lighthouses", |name| std::env::var(name).ok())?;
//! let output = BucketOutput::open(settings, "spool", transport).await?;
//! let job = client.job(ImageRequest::new("doubao-seedream-4-5", "a lighthouse"));
//! let outcome = job.store(Arc::new(FolderStore::new("spool"))).output(Arc::new(output)).run().await?;
//! for image in &outcome.images {
//!     println!("{}", image.location); // s3://team-images/lighthouses/…
//! }
//! # Ok(())
//! # }
//! ```

mod bucket;
mod bucket_output;
mod bucket_settings;
mod bucket_url;
mod connector;
mod fingerprint;
mod object_key;
mod pending_upload;
mod spool;
mod storage_check;
mod storage_error;

pub use self::{
    bucket_output::BucketOutput,
    bucket_settings::BucketSettings,
    bucket_url::BucketUrl,
    fingerprint::Proof,
    storage_check::{CheckedStep, StorageCheck, check},
    storage_error::StorageError,
};
