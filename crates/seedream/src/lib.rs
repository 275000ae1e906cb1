//! One typed request for every Seedream reseller: billed images are never lost, and no request is billed twice.
//!
//! Each provider is a feature; all are on by default. For one provider only, use its crate, or this crate with that feature alone.
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
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod env;
mod registry;

pub use env::{from_env, from_lookup};
pub use registry::{dialect, dialects};
pub use seedream_client::*;
pub use seedream_core::*;

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
