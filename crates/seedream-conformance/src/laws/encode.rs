//! A request encodes to the documented one, without an undocumented member.

use seedream_core::{Dialect, Strictness};
use seedream_fixtures::{ExpectedPreflight, ProviderFacts, RecordedExchange};
use serde_json::Value;

use crate::{Case, CaseFailure, Law, Subject, fixture::exchange, harness::difference::Differences};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let of = |case: &'static RecordedExchange| {
        let (dialect, provider) = (subject.dialect().clone(), subject.provider());
        Case::of(Law::Encode, subject, case, move || check(&*dialect, provider, case))
    };
    subject.exchanges().filter(|case| is_sent(case)).map(of).collect()
}

/// Whether a fixture shows both a request of ours and its form on the wire.
fn is_sent(case: &RecordedExchange) -> bool {
    let has_body = case.request.as_ref().is_some_and(|request| request.json.is_some());
    case.given.is_some() && has_body && case.preflight != Some(ExpectedPreflight::Refused)
}

fn check(dialect: &dyn Dialect, provider: Option<&ProviderFacts>, case: &RecordedExchange) -> Result<(), CaseFailure> {
    let Some(request) = exchange::given(case).transpose()? else {
        return Err(CaseFailure::harness("the fixture has no `given`"));
    };
    let Some(wire) = &case.request else { return Err(CaseFailure::harness("the fixture has no request")) };
    let checked = dialect
        .capabilities(&request.model)
        .check(&request, Strictness::Strict)
        .map_err(|error| CaseFailure::new(format!("is refused: {error}")))?;
    let encoded = dialect.encode(&checked).map_err(|error| CaseFailure::new(format!("cannot be encoded: {error}")))?;

    let mut d = Differences::default();
    d.same("method", &wire.method.as_str(), &encoded.method().as_str());
    let body: Value = serde_json::from_slice(encoded.body()).unwrap_or_default();
    d.json("body", &wire.json_value().unwrap_or_default(), &body);
    if let Some(provider) = provider {
        let path = encoded.uri().to_string();
        d.holds(wire.path.ends_with(&path), || format!("path: expected {}, saw {path} below the base URL", wire.path));
        for member in undocumented(provider, &body) {
            let named = request.extra.contains_key(&member);
            d.holds(named, || format!("body.{member}: the document knows no such member"));
        }
    }
    d.into_result()
}

/// The members of a body that the document does not know.
fn undocumented(provider: &ProviderFacts, body: &Value) -> Vec<String> {
    let Some(members) = body.as_object() else { return Vec::new() };
    let known =
        |name: &String| provider.fields.iter().any(|field| field.name == *name) || provider.ignored.contains(name);
    members.keys().filter(|name| !known(name)).cloned().collect()
}
