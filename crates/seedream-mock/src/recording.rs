//! What recording and replaying have in common: what of an exchange is kept, and when two requests are the same.
//!
//! Pure functions of bytes. Sending to an upstream is in `record`, playing in `endpoints/replay`.

pub(crate) mod delivered_images;
pub(crate) mod image_urls;
pub(crate) mod redaction;
pub(crate) mod request_form;
pub(crate) mod wire_length;
