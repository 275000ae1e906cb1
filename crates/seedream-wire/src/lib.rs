//! Lenient decoders for the responses of the Seedream resellers.
//!
//! Four of the five dialects share one family of response shapes: Ark's, OpenAI's, and variants of relays. A [`Reader`] decodes all of
//! them. An unexpected member never loses a billed image: a 2xx response with an image is a success, and the parts that cannot be decoded
//! are kept and lead to a warning.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod base64;
pub mod codes;
mod collected;
mod expiry;
mod failure;
mod find_images;
mod image;
mod models;
mod reader;
mod request;
mod response;
mod stream;
mod task;
mod usage;
mod warnings;

pub use expiry::expiry_of;
pub use failure::Failure;
pub use models::models;
pub use reader::Reader;
pub use request::{get, post};
pub use task::Tasks;
pub use usage::usage;
