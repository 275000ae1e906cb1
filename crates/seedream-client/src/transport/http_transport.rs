//! What sends requests.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::{error::TransportError, response_body::ResponseBody};

/// Sends one HTTP request once.
///
/// An implementation must send at most once in every case: no retry, and no redirect followed. It sets no time limit on
/// the response, since the caller drops the future when the time is up.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request with an absolute URI and all its headers, credential included, and returns the head of the response.
    ///
    /// [`Departure`](crate::Departure) is among the request's extensions; an implementation that knows when the body leaves should use it.
    ///
    /// # Errors
    /// [`Reached`](crate::Reached) says whether the request can have been delivered.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError>;
}
