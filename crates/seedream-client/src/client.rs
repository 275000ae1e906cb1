//! The client: a dialect with its endpoints, key, transport and policy.
//!
//! [`state`] is the client and what its clones share; the other files give it its methods. Nothing here waits, retries or polls: that
//! is the driver's.

mod builder;
mod image_provider;
mod jobs;
mod random_source;
mod requests;
mod state;

pub use self::{builder::ClientBuilder, state::Client};
