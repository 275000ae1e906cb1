//! A documented answer is read as it is meant.

use seedream_core::{Dialect, Strictness};
use seedream_fixtures::Exchange;
use serde_json::Value;

use crate::{Case, Failure, Law, Subject, difference::Differences, exchange, seen::Seen};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let of = |case: &'static Exchange| {
        let dialect = subject.dialect().clone();
        Case::of(Law::Decode, subject, case, move || check(&*dialect, case))
    };
    subject.exchanges().filter(|case| is_read(case)).map(of).collect()
}

/// Whether a fixture says how its answer, or what is made of its request, is to be read.
fn is_read(case: &Exchange) -> bool {
    use seedream_fixtures::Operation::{Callback, Credits};
    let answered = case.response.is_some() && !matches!(case.operation, Callback | Credits);
    case.expect.as_ref().is_some_and(|expect| answered || expect.effective.is_some())
}

fn check(dialect: &dyn Dialect, case: &Exchange) -> Result<(), Failure> {
    let Some(expect) = &case.expect else { return Err(Failure::new("the fixture expects nothing")) };
    if let Some(effective) = &expect.effective {
        same_effective(dialect, case, effective)?;
    }
    match Seen::of(dialect, case)? {
        Some(seen) => seen.compare(expect),
        None => Ok(()),
    }
}

/// What the provider makes of the request; only what is named counts.
fn same_effective(dialect: &dyn Dialect, case: &Exchange, expected: &Value) -> Result<(), Failure> {
    let Some(request) = exchange::given(case).transpose()? else {
        return Err(Failure::new("the fixture has no `given`"));
    };
    let rules = dialect.capabilities(&request.model);
    let checked = rules.check(&request, Strictness::Lenient).map_err(|error| Failure::new(error.to_string()))?;
    let seen = dialect.effective(&checked).body;
    let mut d = Differences::default();
    for (name, value) in expected.as_object().into_iter().flatten() {
        d.json(&format!("effective/{name}"), value, seen.get(name).unwrap_or(&Value::Null));
    }
    d.into_result()
}
