//! Lists of models.

use seedream_fixtures::{ErrorFamily, Provider};
use serde::Serialize;

use super::answer::Answer;

/// When new-api says that every model was made.
const NEW_API_CREATED: i64 = 1_626_777_600;

#[derive(Serialize)]
struct ArkList<'a> {
    object: &'static str,
    data: Vec<ArkModel<'a>>,
}

#[derive(Serialize)]
struct ArkModel<'a> {
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
pub(crate) fn one(id: &str) -> Answer {
    Answer::value(200, &NewApiModel::new(id))
}

/// The models of a provider, in the form of its software.
pub(crate) fn list(provider: &Provider, family: ErrorFamily) -> Answer {
    let ids = provider.models.iter().map(|model| model.id.as_str());
    match family {
        ErrorFamily::NewApi | ErrorFamily::Upstream => {
            let data = ids.map(NewApiModel::new);
            Answer::value(200, &NewApiList { success: true, data: data.collect(), object: "list" })
        }
        ErrorFamily::Ark | ErrorFamily::Evolink | ErrorFamily::EvolinkTask | ErrorFamily::EvolinkLegacy => {
            let data = ids.map(|id| ArkModel { id, object: "model" });
            Answer::value(200, &ArkList { object: "list", data: data.collect() })
        }
    }
}
