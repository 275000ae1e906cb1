//! A documented response is read as it is meant, and what every response says is kept: its body, its words, the id of its request.

mod kept_response;

use std::collections::BTreeMap;

use seedream_core::{Dialect, Encoded, Strictness};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange, RecordedResponse};
use serde_json::Value;

use crate::{
    Case, CaseFailure, Law, Subject, fixture::convert_exchange, fixture::decoded_response::DecodedResponse,
    harness::difference::Differences,
};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let of = |case: &'static RecordedExchange| {
        let dialect = subject.dialect().clone();
        Case::of(Law::Decode, subject, case, move || check(&*dialect, case))
    };
    let mut cases: Vec<Case> = subject.exchanges().filter(|case| is_read(case)).map(of).collect();
    let (judged, id) = (subject.clone(), format!("{}/request-id", subject.id()));
    cases.push(Case::new(Law::Decode, id, None, move || kept_response::request_ids(&judged)));
    cases
}

/// Whether a fixture says how its response, or what is made of its request, is to be read.
fn is_read(case: &RecordedExchange) -> bool {
    let has_response = case.response.is_some() && case.operation != OperationKind::Credits;
    case.expect.as_ref().is_some_and(|expect| has_response || expect.effective.is_some())
}

fn check(dialect: &dyn Dialect, case: &RecordedExchange) -> Result<(), CaseFailure> {
    let Some(expect) = &case.expect else { return Err(CaseFailure::harness("the fixture expects nothing")) };
    if let Some(effective) = &expect.effective {
        same_effective(dialect, case, effective)?;
    }
    let called = (case.operation == OperationKind::Callback).then(|| as_polled(case));
    let case = called.as_ref().unwrap_or(case);
    match (DecodedResponse::of(dialect, case)?, &case.expect) {
        (Some(seen), Some(expect)) => {
            let mut d = Differences::default();
            d.add(seen.compare(expect));
            kept_response::body(&mut d, case, &seen)?;
            kept_response::message(&mut d, dialect, case)?;
            d.into_result()
        }
        _ => Ok(()),
    }
}

/// What a provider calls back with, as the response to a poll: the body is the same (docs.evolink.ai, callback_url).
fn as_polled(callback: &RecordedExchange) -> RecordedExchange {
    let mut poll = callback.clone();
    poll.operation = OperationKind::Poll;
    let body = callback.request.as_ref().and_then(|request| request.json.clone()).map(RecordedBody::Json);
    poll.response = body.map(|body| RecordedResponse { status: 200, headers: BTreeMap::new(), body });
    // A poll states no id: the client knows it.
    poll.expect.iter_mut().for_each(|expect| expect.task = None);
    poll
}

/// What the provider makes of the request; only what is named counts.
fn same_effective(dialect: &dyn Dialect, case: &RecordedExchange, expected: &Value) -> Result<(), CaseFailure> {
    let Some(request) = convert_exchange::given(case).transpose()? else {
        return Err(CaseFailure::harness("the fixture has no `given`"));
    };
    let rules = dialect.capabilities(&request.model);
    let checked = rules.check(&request, Strictness::Lenient).map_err(|error| CaseFailure::new(error.to_string()))?;
    let prepared = Encoded::new(dialect, checked).map_err(|error| CaseFailure::new(error.to_string()))?;
    let seen = prepared.effective(dialect).body;
    let mut d = Differences::default();
    for (name, value) in expected.as_object().into_iter().flatten() {
        d.json(&format!("effective/{name}"), value, seen.get(name).unwrap_or(&Value::Null));
    }
    d.into_result()
}
