//! Changing any leaf of a documented success changes what is read from it, or the provider's data lists the leaf as unread, with a
//! reason. An entry of that list that nothing needs is a failure too.

use std::collections::BTreeSet;

use seedream_core::{Dialect, sse};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange, RecordedResponse, UnreadMember};
use serde_json::Value;

use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    fixture::decoded_response::DecodedResponse,
    fixture::json_leaves::{another, leaves, with},
    harness::difference::Differences,
};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let listed = || subject.provider().map_or(&[][..], |provider| &provider.unread);
    let successes: Vec<_> = subject.exchanges().filter(|case| is_success(case)).collect();
    let of = |case: &'static RecordedExchange| {
        let (dialect, listed) = (subject.dialect().clone(), listed());
        Case::of(Law::NothingUnread, subject, case, move || check(&*dialect, case, listed))
    };
    let mut cases: Vec<Case> = successes.iter().copied().map(of).collect();
    if !listed().is_empty() {
        let (dialect, listed, id) = (subject.dialect().clone(), listed(), format!("{}/unread", subject.id()));
        cases.push(Case::new(Law::NothingUnread, id, None, move || needed(&*dialect, &successes, listed)));
    }
    cases
}

fn is_success(case: &RecordedExchange) -> bool {
    let read = matches!(case.operation, OperationKind::Create | OperationKind::Poll | OperationKind::Models);
    let success = case.response.as_ref().is_some_and(|response| (200..300).contains(&response.status));
    read && success && case.expect.as_ref().is_some_and(|expect| expect.error.is_none())
}

fn check(dialect: &dyn Dialect, case: &RecordedExchange, listed: &[UnreadMember]) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for leaf in unread(dialect, case)? {
        let known = listed.iter().any(|entry| entry.area == case.area() && fits(&entry.at, &leaf));
        d.holds(known, || format!("{leaf}: another value changes nothing of what is read, and no list says so"));
    }
    d.into_result()
}

/// Whether every entry of the list is about a leaf that is unread somewhere.
fn needed(
    dialect: &dyn Dialect,
    cases: &[&'static RecordedExchange],
    listed: &[UnreadMember],
) -> Result<(), CaseFailure> {
    let mut found = Vec::new();
    for case in cases {
        found.extend(unread(dialect, case)?.into_iter().map(|leaf| (case.area(), leaf)));
    }
    let mut d = Differences::default();
    for entry in listed {
        let needed = found.iter().any(|(area, leaf)| entry.area == *area && fits(&entry.at, leaf));
        d.holds(needed, || format!("`unread` lists {} of {}, and no response has it unread", entry.at, entry.area));
    }
    d.into_result()
}

/// Whether a pattern fits a pointer: `*` stands for one part.
pub(crate) fn fits(pattern: &str, pointer: &str) -> bool {
    let (mut pattern, mut pointer) = (pattern.split('/'), pointer.split('/'));
    loop {
        match (pattern.next(), pointer.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

/// The leaves of a response that can change without a change of what is read.
pub(crate) fn unread(dialect: &dyn Dialect, case: &RecordedExchange) -> Result<Vec<String>, CaseFailure> {
    let Some(recorded) = &case.response else { return Ok(Vec::new()) };
    let read = |body: String| -> Result<Value, CaseFailure> {
        let response = convert_exchange::response_with(recorded, body)?;
        Ok(DecodedResponse::read(dialect, case, &response)?.map(|seen| seen.value()).unwrap_or_default())
    };
    let parts = parts(recorded);
    let whole = read(join(&parts, recorded))?;
    let values: Vec<Value> = parts.iter().map(|part| serde_json::from_str(&part.data).unwrap_or_default()).collect();
    let pointers: BTreeSet<String> = values.iter().flat_map(leaves).filter(|at| !at.is_empty()).collect();
    let mut unread = Vec::new();
    for at in pointers {
        // A stream says the same in many events, and the last one counts: it changes in all of them.
        let mut changed = parts.clone();
        for (part, value) in changed.iter_mut().zip(&values).filter(|(_, value)| value.pointer(&at).is_some()) {
            part.data = with(value, &at, another).to_string();
        }
        if read(join(&changed, recorded))? == whole {
            unread.push(at);
        }
    }
    Ok(unread)
}

/// The JSON values of a response: one, or one an event.
fn parts(response: &RecordedResponse) -> Vec<sse::Frame> {
    match &response.body {
        RecordedBody::Json(raw) => vec![sse::Frame { event: None, data: raw.get().to_owned() }],
        RecordedBody::Sse(text) => {
            let mut parser = sse::Parser::new();
            parser.feed(text.as_bytes()).into_iter().chain(parser.finish()).collect()
        }
        RecordedBody::Text(_) | RecordedBody::Base64(_) => Vec::new(),
    }
}

fn join(parts: &[sse::Frame], response: &RecordedResponse) -> String {
    if !matches!(response.body, RecordedBody::Sse(_)) {
        return parts.iter().map(|part| part.data.as_str()).collect();
    }
    parts.iter().map(text_of).collect()
}

/// An event as it is written.
fn text_of(frame: &sse::Frame) -> String {
    let name = frame.event.as_ref().map(|name| format!("event: {name}\n")).unwrap_or_default();
    let data: String = frame.data.lines().map(|line| format!("data: {line}\n")).collect();
    format!("{name}{data}\n")
}
