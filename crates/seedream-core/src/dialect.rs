//! What an adapter implements: pure functions between a checked request, HTTP, and a response.
//!
//! No key, socket, clock or loop lives here.

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
