//! Callbacks: a task is polled as soon as it ends. For every dialect that has tasks.
//!
//! No provider signs a callback, so nothing in it is believed. Its path holds a token that cannot be guessed; its body is searched for
//! the ids of tasks that were [submitted](Webhooks::submit) or [expected](Webhooks::expect) here, and each that is found is polled
//! once, with this program's own key. A callback that never comes loses nothing: the task is polled as it is without callbacks.
//!
//! [`Webhooks::handle`] takes a request and gives a response, whatever the server is. With the feature `webhook-axum`
//! `Webhooks::router` is an axum router that does the same.
//!
//! ```no_run
//! # use bytes::Bytes;
//! # use seedream_client::{Client, webhook::Webhooks};
//! # use seedream_core::{ImageRequest, Result};
//! # async fn run(client: Client) -> Result<()> {
//! let webhooks = Webhooks::new(client)?;
//! let callback = webhooks.url("https://images.example.com");
//! let request = ImageRequest::new("seedream-4.5", "a lighthouse in fog").callback_url(callback);
//! let expected = webhooks.submit(request).await?;
//! // From here on it is billed: store the task, so that another process can expect or resume it.
//! println!("{}", expected.task().id);
//! let generation = expected.wait().await?;
//! # Ok(())
//! # }
//! # fn serve(webhooks: &Webhooks, request: http::Request<Bytes>) -> http::Response<Bytes> {
//! // In the server, for every request below `/seedream/callbacks/`:
//! webhooks.handle(request)
//! # }
//! ```

#[cfg(feature = "webhook-axum")]
mod axum_router;
mod callback;
mod pending_task;
mod registry;
mod token;
mod webhooks;

#[cfg(feature = "webhook-axum")]
pub use axum;

pub use self::{pending_task::PendingTask, webhooks::Webhooks};
