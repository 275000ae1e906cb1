//! The traits of an adapter: pure functions from a checked request to HTTP, and from a response to a value.
//!
//! This module contains no key, socket, clock or loop.

mod decoded;
mod descriptor;
mod effective;
mod encoded;
mod plan;
mod response;
mod traits;

pub use decoded::{Acceptance, Decoded, TaskState};
pub use descriptor::{Descriptor, ModelEntry, ModelInfo, Site};
pub use effective::Effective;
pub use encoded::Encoded;
pub use plan::Plan;
pub use response::{Blobs, Response};
pub use traits::{CatalogDialect, Dialect, StreamDecoder, StreamDialect, StreamItem, TaskDialect};
