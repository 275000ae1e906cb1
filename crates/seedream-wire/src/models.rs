//! Decodes lists of models.

use seedream_core::{Error, ErrorKind, ModelInfo, Response, Result, json};
use serde_json::Value;

use crate::Reader;

/// Decodes a list of models: every element of `data` with an `id`.
///
/// # Errors
/// The error in the response, or [`ErrorKind::MalformedResponse`] if it contains no list.
pub fn models(reader: &Reader, response: &Response) -> Result<Vec<ModelInfo>> {
    if !response.status.is_success() {
        return Err(reader.error(response));
    }
    let body: Value = json::read(&response.body).map(|document| document.value).unwrap_or_default();
    let Some(Value::Array(items)) = body.get("data") else {
        // new-api responds to an unknown model with 200 and an error.
        if body.get("error").is_some() {
            return Err(reader.error(response).with_charge(seedream_core::Charge::No));
        }
        let error =
            Error::from_response(ErrorKind::MalformedResponse, "the response contains no list of models", response);
        return Err(error.with_charge(seedream_core::Charge::No));
    };
    Ok(items.iter().filter_map(|item| item.get("id").and_then(Value::as_str)).map(ModelInfo::new).collect())
}
