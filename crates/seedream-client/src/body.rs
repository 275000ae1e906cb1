//! What is done to the bytes of a response before anything is decoded.
//!
//! [`content_coding`] decompresses them, [`base64_stream`] takes base64 images out of JSON or an event stream, and [`image_format`]
//! tells images by their first bytes and whether they are complete. Nothing here knows a provider, a request or a job.

pub(crate) mod base64_stream;
pub(crate) mod content_coding;
pub(crate) mod image_format;
