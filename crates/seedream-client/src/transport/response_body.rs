//! The body of a response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};

use super::error::TransportError;

/// The body of a response, as it arrives.
#[derive(Default)]
pub struct ResponseBody(UnsyncBoxBody<Bytes, TransportError>);

impl ResponseBody {
    /// A body that arrives as another one does.
    pub fn new(body: impl Body<Data = Bytes, Error = TransportError> + Send + 'static) -> Self {
        Self(body.boxed_unsync())
    }

    /// A body whose chunks a function gives: `None` after the last. `Stream::poll_next` of a stream of chunks is such a function.
    ///
    /// ```
    /// # use std::task::Poll;
    /// # use seedream_client::ResponseBody;
    /// let mut chunks = ["{\"data\":", "[]}"].into_iter();
    /// let body = ResponseBody::from_poll_fn(move |_| Poll::Ready(chunks.next().map(|chunk| Ok(chunk.into()))));
    /// ```
    pub fn from_poll_fn(
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, TransportError>>> + Send + Unpin + 'static,
    ) -> Self {
        Self::new(Chunks(next))
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    /// A body that is there as a whole.
    fn from(bytes: T) -> Self {
        Self::new(Full::new(bytes.into()).map_err(|never| match never {}))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

/// Chunks that a function gives.
struct Chunks<F>(F);

impl<F> Body for Chunks<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, TransportError>>> + Unpin,
{
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        (self.0)(context).map(|next| next.map(|chunk| chunk.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Reached;

    #[tokio::test]
    async fn a_body_is_bytes_or_the_chunks_of_a_function() {
        assert_eq!(ResponseBody::default().collect().await.unwrap().to_bytes(), "");
        assert_eq!(ResponseBody::from("abc").collect().await.unwrap().to_bytes(), "abc");
        let mut chunks = [Ok("a".into()), Ok("bc".into())].into_iter();
        let body = ResponseBody::from_poll_fn(move |_| Poll::Ready(chunks.next()));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
        let broken = || Err(TransportError::new(Reached::Sent, "it broke"));
        let body = ResponseBody::from_poll_fn(move |_| Poll::Ready(Some(broken())));
        assert_eq!(body.collect().await.unwrap_err().to_string(), "it broke");
    }
}
