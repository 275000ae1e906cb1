//! Lists of models.

use seedream_core::{Error, ErrorKind, ModelInfo, Reply, Result, json};
use serde_json::Value;

use crate::Reader;

/// Reads a list of models: everything of `data` that has an `id`.
///
/// # Errors
/// What the answer says, or [`ErrorKind::MalformedResponse`] where it holds no list.
pub fn models(reader: &Reader, reply: &Reply) -> Result<Vec<ModelInfo>> {
    if !reply.status.is_success() {
        return Err(reader.error(reply));
    }
    let body: Value = json::read(&reply.body).map(|document| document.value).unwrap_or_default();
    let Some(Value::Array(items)) = body.get("data") else {
        // new-api answers an unknown model with 200 and an error.
        if body.get("error").is_some() {
            return Err(reader.error(reply).with_charge(seedream_core::Charge::No));
        }
        let error = Error::from_reply(ErrorKind::MalformedResponse, "the answer holds no list of models", reply);
        return Err(error.with_charge(seedream_core::Charge::No));
    };
    Ok(items.iter().filter_map(|item| item.get("id").and_then(Value::as_str)).map(ModelInfo::new).collect())
}
