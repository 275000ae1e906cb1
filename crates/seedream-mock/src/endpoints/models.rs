//! Lists of models.

use seedream_fixtures::{ErrorFamily, ProviderFacts};
use serde::Serialize;

use crate::json::ordered::OrderedValue;
use crate::response::endpoint_response::EndpointResponse;

/// When new-api says that every model was made.
const NEW_API_CREATED: i64 = 1_626_777_600;

#[derive(Serialize)]
struct PlainList<'a> {
    object: &'static str,
    data: Vec<PlainModel<'a>>,
}

#[derive(Serialize)]
struct PlainModel<'a> {
    id: &'a str,
    object: &'static str,
}

#[derive(Serialize)]
struct NewApiList<'a> {
    success: bool,
    data: Vec<NewApiModel<'a>>,
    object: &'static str,
}

#[derive(Serialize)]
struct NewApiModel<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
    supported_endpoint_types: [&'static str; 2],
}

impl<'a> NewApiModel<'a> {
    fn new(id: &'a str) -> Self {
        Self {
            id,
            object: "model",
            created: NEW_API_CREATED,
            owned_by: "volcengine",
            supported_endpoint_types: ["image-generation", "openai"],
        }
    }
}

/// One model, as new-api tells it.
pub(crate) fn one(id: &str) -> EndpointResponse {
    EndpointResponse::value(200, &NewApiModel::new(id))
}

/// Every name by which a provider takes a model.
fn ids(provider: &ProviderFacts) -> impl Iterator<Item = &str> {
    provider.models.iter().flat_map(|model| std::iter::once(&model.id).chain(&model.aliases)).map(String::as_str)
}

/// Adds to a documented list what it leaves out, in the form of its first item; says whether there was anything.
pub(crate) fn complete(provider: &ProviderFacts, list: &mut OrderedValue) -> bool {
    let Some(OrderedValue::Array(items)) = list.get_mut("data") else { return false };
    let known: Vec<String> = items.iter().filter_map(|item| item.get("id")?.text()).collect();
    let Some(first) = items.first().cloned() else { return false };
    let documented = items.len();
    for id in ids(provider).filter(|id| known.iter().all(|known| known != id)) {
        let mut item = first.clone();
        item.replace("id", &id);
        items.push(item);
    }
    items.len() > documented
}

/// The models of a provider, in the form of its software.
pub(crate) fn list(provider: &ProviderFacts, family: ErrorFamily) -> EndpointResponse {
    let ids = ids(provider);
    match family {
        ErrorFamily::NewApi | ErrorFamily::Upstream => {
            let data = ids.map(NewApiModel::new);
            EndpointResponse::value(200, &NewApiList { success: true, data: data.collect(), object: "list" })
        }
        ErrorFamily::CodeParam
        | ErrorFamily::TextCode
        | ErrorFamily::TextCodePoll
        | ErrorFamily::StatusCode
        | ErrorFamily::Template => {
            let data = ids.map(|id| PlainModel { id, object: "model" });
            EndpointResponse::value(200, &PlainList { object: "list", data: data.collect() })
        }
    }
}
