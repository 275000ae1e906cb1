//! What a provider refuses: a request against the document's fields and the model's limits.

use std::net::IpAddr;

use seedream_fixtures::{ErrorCause, FieldFacts, FieldRole, ModelFacts, ProviderFacts, TotalAction, TotalFacts};
use serde_json::Value;

use crate::json::path;
use crate::json::path::Object;
use crate::request::fields::RequestFields;
use crate::request::violation::RuleViolation;
use crate::request::{references, sizes};

/// What a request is held to beside its fields and its model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RuleOptions {
    /// Whether a callback to this machine is refused too.
    pub(crate) callbacks: bool,
    /// The least product of width and height on the route of the request.
    pub(crate) min_pixels: Option<u64>,
}

/// Every rule a request breaks, in the order in which a provider would notice.
/// `effective` is what the provider's gateway makes of the body.
pub(crate) fn violations(
    body: &RequestFields<'_>,
    effective: &RequestFields<'_>,
    strictness: RuleOptions,
) -> Vec<RuleViolation> {
    let mut found = Vec::new();
    let model = check_model(body, &mut found);
    for (field, value) in body.fields() {
        // A member inside an object is looked at where its object is one.
        match value {
            Some(value) => check_field(field, model, value, strictness, &mut found),
            None if is_required(field, body) && field.role != Some(FieldRole::Model) => {
                found.push(missing(&field.name));
            }
            None => {}
        }
    }
    if let Some(model) = model {
        check_size(model, body, strictness.min_pixels, &mut found);
        references::check(model, body, &mut found);
        check_total(model, effective, &mut found);
        check_background(model, body, &mut found);
        check_layers(body, &mut found);
        // Models differ in what they look at first (Ark's API reference).
        found.sort_by_key(|violation| !model.checks_first.contains(&violation.field));
    }
    found
}

fn is_required(field: &FieldFacts, body: &RequestFields<'_>) -> bool {
    let excused = field.required_unless.as_ref().and_then(|other| body.named(other));
    field.required && excused != Some(&Value::Bool(true))
}

/// The undocumented members; they are ignored, and noted in the journal.
pub(crate) fn unknown_members(provider: &ProviderFacts, body: &Object) -> Vec<String> {
    let known = |name: &str| {
        provider.fields.iter().any(|field| field.name == name) || provider.ignored.iter().any(|ignored| ignored == name)
    };
    path::names(body).filter(|name| !known(name)).cloned().collect()
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn missing(field: &str) -> RuleViolation {
    RuleViolation { cause: ErrorCause::Missing, ..RuleViolation::new(field, "required", "the member is missing") }
}

fn check_model<'p>(body: &RequestFields<'p>, found: &mut Vec<RuleViolation>) -> Option<&'p ModelFacts> {
    let (field, named) = body.field(FieldRole::Model)?;
    let Some(name) = named.filter(|name| !is_blank(name)) else {
        found.push(missing(&field.name));
        return None;
    };
    let model = name.as_str().and_then(|name| body.provider.model(name));
    if let (None, Some(name)) = (model, name.as_str()) {
        let detail = format!("no model here is called {name}");
        found.push(RuleViolation {
            cause: ErrorCause::ModelNotFound,
            ..RuleViolation::new(&field.name, "unknown_model", detail)
        });
    }
    model
}

fn check_field(
    field: &FieldFacts,
    model: Option<&ModelFacts>,
    value: &Value,
    strictness: RuleOptions,
    found: &mut Vec<RuleViolation>,
) {
    let name = field.name.as_str();
    if model.is_some_and(|model| model.refuses(name)) {
        let detail = format!("the parameter `{name}` is not supported by the current model.");
        let violation = RuleViolation::new(name, "unsupported", detail);
        found.push(RuleViolation { plural: true, blamed: true, recorded: true, ..violation });
        return;
    }
    if !field.types.iter().any(|kind| kind.matches(value)) {
        let wanted: Vec<&str> = field.types.iter().map(|kind| kind.as_str()).collect();
        found.push(RuleViolation::new(name, "type", format!("must be of type {}.", wanted.join(" or "))));
        return;
    }
    let narrowed = model.and_then(|model| model.values.get(name));
    let values = narrowed.unwrap_or(&field.values);
    if !values.is_empty() && !values.contains(value) {
        found.push(RuleViolation::new(name, "enum", one_of(name, values, narrowed.is_some())));
    }
    if let Some(number) = value.as_f64() {
        check_range(field, number, found);
    }
    if let Some(text) = value.as_str() {
        check_text(field, text, strictness, found);
    }
    if field.required && field.role != Some(FieldRole::Model) && is_blank(value) {
        found.push(missing(name));
    }
}

fn one_of(name: &str, values: &[Value], narrowed: bool) -> String {
    let words: Vec<String> =
        values.iter().map(|value| value.as_str().map_or(value.to_string(), str::to_owned)).collect();
    match words.as_slice() {
        [only] if narrowed => format!("{name} must be '{only}'."),
        _ => format!("must be one of: {}.", words.join(", ")),
    }
}

fn check_range(field: &FieldFacts, number: f64, found: &mut Vec<RuleViolation>) {
    let below = field.min.is_some_and(|min| number < min);
    let above = field.max.is_some_and(|max| number > max);
    if below || above {
        let detail = match (field.min, field.max) {
            (Some(min), Some(max)) => format!("must be between {min} and {max}."),
            (Some(min), None) => format!("must be at least {min}."),
            (_, max) => format!("must be at most {}.", max.unwrap_or_default()),
        };
        found.push(RuleViolation { advice: field.advice && above, ..RuleViolation::new(&field.name, "range", detail) });
    }
}

fn check_text(field: &FieldFacts, text: &str, strictness: RuleOptions, found: &mut Vec<RuleViolation>) {
    // A text has at most as many characters as bytes, and is rarely counted.
    let length = || text.chars().count() as u64;
    if let Some(max) = field.max_length.filter(|max| text.len() as u64 > *max && length() > *max) {
        let detail = match field.note.as_ref().filter(|_| field.advice) {
            Some(note) => format!("should have at most {max}, {note}."),
            None => format!("must have at most {max} characters."),
        };
        found.push(RuleViolation { advice: field.advice, ..RuleViolation::new(&field.name, "length", detail) });
    }
    if field.https
        && let Some(detail) = callback_fault(text, strictness.callbacks)
    {
        found.push(RuleViolation::new(&field.name, "callback", detail));
    }
}

/// Why a URL is refused as a callback. Addresses of this machine pass unless the mock is strict: that is where a
/// developer's receiver runs.
fn callback_fault(url: &str, strict: bool) -> Option<&'static str> {
    let parsed: http::Uri = match url.parse() {
        Ok(parsed) => parsed,
        Err(_) => return Some("must be a URL."),
    };
    let Some(host) = parsed.host() else { return Some("must be a URL.") };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|address| address.to_canonical());
    let here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    if here && !strict {
        return None;
    }
    let private = match address {
        Some(IpAddr::V4(v4)) => {
            let [a, b, ..] = v4.octets();
            // What providers of access share among their customers (RFC 6598).
            let shared = a == 100 && (64..128).contains(&b);
            v4.is_private() || shared || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        Some(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified()
        }
        None => here,
    };
    if private {
        return Some("must not be a private address.");
    }
    (parsed.scheme_str() != Some("https")).then_some("must use https.")
}

fn check_size(model: &ModelFacts, body: &RequestFields<'_>, min_pixels: Option<u64>, found: &mut Vec<RuleViolation>) {
    let quality = body.text(FieldRole::Quality);
    if let (Some((FieldFacts { name, .. }, _)), Some(quality)) = (body.field(FieldRole::Quality), quality)
        && !model.refuses(name)
        && !model.size.qualities.iter().any(|known| known == quality)
    {
        found.push(RuleViolation::new(name, "enum", format!("must be one of: {}.", model.size.qualities.join(", "))));
    }
    let Some((field, Some(Value::String(size)))) = body.field(FieldRole::Size) else { return };
    if let Err(fault) = sizes::resolve(body.provider, model, Some(size), quality, min_pixels) {
        let violation = RuleViolation::new(&field.name, fault.rule, fault.detail);
        found.push(RuleViolation { cause: ErrorCause::InvalidSize, recorded: fault.recorded, ..violation });
    }
}

/// References and images together, also where a gateway has made the maximum of a count.
fn check_total(model: &ModelFacts, effective: &RequestFields<'_>, found: &mut Vec<RuleViolation>) {
    let refuses = |total: &&TotalFacts| total.action == TotalAction::Refuse;
    let Some(total) = model.references_plus_images.as_ref().filter(refuses) else { return };
    // Only an explicit maximum can be too large; the default shrinks.
    let Some((field, max)) = effective.field(FieldRole::GroupMax).filter(|_| effective.is_group()) else { return };
    let Some(max) = max.and_then(Value::as_u64) else { return };
    let count = effective.references().len() as u64;
    if count > 0 && count + max > u64::from(total.limit) {
        let detail = format!("the number of reference images and max_images together cannot exceed {}.", total.limit);
        found.push(RuleViolation { blamed: true, ..RuleViolation::new(&field.name, "total", detail) });
    }
}

/// A transparent background is refused with JPEG, and some models take it from exactly one image that has one.
fn check_background(model: &ModelFacts, body: &RequestFields<'_>, found: &mut Vec<RuleViolation>) {
    let member = |role| {
        let (field, value) = body.field(role)?;
        value.map(|value| (field.name.as_str(), value))
    };
    let Some((name, _)) = member(FieldRole::Background).filter(|(_, value)| *value == "transparent") else { return };
    let mut blame = |field: &str, detail: &str| {
        found.push(RuleViolation { blamed: true, ..RuleViolation::new(field, "background", detail) });
    };
    match body.references() {
        _ if !model.transparent_from_reference => {}
        [only] if only.as_str().is_some_and(references::is_opaque) => {
            let image = body.field(FieldRole::References).map_or("image", |(field, _)| field.name.as_str());
            blame(image, "transparent background requires a PNG input with at least one transparent pixel");
        }
        [_] => {}
        _ => blame(name, "transparent background requires exactly one input image"),
    }
    if let Some((format, _)) = member(FieldRole::Format).filter(|(_, value)| *value != "png") {
        blame(format, "must be png when background is transparent");
    }
}

/// One image is taken apart, and the background is not said then. A published request names no image, so that one passes.
fn check_layers(body: &RequestFields<'_>, found: &mut Vec<RuleViolation>) {
    let Some((layers, Some(Value::Bool(true)))) = body.field(FieldRole::Layers) else { return };
    let mut blame = |field: &FieldFacts, detail: String| {
        found.push(RuleViolation { blamed: true, ..RuleViolation::new(&field.name, "layers", detail) });
    };
    if let Some((image, _)) = body.field(FieldRole::References).filter(|_| body.references().len() > 1) {
        blame(image, format!("{} takes exactly one input image.", layers.name));
    }
    if let Some((background, Some(_))) = body.field(FieldRole::Background) {
        blame(background, format!("{} is not supported when {} is true.", background.name, layers.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_reach_this_machine_only_where_that_is_allowed() {
        let fault = |url: &str| (callback_fault(url, false).is_some(), callback_fault(url, true).is_some());
        assert_eq!(fault("https://example.com/hook"), (false, false));
        assert_eq!(fault("http://127.0.0.1:9/hook"), (false, true));
        assert_eq!(fault("http://localhost/hook"), (false, true));
        assert_eq!(fault("http://[::ffff:127.0.0.1]/hook"), (false, true));
        for private in ["192.168.1.20", "169.254.1.1", "100.64.0.1", "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.1]"] {
            assert_eq!(fault(&format!("https://{private}/hook")), (true, true), "{private}");
        }
        assert_eq!(fault("https://100.128.0.1/hook"), (false, false));
        assert_eq!(fault("http://example.com/hook"), (true, true));
        assert_eq!(fault("hook"), (true, true));
    }
}
