//! One typed request for every Seedream reseller: billed images are never lost, and no request is billed twice.
//!
//! Each provider is a feature; all are on by default. A program that embeds one adapter depends on its crate, or on this one with that
//! feature alone.
//!
//! The root has what most programs need. Everything else is in the packages that it re-exports: [`seedream_client`] (stores of jobs, outputs,
//! transports, downloads, webhooks) and [`seedream_core`] (what an adapter implements, the operation, the rules of models).
//!
//! [`guides`] has tutorials, examples of each kind of request, and what can go wrong with money.
//!
//! ```no_run
//! use seedream::{ImageProvider, ImageRequest, Tier};
//!
//! # async fn run() -> seedream::Result<()> {
//! let client = seedream::from_env("ark")?;
//! let request = ImageRequest::new("seedream-4.5", "a lighthouse in fog").size(Tier::K2).watermark(false);
//! for image in client.generate(request).await?.images() {
//!     println!("{:?}", image.data);
//! }
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod env;
pub mod guides;
mod registry;

pub use env::{from_env, from_lookup};
pub use registry::{dialect, dialects};
pub use seedream_client;
pub use seedream_client::{Client, ClientBuilder, Exactly, Fallback, ImageProvider, Job, Outcome};
pub use seedream_core;
pub use seedream_core::{
    Charge, Count, Error, ErrorKind, Event, GeneratedImage, Generation, ImageData, ImageFailure, ImageRequest,
    ImageSource, ModelId, OutputFormat, Pixels, Plan, Ratio, ResponseFormat, Result, Size, Strictness, Task, Tier,
    Warning,
};

/// The adapters, one per provider whose feature is on.
pub mod adapters {
    #[cfg(feature = "aiearth")]
    pub use seedream_aiearth::Aiearth;
    #[cfg(feature = "ark")]
    pub use seedream_ark::Ark;
    #[cfg(feature = "evolink")]
    pub use seedream_evolink::Evolink;
    #[cfg(feature = "gogogotoken")]
    pub use seedream_gogogotoken::Gogogotoken;
    #[cfg(feature = "opeai")]
    pub use seedream_opeai::Opeai;
}
