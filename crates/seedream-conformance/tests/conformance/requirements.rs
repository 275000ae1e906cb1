//! How many cases there are, and must be.

use std::collections::BTreeMap;

use seedream_conformance::{Subject, cases};
use serde_json::{Value, json};

/// Adding or losing a case is a visible change: write the counts that are printed here into `src/requirements.json`.
#[test]
fn the_requirements_are_what_there_is() {
    let mut counts: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for subject in seedream::dialects().into_iter().map(Subject::new) {
        let of = counts.entry(subject.id().to_owned()).or_default();
        for case in cases(&subject).iter().filter(|case| case.skip().is_none()) {
            *of.entry(case.law().as_str()).or_default() += 1;
        }
    }
    let wanted: Value = serde_json::from_str(include_str!("../../src/requirements.json")).unwrap();
    assert_eq!(wanted["cases"], json!(counts), "there are: {}", json!(counts));
}

/// Names tell cases apart: a filter, a known failure and a report mean one case by one name.
#[test]
fn no_two_cases_have_one_name() {
    let mut names: Vec<_> =
        seedream::dialects().into_iter().map(Subject::new).flat_map(|s| cases(&s)).map(|c| c.name()).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}
