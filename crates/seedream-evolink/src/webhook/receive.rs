//! One callback: read within limits, taken as a hint, answered.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use seedream_core::TaskId;
use seedream_wire::task_ids;

use super::Webhooks;

/// The most bytes of a callback. One with 15 signed URLs has about ten thousand.
const LARGEST: usize = 64 << 10;

/// How long a callback may take to arrive: half of what the provider gives it (document 002: 10 s).
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers a callback. The token comes first: without it nothing is read, and nothing tells this path from one that is not.
pub(super) async fn receive(State(webhooks): State<Webhooks>, request: Request) -> Response {
    let given = request.uri().path().rsplit('/').next().unwrap_or_default();
    if !webhooks.0.token.is(given) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if request.method() != Method::POST {
        return with_header(StatusCode::METHOD_NOT_ALLOWED, header::ALLOW, "POST");
    }
    let stated = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if stated.is_some_and(|bytes: u64| bytes > LARGEST as u64) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    // The provider calls again after 1, 2 and 4 seconds.
    let Ok(_permit) = webhooks.0.reading.try_acquire() else {
        return with_header(StatusCode::SERVICE_UNAVAILABLE, header::RETRY_AFTER, "1");
    };
    match tokio::time::timeout(PATIENCE, ids_in(request.into_body())).await {
        Ok(Ok(ids)) => {
            // Whoever waits asks for the task; here nothing more is done. A second hint before that is the same hint.
            for hint in ids.iter().filter_map(|id| webhooks.expected().get(id.as_str()).cloned()) {
                hint.notify_one();
            }
            // The same to everybody: which tasks are expected is nobody's business.
            StatusCode::OK.into_response()
        }
        Ok(Err(refused)) => refused.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

/// The ids that a body names, as JSON or as a form. Nothing else in it is read.
async fn ids_in(body: Body) -> Result<Vec<TaskId>, StatusCode> {
    let body = to_bytes(body, LARGEST).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(task_ids(&body))
}

fn with_header(status: StatusCode, name: header::HeaderName, value: &'static str) -> Response {
    (status, [(name, HeaderValue::from_static(value))]).into_response()
}
