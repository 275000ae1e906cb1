//! Turns a fixture into the types of the core crate.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use seedream_core::{Checked, Dialect, ImageRequest, Response, Strictness, Task, TaskId, Timestamp};
use seedream_fixtures::{Body, Exchange, Response as RecordedResponse};

use crate::Failure;

/// The domain request of an exchange, where it has one.
pub(crate) fn given(exchange: &Exchange) -> Option<Result<ImageRequest, Failure>> {
    let given = exchange.given.clone()?;
    Some(serde_json::from_value(given).map_err(|error| Failure::harness(format!("`given` is no request: {error}"))))
}

/// A request to read a response with: the one that was given, or any.
pub(crate) fn checked(dialect: &dyn Dialect, exchange: &Exchange) -> Result<Checked, Failure> {
    let request = match given(exchange) {
        Some(request) => request?,
        None => {
            let request = ImageRequest::new(&dialect.descriptor().default_model, "a lighthouse in fog");
            let streams = matches!(exchange.response.as_ref().map(|r| &r.body), Some(Body::Sse(_)));
            if streams { request.stream(true) } else { request }
        }
    };
    let rules = dialect.capabilities(&request.model);
    rules.check(&request, Strictness::Off).map_err(|error| Failure::new(format!("cannot be sent at all: {error}")))
}

/// A task of an adapter's provider, of which nothing but its id is known.
pub(crate) fn task(dialect: &dyn Dialect) -> Result<Task, Failure> {
    let id = TaskId::new("task-unified-1757165031-seedream4d").map_err(|error| Failure::harness(error.to_string()))?;
    let descriptor = dialect.descriptor();
    Ok(Task::new(&descriptor.id, &*descriptor.base_urls[0], id, descriptor.default_model.clone()))
}

/// The response of an exchange.
pub(crate) fn response(recorded: &RecordedResponse) -> Result<Response, Failure> {
    let body: Bytes = match &recorded.body {
        Body::Json(raw) => raw.get().to_owned().into(),
        Body::Text(text) | Body::Sse(text) => text.clone().into(),
        Body::Base64(text) => {
            STANDARD.decode(text).map_err(|_| Failure::harness("the fixture's base64 cannot be used"))?.into()
        }
    };
    response_with(recorded, body)
}

/// The response of an exchange, with another body.
pub(crate) fn response_with(recorded: &RecordedResponse, body: impl Into<Bytes>) -> Result<Response, Failure> {
    let bad = |what: &str| Failure::harness(format!("the fixture's {what} cannot be used"));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(recorded.body.content_type()));
    for (name, value) in &recorded.headers {
        let name: HeaderName = name.parse().map_err(|_| bad("header"))?;
        headers.insert(name, value.parse().map_err(|_| bad("header"))?);
    }
    let status = StatusCode::from_u16(recorded.status).map_err(|_| bad("status"))?;
    Ok(Response::new(status, headers, body, Timestamp::UNIX_EPOCH))
}
