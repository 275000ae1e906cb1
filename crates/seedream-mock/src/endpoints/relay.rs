//! The response of the relay where the provider is not asked, or has no such route.

use seedream_fixtures::{ErrorFamily, RouteName};
use serde::Serialize;

use crate::endpoints::models;
use crate::request::context::RequestContext;
use crate::response::chunk::Chunk;
use crate::response::endpoint_response::EndpointResponse;
use crate::settings::relay_profile::RelayBehavior;

/// Where new-api lists its models.
const MODELS: &str = "/v1/models";

/// The response of the relay, where the provider is not asked.
pub(crate) fn respond(context: &RequestContext<'_>) -> Option<EndpointResponse> {
    let method = context.request.method().as_str();
    let lists = context.route.is_some_and(|route| route.name == RouteName::Models);
    if context.profile.has(RelayBehavior::EmptyNotFound) && (context.route.is_none() || lists) {
        return Some(EndpointResponse::new(404, "text/plain; charset=utf-8", vec![Chunk::text("")]));
    }
    if context.route.is_some() || !context.profile.has(RelayBehavior::NewApi) {
        return None;
    }
    let model = context.below.strip_prefix(MODELS).filter(|_| method == "GET");
    Some(match model.map(|name| name.strip_prefix('/').unwrap_or(name)) {
        Some("") => models::list(context.provider, ErrorFamily::NewApi),
        Some(name) if context.provider.model(name).is_none() => no_such_model(name),
        Some(name) => models::one(name),
        None => no_such_url(method, context.below),
    })
}

#[derive(Serialize)]
struct RelayEnvelope<'a> {
    error: RelayError<'a>,
}

/// In the order in which new-api writes its members.
#[derive(Serialize)]
struct RelayError<'a> {
    message: String,
    r#type: &'static str,
    param: &'a str,
    code: &'static str,
}

fn failure(status: u16, message: String, param: &str, code: &'static str) -> EndpointResponse {
    EndpointResponse::value(
        status,
        &RelayEnvelope { error: RelayError { message, r#type: "invalid_request_error", param, code } },
    )
}

/// A model that it does not know is an error under status 200 (controller/model.go RetrieveModel).
fn no_such_model(name: &str) -> EndpointResponse {
    failure(200, format!("The model '{name}' does not exist"), "model", "model_not_found")
}

/// A path that it does not know (controller/relay.go RelayNotFound).
fn no_such_url(method: &str, path: &str) -> EndpointResponse {
    failure(404, format!("Invalid URL ({method} {path})"), "", "")
}
