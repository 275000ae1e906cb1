//! Callbacks in an axum server. The types of axum appear here and nowhere else.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    callback::{LARGEST, response},
    webhooks::Webhooks,
};

/// How many callbacks are read at a time.
const READ_AT_ONCE: usize = 32;

/// How long a callback may take to arrive. Providers give it ten seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

impl Webhooks {
    /// An axum router that [handles](Webhooks::handle) callbacks, to be merged into a server or nested below a path. It reads no
    /// body without the token, at most 32 at a time, and each for at most 5 seconds.
    pub fn router(&self) -> Router {
        let state = (self.clone(), Arc::new(Semaphore::new(READ_AT_ONCE)));
        Router::new().route(&format!("{}{{token}}", self.path()), axum::routing::any(receive)).with_state(state)
    }
}

async fn receive(State((webhooks, reading)): State<(Webhooks, Arc<Semaphore>)>, request: Request) -> Response {
    respond(&webhooks, &reading, request).await.map(Body::from)
}

async fn respond(webhooks: &Webhooks, reading: &Semaphore, request: Request) -> http::Response<Bytes> {
    let (head, body) = request.into_parts();
    if let Some(refused) = webhooks.refuse(&head) {
        return refused;
    }
    // Providers call again after a few seconds.
    let Ok(_permit) = reading.try_acquire() else {
        let mut refused = response(StatusCode::SERVICE_UNAVAILABLE);
        refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return refused;
    };
    match timeout(READ_TIMEOUT, to_bytes(body, LARGEST)).await {
        Ok(Ok(body)) => webhooks.handle(http::Request::from_parts(head, body)),
        Ok(Err(_)) => response(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => response(StatusCode::REQUEST_TIMEOUT),
    }
}
