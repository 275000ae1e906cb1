//! The client of seedream: it sends a paid request at most once, and keeps what was paid for.
//!
//! - [`Client`] is an [`ImageProvider`](seedream_core::ImageProvider) for any [`Dialect`](seedream_core::Dialect): it adds
//!   endpoint, key, transport and time to the pure machine [`Operation`](seedream_core::Operation).
//! - [`Transport`] moves bytes; [`ReqwestTransport`] is the one that is taken where none is given (feature `reqwest`, default).
//! - [`Fallback`] asks several providers in turn, and nobody behind an outcome that is not known.
//! - [`Exactly`] collects exactly so many pictures, where a group is only a ceiling.
//! - [`Downloader`] fetches pictures from URLs that a provider wrote, which nobody trusts.
//! - Whoever installs a subscriber of `tracing` sees the spans `operation`, `attempt`, `poll` and `download`, without a secret.
//! - [`Client::save`] writes pictures to disk under names that were free, and a [`Sidecar`] beside them says what they are.
//!
//! ```
//! # use std::sync::Arc;
//! # use seedream_client::Client;
//! # use seedream_core::{Dialect, ImageProvider, ImageRequest, Result};
//! # async fn example(dialect: Arc<dyn Dialect>) -> Result<()> {
//! let client = Client::builder(dialect).key("sk-…").build()?;
//! let generation = client.generate(ImageRequest::new("doubao-seedream-4-5", "a lighthouse")).await?;
//! let saved = client.save(&generation, &seedream_client::SaveOptions::new("out", "lighthouse")).await;
//! assert_eq!(saved.images().count() + saved.failures().count(), generation.outcomes.len());
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod client;
mod coding;
mod download;
mod drive;
mod endpoint;
mod exactly;
mod fallback;
mod image_end;
mod job;
mod lift;
mod save;
mod spool;
mod trace;
mod transport;

pub use client::{Client, ClientBuilder};
pub use download::{DownloadOptions, Downloader};
pub use endpoint::{Endpoint, bare_key};
pub use exactly::{Collected, Exactly};
pub use fallback::Fallback;
pub use job::{
    Entry, FolderStore, History, Intent, JobRecord, JobStore, Location, NoStore, Outcome, Refusal, SendBefore,
};
pub use save::{SaveOptions, Saved, SavedImage, Sidecar};
pub use secrecy::SecretString;
#[cfg(feature = "reqwest")]
pub use transport::ReqwestTransport;
pub use transport::{AnswerBody, Departure, Reached, Transport, TransportError};
