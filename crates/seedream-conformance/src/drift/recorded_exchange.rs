//! Fixtures against a recorded exchange.

use std::collections::{BTreeMap, BTreeSet};

use seedream_core::sse;
use seedream_fixtures::{EvidenceKind, RecordedBody, RecordedExchange, RecordedResponse};
use serde_json::Value;

use super::{
    difference::{Drift, DriftSeverity, drift, type_of},
    fixture_facts::DriftFacts,
};

/// The types that each member has been seen with, by its place; `*` is any item of a list.
type MemberTypes = BTreeMap<String, BTreeSet<&'static str>>;

pub(super) fn compare<'a>(facts: &DriftFacts<'a>, recorded: &RecordedExchange) -> Result<Vec<Drift>, String> {
    let raw = recorded.response.as_ref().ok_or("the recording has no response")?;
    let same = |exchange: &&RecordedExchange| exchange.operation == recorded.operation;
    let judged = |exchange: &'a RecordedExchange| {
        Some((exchange.source.kind != EvidenceKind::Derived, exchange.response.as_ref()?))
    };
    let raws: Vec<(bool, &RecordedResponse)> = facts.exchanges().filter(same).filter_map(judged).collect();
    let known: Vec<_> = raws.iter().copied().filter(|(_, known)| known.status == raw.status).collect();
    if known.is_empty() {
        let statuses: BTreeSet<_> = raws.iter().map(|(_, known)| known.status.to_string()).collect();
        let statuses = statuses.into_iter().collect::<Vec<_>>().join(", ");
        return Ok(vec![drift(DriftSeverity::Notice, "status", statuses, raw.status)]);
    }
    let Some(now) = members(raw) else {
        let json = known.iter().any(|(_, known)| matches!(known.body, RecordedBody::Json(_)));
        let found = json.then(|| drift(DriftSeverity::Breaking, "body", "JSON", raw.body.content_type()));
        return Ok(found.into_iter().collect());
    };
    // A stream is compared with streams.
    let is_stream = |response: &RecordedResponse| matches!(response.body, RecordedBody::Sse(_));
    let known: Vec<_> = known.into_iter().filter(|(_, known)| is_stream(known) == is_stream(raw)).collect();
    let all: Vec<MemberTypes> = known.iter().filter_map(|(_, known)| members(known)).collect();
    // A derived fact proves no drift.
    let sure: Vec<MemberTypes> =
        known.iter().filter(|(sure, _)| *sure).filter_map(|(_, known)| members(known)).collect();
    let before = |all: &[MemberTypes], at: &str| -> BTreeSet<_> {
        all.iter().filter_map(|known| known.get(at)).flatten().copied().collect()
    };
    let mut found = Vec::new();
    for (at, types) in &now {
        let surely = before(&sure, at);
        if before(&all, at).is_empty() {
            found.push(drift(DriftSeverity::Notice, at, "nothing", words(types)));
        } else if !surely.is_empty() && !types.is_subset(&surely) {
            found.push(drift(DriftSeverity::Breaking, at, words(&surely), words(types)));
        }
    }
    let mut always = sure.iter();
    let first = always.next().cloned().unwrap_or_default();
    for (at, types) in first.iter().filter(|(at, _)| always.clone().all(|known| known.contains_key(*at))) {
        if !now.contains_key(at) {
            found.push(drift(DriftSeverity::Breaking, at, words(types), "nothing"));
        }
    }
    Ok(found)
}

fn words(types: &BTreeSet<&'static str>) -> String {
    types.iter().copied().collect::<Vec<_>>().join(" or ")
}

/// The members of a response, or of all events of one; `None` where it is no JSON.
fn members(response: &RecordedResponse) -> Option<MemberTypes> {
    let mut members = MemberTypes::new();
    match &response.body {
        RecordedBody::Json(raw) => collect("body", &serde_json::from_str(raw.get()).ok()?, &mut members),
        RecordedBody::Sse(text) => {
            let mut parser = sse::Parser::new();
            let frames = parser.feed(text.as_bytes()).into_iter().chain(parser.finish());
            let values = frames.filter_map(|frame| serde_json::from_str::<Value>(&frame.data).ok());
            values.for_each(|value| collect("event", &value, &mut members));
        }
        RecordedBody::Text(_) | RecordedBody::Base64(_) => return None,
    }
    Some(members)
}

fn collect(at: &str, value: &Value, members: &mut MemberTypes) {
    members.entry(at.to_owned()).or_default().insert(type_of(value));
    match value {
        Value::Object(all) => all.iter().for_each(|(name, value)| collect(&format!("{at}.{name}"), value, members)),
        Value::Array(items) => items.iter().for_each(|value| collect(&format!("{at}.*"), value, members)),
        _ => {}
    }
}
