//! The forms of a response ([`endpoint_response`]): JSON, a stream of events, an error, and the script that the server plays.
//!
//! Nothing here decides what a request gets; the endpoints do.

pub(crate) mod chunk;
pub(crate) mod content_coding;
pub(crate) mod endpoint_response;
pub(crate) mod error;
pub(crate) mod html_page;
pub(crate) mod image_results;
pub(crate) mod inline_encoding;
pub(crate) mod script;
pub(crate) mod sse;
pub(crate) mod success_json;
pub(crate) mod task;
