//! What a relay before a provider does: members it loses, and what it says where the provider has no route.

use std::borrow::Cow;

use seedream_fixtures::{ErrorFamily, FieldRole, RelayFacts, RouteName};
use serde::Serialize;

use crate::endpoints::models;
use crate::json::path;
use crate::json::path::Object;
use crate::profile::RelayBehavior;
use crate::request::context::RequestContext;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::script::Chunk;

/// Where new-api lists its models.
const MODELS: &str = "/v1/models";

impl<'e> RequestContext<'e> {
    /// The software of the relay, if its data is there.
    pub(crate) fn relay(&self) -> Option<&'e RelayFacts> {
        self.engine.library().relay(ErrorFamily::NewApi)
    }

    /// What of a body arrives at the provider, and what is lost on the way.
    pub(crate) fn relayed<'b>(&self, body: &'b Object) -> (Cow<'b, Object>, Vec<String>) {
        let Some(relay) = self.relay().filter(|_| self.profile.has(RelayBehavior::DropFields)) else {
            return (Cow::Borrowed(body), Vec::new());
        };
        let keeps = |name: &String| relay.keeps.contains(name);
        let lost = path::names(body).filter(|name| !keeps(name)).cloned().collect();
        let kept = body.iter().filter(|(name, _)| keeps(name));
        let mut kept: Object = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        let model = self.provider.field(FieldRole::Model).map(|field| field.name.as_str());
        if let Some(model) = model.filter(|model| path::get(&kept, model).is_none()) {
            path::set(&mut kept, model, relay.default_model.as_str().into());
        }
        (Cow::Owned(kept), lost)
    }

    /// What the relay says where the provider would not have been asked, or is not there.
    pub(crate) fn unrouted(&self, method: &str, below: &str) -> Option<EndpointResponse> {
        let lists = self.route.is_some_and(|route| route.name == RouteName::Models);
        if self.profile.has(RelayBehavior::EmptyNotFound) && (self.route.is_none() || lists) {
            return Some(EndpointResponse::new(404, "text/plain; charset=utf-8", vec![Chunk::text("")]));
        }
        if self.route.is_some() || !self.profile.has(RelayBehavior::NewApi) {
            return None;
        }
        let model = below.strip_prefix(MODELS).filter(|_| method == "GET");
        Some(match model.map(|name| name.strip_prefix('/').unwrap_or(name)) {
            Some("") => models::list(self.provider, ErrorFamily::NewApi),
            Some(name) if self.provider.model(name).is_none() => no_such_model(name),
            Some(name) => models::one(name),
            None => no_such_url(method, below),
        })
    }
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
