//! The forms of a response: JSON, a stream of events, an error, and the script that the server plays.
//!
//! Nothing here decides what a request gets; the endpoints do.

pub(crate) mod chunk;
pub(crate) mod coding;
pub(crate) mod endpoint_response;
pub(crate) mod error;
pub(crate) mod html_page;
pub(crate) mod images;
pub(crate) mod json;
pub(crate) mod script;
pub(crate) mod sse;
pub(crate) mod task;
pub(crate) mod text_encoding;
