//! What an adapter says that a request without optional members means is what the document's defaults are.

use seedream_core::{Dialect, Encoded, ImageRequest, Strictness};
use seedream_fixtures::{FieldFacts, FieldRole, ModelFacts, ProviderFacts};
use serde_json::Value;

use crate::harness::difference::Differences;

pub(super) fn check(d: &mut Differences, dialect: &dyn Dialect, provider: &ProviderFacts, model: &ModelFacts) {
    let request = ImageRequest::new(model.id.as_str(), "a lighthouse in fog");
    let checked = dialect.capabilities(&request.model).check(&request, Strictness::Strict);
    let encoded = match checked.and_then(|checked| Encoded::new(dialect, checked)) {
        Ok(encoded) => encoded,
        Err(error) => return d.holds(false, || format!("a request without optional members cannot be sent: {error}")),
    };
    let effective = encoded.effective(dialect).body;
    for field in &provider.fields {
        let (Some(expected), Some(seen)) = (default(model, field), effective.get(&field.name)) else { continue };
        // The letter case of a tier means nothing.
        let same = match (expected.as_str(), seen.as_str()) {
            (Some(expected), Some(seen)) => expected.eq_ignore_ascii_case(seen),
            _ => expected == *seen,
        };
        d.holds(same, || format!("default of {}: expected {expected}, saw {seen}", field.name));
    }
}

/// The documented default of a member on a model; `None` where the document states none or the model does not use the member.
fn default(model: &ModelFacts, field: &FieldFacts) -> Option<Value> {
    if model.refuses(&field.name) || model.ignored.contains(&field.name) {
        return None;
    }
    match field.role {
        Some(FieldRole::Size) => {
            Some(model.size.default.as_ref().unwrap_or(&model.size.default_pixels).as_str().into())
        }
        Some(FieldRole::Format) => Some(model.default_format.as_str().into()),
        Some(FieldRole::Watermark) => Some(model.default_watermark.into()),
        _ => field.default.clone(),
    }
}
