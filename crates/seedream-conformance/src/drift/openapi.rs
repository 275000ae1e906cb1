//! Fixtures against an OpenAPI file.

use std::collections::BTreeSet;

use seedream_fixtures::{FieldFacts, FieldRole, ModelFacts, OperationKind, RecordedBody, RouteName};
use serde_json::Value;

use super::{
    difference::{Drift, DriftSeverity, documented, drift, type_of},
    fixture_facts::DriftFacts,
};

pub(super) fn compare(facts: &DriftFacts<'_>, file: &Value) -> Result<Vec<Drift>, String> {
    let mut found = Vec::new();
    let provider = facts.provider;
    let route = provider.routes.iter().find(|route| route.name == RouteName::Create);
    let route = route.ok_or("the fixtures have no create route")?;
    for server in texts(&file["servers"], "url").filter(|url| !provider.base_urls.contains(url)) {
        found.push(drift(DriftSeverity::Breaking, "servers", provider.base_urls.join(", "), server));
    }
    for (path, methods) in members(&file["paths"]) {
        for (method, _) in members(methods).filter(|(method, _)| METHODS.contains(&method.as_str())) {
            let method = method.to_uppercase();
            if !provider.routes.iter().any(|known| known.path == *path && known.method == method) {
                found.push(drift(DriftSeverity::Notice, format!("paths.{path}"), "nothing", method));
            }
        }
    }
    let operation = &file["paths"][&route.path][route.method.to_lowercase()];
    if operation.is_null() {
        found.push(drift(DriftSeverity::Breaking, format!("paths.{}", route.path), &route.method, "nothing"));
        return Ok(found);
    }
    keys(facts, file, &mut found);
    let request = resolve(file, &operation["requestBody"]["content"]["application/json"]["schema"]);
    members_of_request(facts, request, &mut found);
    statuses(facts, file, &operation["responses"], &mut found);
    Ok(found)
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn keys(facts: &DriftFacts<'_>, file: &Value, found: &mut Vec<Drift>) {
    let auth = &facts.provider.auth;
    let named = file["security"].as_array().into_iter().flatten().flat_map(members).map(|(name, _)| name);
    let schemes: Vec<_> = named.map(|name| &file["components"]["securitySchemes"][name]["scheme"]).collect();
    let needs = if auth.required { auth.scheme.as_str() } else { "no key" };
    let now = schemes.first().and_then(|scheme| scheme.as_str()).unwrap_or("no key");
    if needs != now {
        found.push(drift(DriftSeverity::Breaking, "security", needs, now));
    }
}

fn members_of_request(facts: &DriftFacts<'_>, schema: &Value, found: &mut Vec<Drift>) {
    let fields = || facts.provider.fields.iter().filter(|field| !field.name.contains('.'));
    for field in fields().filter(|field| documented(&field.source)) {
        let at = format!("request.{}", field.name);
        match schema["properties"].get(&field.name) {
            None => found.push(drift(DriftSeverity::Breaking, at, "a member", "nothing")),
            Some(now) => member(facts, field, now, &at, found),
        }
    }
    for (name, _) in members(&schema["properties"]).filter(|(name, _)| !fields().any(|field| field.name == **name)) {
        found.push(drift(DriftSeverity::Notice, format!("request.{name}"), "nothing", "a member"));
    }
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for field in fields() {
        match (field.required, required.contains(&field.name.as_str())) {
            (false, true) => {
                found.push(drift(DriftSeverity::Breaking, format!("request.{}", field.name), "optional", "required"));
            }
            (true, false) => {
                found.push(drift(DriftSeverity::Notice, format!("request.{}", field.name), "required", "optional"));
            }
            _ => {}
        }
    }
}

fn member(facts: &DriftFacts<'_>, field: &FieldFacts, now: &Value, at: &str, found: &mut Vec<Drift>) {
    let types: Vec<_> = field.types.iter().map(|kind| kind.as_str()).collect();
    if let Some(kind) = now["type"].as_str().filter(|kind| !types.contains(kind)) {
        found.push(drift(DriftSeverity::Breaking, format!("{at}.type"), types.join(" or "), kind));
    }
    let models: Vec<&ModelFacts> = facts.provider.models.iter().filter(|model| documented(&model.source)).collect();
    let said = values(field, &models);
    let stated = stated_values(now);
    if !stated.is_empty() {
        for gone in said.difference(&stated) {
            found.push(drift(DriftSeverity::Breaking, format!("{at}.enum"), gone, "nothing"));
        }
        for new in stated.difference(&said) {
            found.push(drift(DriftSeverity::Notice, format!("{at}.enum"), "nothing", new));
        }
    }
    let default = default(facts, field, &models);
    if let (Some(was), Some(is)) = (&default, now["default"].as_str())
        && was != is
    {
        found.push(drift(DriftSeverity::Breaking, format!("{at}.default"), was, is));
    }
    let most = match field.role {
        Some(FieldRole::References) => models.iter().filter_map(|model| model.references.as_ref()).map(|r| r.max).max(),
        _ => None,
    };
    // Of a least value more is narrower, of a greatest less.
    bound(&format!("{at}.minimum"), field.min, &now["minimum"], |was, is| is > was, found);
    bound(&format!("{at}.maximum"), field.max, &now["maximum"], |was, is| is < was, found);
    bound(&format!("{at}.maxLength"), field.max_length.map(|n| n as f64), &now["maxLength"], |was, is| is < was, found);
    bound(&format!("{at}.maxItems"), most.map(f64::from), &now["maxItems"], |was, is| is < was, found);
}

fn bound(at: &str, was: Option<f64>, now: &Value, narrower: fn(f64, f64) -> bool, found: &mut Vec<Drift>) {
    match (was, now.as_f64()) {
        (Some(was), Some(is)) if narrower(was, is) => found.push(drift(DriftSeverity::Breaking, at, was, is)),
        (Some(was), Some(is)) if was != is => found.push(drift(DriftSeverity::Notice, at, was, is)),
        (None, Some(is)) => found.push(drift(DriftSeverity::Breaking, at, "nothing", is)),
        _ => {}
    }
}

/// The values that a member takes on the documented models.
fn values(field: &FieldFacts, models: &[&ModelFacts]) -> BTreeSet<String> {
    let of = |values: fn(&ModelFacts) -> Vec<String>| models.iter().flat_map(|model| values(model)).collect();
    match field.role {
        Some(FieldRole::Model) => of(|model| vec![model.id.clone()]),
        Some(FieldRole::Quality) => of(|model| model.size.qualities.clone()),
        Some(FieldRole::Size) => of(|model| {
            let auto = model.size.auto.then(|| "auto".to_owned());
            model.size.tiers.iter().chain(&model.size.ratios).cloned().chain(auto).collect()
        }),
        _ => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let of_model = |model: &&ModelFacts| model.values.get(&field.name).unwrap_or(&field.values).clone();
            models.iter().flat_map(of_model).map(|value| text(&value)).collect()
        }
    }
}

/// The values that a schema lists, in itself or in one of its forms.
fn stated_values(schema: &Value) -> BTreeSet<String> {
    let forms = schema["anyOf"].as_array().or(schema["oneOf"].as_array()).into_iter().flatten();
    let lists = forms.chain([schema]).filter_map(|form| form["enum"].as_array());
    lists.flatten().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
}

fn default(facts: &DriftFacts<'_>, field: &FieldFacts, models: &[&ModelFacts]) -> Option<String> {
    match field.role {
        Some(FieldRole::Model) => Some(facts.provider.default_model.clone()),
        Some(FieldRole::Size) => models.first().and_then(|model| model.size.default.clone()),
        _ => field.default.as_ref().and_then(Value::as_str).map(str::to_owned),
    }
}

/// The statuses with their examples, and the response of a success.
fn statuses(facts: &DriftFacts<'_>, file: &Value, responses: &Value, found: &mut Vec<Drift>) {
    let known = |exchange: &&seedream_fixtures::RecordedExchange| {
        exchange.operation == OperationKind::Create && documented(&exchange.source) && exchange.response.is_some()
    };
    let raws: Vec<(u16, Value)> = facts
        .exchanges()
        .filter(known)
        .filter_map(|exchange| exchange.response.as_ref())
        .filter_map(|response| match &response.body {
            RecordedBody::Json(raw) => Some((response.status, serde_json::from_str(raw.get()).ok()?)),
            _ => None,
        })
        .collect();
    let seen: BTreeSet<u16> = raws.iter().map(|(status, _)| *status).collect();
    let now: BTreeSet<u16> = members(responses).filter_map(|(status, _)| status.parse().ok()).collect();
    for gone in seen.difference(&now) {
        found.push(drift(DriftSeverity::Notice, format!("responses.{gone}"), "a status", "nothing"));
    }
    for new in now.difference(&seen) {
        found.push(drift(DriftSeverity::Notice, format!("responses.{new}"), "nothing", "a status"));
    }
    for (status, response) in members(responses) {
        let at = format!("responses.{status}");
        let content = &response["content"]["application/json"];
        let shown: Vec<&Value> =
            raws.iter().filter(|(seen, _)| seen.to_string() == **status).map(|(_, body)| body).collect();
        for (name, example) in members(&content["example"]["error"]) {
            let said: Vec<_> = shown.iter().map(|body| &body["error"][name]).collect();
            if let Some(first) = said.first().filter(|_| !said.contains(&example)) {
                // Adapters go by codes and types; a message is for people.
                let severity = if name == "message" { DriftSeverity::Notice } else { DriftSeverity::Breaking };
                found.push(drift(severity, format!("{at}.error.{name}"), first, example));
            }
        }
        let schema = resolve(file, &content["schema"]);
        shape(facts, file, schema, &shown, &at, "", found);
    }
}

/// The members of some responses against a schema.
fn shape(
    facts: &DriftFacts<'_>,
    file: &Value,
    schema: &Value,
    shown: &[&Value],
    at: &str,
    below: &str,
    found: &mut Vec<Drift>,
) {
    for (name, value) in shown.iter().flat_map(|body| members(body)) {
        let (at, property) = (format!("{at}.{name}"), &schema["properties"][name]);
        if property.is_null() {
            found.push(drift(DriftSeverity::Breaking, at, "a member", "nothing"));
            continue;
        }
        let property = resolve(file, property);
        let (was, is) = (type_of(value), property["type"].as_str().unwrap_or("anything"));
        if is != "anything" && was != is && !(was == "integer" && is == "number") {
            found.push(drift(DriftSeverity::Breaking, format!("{at}.type"), was, is));
        }
    }
    for (name, property) in members(&schema["properties"]) {
        let (at, dotted) = (format!("{at}.{name}"), format!("{below}{name}"));
        let inside: Vec<&Value> = shown.iter().filter_map(|body| body.get(name)).collect();
        if inside.is_empty() && !shown.is_empty() {
            found.push(drift(DriftSeverity::Notice, at, "nothing", "a member"));
            continue;
        }
        let property = resolve(file, property);
        let (said, stated) = (facts.provider.response_values.get(&dotted), stated_values(property));
        let said: BTreeSet<String> = said.into_iter().flatten().cloned().collect();
        for gone in said.difference(&stated) {
            found.push(drift(DriftSeverity::Notice, format!("{at}.enum"), gone, "nothing"));
        }
        // An adapter may read an unknown value as something else.
        for new in stated.difference(&said) {
            found.push(drift(DriftSeverity::Breaking, format!("{at}.enum"), "nothing", new));
        }
        shape(facts, file, property, &inside, &at, &format!("{dotted}."), found);
    }
}

/// What a reference to another place of the file stands for.
fn resolve<'a>(file: &'a Value, schema: &'a Value) -> &'a Value {
    let there = schema["$ref"].as_str().and_then(|at| at.strip_prefix('#'));
    there.and_then(|pointer| file.pointer(pointer)).unwrap_or(schema)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn texts(list: &Value, name: &'static str) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().filter_map(move |item| item[name].as_str()).map(str::to_owned)
}
