//! Lists of models.

use seedream_core::{Error, ErrorKind, ModelInfo, Response, Result, json};
use serde_json::Value;

use crate::Reader;

/// Reads a list of models: everything of `data` that has an `id`.
///
/// # Errors
/// What the response says, or [`ErrorKind::MalformedResponse`] where it holds no list.
pub fn models(reader: &Reader, response: &Response) -> Result<Vec<ModelInfo>> {
    if !response.status.is_success() {
        return Err(reader.error(response));
    }
    let body: Value = json::read(&response.body).map(|document| document.value).unwrap_or_default();
    let Some(Value::Array(items)) = body.get("data") else {
        // new-api answers an unknown model with 200 and an error.
        if body.get("error").is_some() {
            return Err(reader.error(response).with_charge(seedream_core::Charge::No));
        }
        let error =
            Error::from_response(ErrorKind::MalformedResponse, "the response holds no list of models", response);
        return Err(error.with_charge(seedream_core::Charge::No));
    };
    Ok(items.iter().filter_map(|item| item.get("id").and_then(Value::as_str)).map(ModelInfo::new).collect())
}
