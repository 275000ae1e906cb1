//! The body of a response.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use super::error::TransportError;

/// The body of a response, as it arrives.
pub type ResponseBody = UnsyncBoxBody<Bytes, TransportError>;
