//! The providers with their base URLs, for a person who has to configure a client.

use seedream_fixtures::{ProviderFacts, RouteFacts, RouteName};
use serde_json::{Value, json};

use crate::engine::services::Services;
use crate::response::endpoint_response::EndpointResponse;

/// What a client of OpenAI's API appends to its base URL.
const OPENAI: &str = "/images/generations";

/// Lists the providers. All URLs are below the mock's root.
pub(crate) fn list(services: &Services) -> EndpointResponse {
    let providers: Vec<Value> = services.library.providers().iter().map(shown).collect();
    EndpointResponse::value(200, &json!({ "providers": providers }))
}

/// The paths of the base URLs for an SDK of OpenAI.
pub(crate) fn openai_bases(provider: &ProviderFacts) -> impl Iterator<Item = String> {
    let below = creates(provider).filter_map(|route| route.path.strip_suffix(OPENAI));
    below.map(|base| format!("/{}{base}", provider.id))
}

fn creates(provider: &ProviderFacts) -> impl Iterator<Item = &RouteFacts> {
    provider.routes.iter().filter(|route| route.name == RouteName::Create)
}

fn shown(provider: &ProviderFacts) -> Value {
    json!({
        "id": provider.id,
        "name": provider.name,
        "base": format!("/{}{}", provider.id, provider.base_path()),
        "openai_bases": openai_bases(provider).collect::<Vec<_>>(),
        "create": creates(provider).next().map(|route| format!("/{}{}", provider.id, route.path)),
        "model": provider.default_model,
        "key": provider.auth.required,
        "tasks": provider.task.is_some(),
    })
}
