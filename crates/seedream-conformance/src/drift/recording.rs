//! A recorded exchange against the documents and against the adapter: with which of them it agrees.

use std::collections::BTreeSet;

use seedream_core::{Dialect, Error, Generation};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};

use super::difference::{Drift, DriftSeverity, drift};
use super::fixture_facts::DriftFacts;
use super::recorded_exchange;
use crate::{
    fixture::decoded_response::DecodedResponse,
    laws::unread::{fits, unread},
};

/// How a recorded exchange differs from the documents, and from what the adapter makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedDrift {
    /// The id of the exchange.
    pub id: String,
    /// What the documents say otherwise.
    pub document: Vec<Drift>,
    /// What the adapter does not read, or reads otherwise; in words, without values.
    pub adapter: Vec<String>,
}

pub(super) fn compare(facts: &DriftFacts<'_>, dialect: &dyn Dialect, recorded: &RecordedExchange) -> RecordedDrift {
    let document = match (&recorded.response, recorded.operation) {
        (None, _) => Vec::new(),
        (Some(_), OperationKind::Other) => {
            let path = recorded.request.as_ref().map(|request| format!("{} {}", request.method, request.path));
            vec![drift(DriftSeverity::Notice, "route", "nothing", path.unwrap_or_default())]
        }
        (Some(_), _) => recorded_exchange::compare(facts, recorded).unwrap_or_default(),
    };
    RecordedDrift { id: recorded.id().to_owned(), document, adapter: adapter(facts, dialect, recorded) }
}

/// What the adapter makes of a response, where it differs from what the recording shows.
fn adapter(facts: &DriftFacts<'_>, dialect: &dyn Dialect, recorded: &RecordedExchange) -> Vec<String> {
    let Some(response) = &recorded.response else { return Vec::new() };
    let decoded = match DecodedResponse::of(dialect, recorded) {
        Ok(Some(decoded)) => decoded,
        Ok(None) => return Vec::new(),
        Err(failure) => return failure.lines().to_vec(),
    };
    let is_success = (200..300).contains(&response.status);
    let mut found = Vec::new();
    match &decoded {
        DecodedResponse::Error(error) if is_success => {
            found.push(format!("the response is a success, the adapter reads an error: {}", error.kind()));
        }
        DecodedResponse::Error(_) => {}
        _ if !is_success => {
            found.push(format!("the response has the status {}, the adapter reads a success", response.status));
        }
        _ => {}
    }
    let generation = match &decoded {
        DecodedResponse::Generation(generation) => Some(&**generation),
        DecodedResponse::Error(error) => Error::generation(error),
        _ => None,
    };
    let (named, read) = (images(recorded), generation.map_or(0, delivered));
    if read < named {
        found.push(format!("the response names {named} images, the adapter reads {read}"));
    }
    if is_success && found.is_empty() {
        let listed = &facts.provider.unread;
        let known = |leaf: &String| listed.iter().any(|entry| fits(&entry.at, leaf));
        // A response that no law could judge has no leaves.
        let leaves = unread(dialect, recorded).unwrap_or_default();
        found.extend(leaves.iter().filter(|leaf| !known(leaf)).map(|leaf| format!("{leaf} is not read")));
    }
    found
}

fn delivered(generation: &Generation) -> usize {
    generation.outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

/// How many different images a response names or holds.
fn images(recorded: &RecordedExchange) -> usize {
    let urls = recorded.wire.iter().flat_map(|wire| &wire.images).map(|image| &image.url);
    let urls: BTreeSet<&String> = urls.collect();
    let inline = match recorded.response.as_ref().map(|response| &response.body) {
        Some(RecordedBody::Json(raw)) => raw.get().matches("\"b64_json\"").count(),
        Some(RecordedBody::Sse(text)) => text.matches("\"b64_json\"").count(),
        _ => 0,
    };
    urls.len() + inline
}
