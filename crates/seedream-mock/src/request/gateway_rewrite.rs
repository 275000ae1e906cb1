//! What a gateway makes of a request before it passes it on.

use std::borrow::Cow;

use seedream_fixtures::{FieldRole, ModelFacts, ProviderFacts, RewriteRule};
use serde_json::Value;

use crate::json::path;
use crate::json::path::Object;

/// The request as the gateway sends it on.
#[derive(Debug, Default)]
pub(crate) enum ForwardedRequest {
    /// It was not sent on.
    #[default]
    None,
    /// Nothing: it was sent on as it came.
    AsSent,
    /// It was sent on as this.
    Rewritten(Object),
}

impl ForwardedRequest {
    /// What was made of a body, which was the caller's own if no relay had it before.
    pub(crate) fn of(effective: Cow<'_, Object>, own: bool) -> Self {
        match effective {
            Cow::Borrowed(_) if own => Self::AsSent,
            effective => Self::Rewritten(effective.into_owned()),
        }
    }
}

/// The request as the provider's gateway sends it upstream.
pub(crate) fn effective<'b>(provider: &ProviderFacts, body: &'b Object) -> Cow<'b, Object> {
    let body = path::without_nulls(body);
    if provider.rewrites.is_empty() {
        return body;
    }
    let mut body = body.into_owned();
    let model = provider
        .field(FieldRole::Model)
        .and_then(|field| path::text(&body, &field.name))
        .and_then(|name| provider.model(name));
    for rewrite in &provider.rewrites {
        apply(provider, model, rewrite, &mut body);
    }
    Cow::Owned(body)
}

fn apply(provider: &ProviderFacts, model: Option<&ModelFacts>, rewrite: &RewriteRule, body: &mut Object) {
    match rewrite {
        RewriteRule::Drop { fields, .. } => {
            for field in fields {
                body.remove(field);
            }
        }
        RewriteRule::Default { field, value, .. } => {
            let of_model = || model.and_then(|model| model.size.default.clone()).map(Value::from);
            if path::get(body, field).is_none()
                && let Some(value) = value.clone().or_else(of_model)
            {
                path::set(body, field, value);
            }
        }
        RewriteRule::CountToGroup { count, group, on, max, .. } => {
            let several = path::get(body, count).and_then(Value::as_u64).filter(|count| *count > 1);
            // opeai's page: only where the caller said nothing about groups himself.
            if let Some(several) = several.filter(|_| path::get(body, group).is_none()) {
                path::set(body, group, Value::from(on.as_str()));
                path::set(body, max, Value::from(several));
                body.remove(count);
            }
        }
        RewriteRule::Model { .. } => {
            let field = provider.field(FieldRole::Model).map(|field| field.name.as_str());
            if let (Some(field), Some(upstream)) = (field, model.and_then(|model| model.upstream.as_deref())) {
                path::set(body, field, Value::from(upstream));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn opeai(body: Value) -> Value {
        let Value::Object(body) = body else { panic!("object") };
        Value::Object(effective(seedream_fixtures::provider("opeai").unwrap(), &body).into_owned())
    }

    #[test]
    fn count_becomes_a_group_unless_one_stands() {
        let rewritten = opeai(json!({ "model": "bytedance-seedream-5.0", "prompt": "p", "n": 8, "size": "4096x2304" }));
        let wanted = json!({
            "model": "bytedance-seedream-5.0", "prompt": "p", "size": "4096x2304", "stream": false, "watermark": false,
            "sequential_image_generation": "auto", "sequential_image_generation_options": { "max_images": 8 },
        });
        assert_eq!(rewritten, wanted);
        let explicit = opeai(json!({ "model": "x", "n": 8, "sequential_image_generation": "disabled" }));
        assert_eq!(explicit["sequential_image_generation"], "disabled");
        assert_eq!(explicit.get("sequential_image_generation_options"), None);
        assert_eq!(opeai(json!({ "n": 1 })).get("sequential_image_generation"), None);
    }

    #[test]
    fn names_defaults_and_ignored_members() {
        let model = |name: &str| opeai(json!({ "model": name }));
        assert_eq!(model("doubao-seedream-4.5")["model"], "seedream-4-5-251128");
        assert_eq!(model("doubao-seedream-4-0-250828")["model"], "seedream-4-0-250828");
        assert_eq!(model("doubao-seedream-4.5")["size"], "2K");
        assert_eq!(model("seedream-3-0-t2i-250415")["size"], "1024x1024");
        let ignored = opeai(json!({
            "quality": "hd", "style": "vivid", "user": "u", "output_format": "png", "output_compression": 3,
            "background": "opaque", "moderation": "low", "watermark": true,
        }));
        assert_eq!(ignored, json!({ "watermark": true, "stream": false }));
    }
}
