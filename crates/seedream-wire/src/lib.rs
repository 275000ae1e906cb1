//! Lenient decoders for the responses of the Seedream resellers.
//!
//! Four of the five dialects respond in one family of shapes: Ark's own, OpenAI's, and what relays make of the two. A [`Reader`]
//! reads them all. Nothing that was paid for is lost because a member looks odd: a 2xx response with an image is a success, and
//! what cannot be read is kept and warned about.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod base64;
mod body;
pub mod codes;
mod collected;
mod expiry;
mod failure;
mod find;
mod image;
mod models;
mod reader;
mod response;
mod stream;
mod task;
mod usage;
mod warnings;

pub use body::{get, post};
pub use expiry::expiry_of;
pub use failure::Failure;
pub use models::models;
pub use reader::Reader;
pub use task::{Tasks, task_ids};
pub use usage::usage;
