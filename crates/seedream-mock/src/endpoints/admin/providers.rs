//! The providers with their base URLs, for a person who has to configure a client.

use seedream_fixtures::{ProviderFacts, RouteName};
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

fn shown(provider: &ProviderFacts) -> Value {
    let creates = || provider.routes.iter().filter(|route| route.name == RouteName::Create);
    let bases: Vec<String> = creates()
        .filter_map(|route| route.path.strip_suffix(OPENAI))
        .map(|base| format!("/{}{base}", provider.id))
        .collect();
    json!({
        "id": provider.id,
        "name": provider.name,
        "base": format!("/{}{}", provider.id, provider.base_path()),
        "openai_bases": bases,
        "create": creates().next().map(|route| format!("/{}{}", provider.id, route.path)),
        "model": provider.default_model,
        "key": provider.auth.required,
        "tasks": provider.task.is_some(),
    })
}
