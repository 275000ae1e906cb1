//! Providers of images, whichever dialect they speak: the trait, several providers as one, and the events of a request.
//!
//! [`image_provider`] is what an embedder can implement. Nothing here saves an image or writes a record.

mod declined_providers;
mod event_stream;
mod fallback;
mod image_provider;
mod prepared;

pub(crate) use self::prepared::PreparedForm;
pub use self::{event_stream::EventStream, fallback::Fallback, image_provider::ImageProvider, prepared::Prepared};
