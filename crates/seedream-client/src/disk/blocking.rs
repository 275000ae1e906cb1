//! Blocking work, apart from the threads that must not block.

use std::io;

/// Does something that may block, on a thread of the runtime that may.
pub(crate) async fn on_disk<T: Send + 'static>(job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(io::Error::other)?
}
