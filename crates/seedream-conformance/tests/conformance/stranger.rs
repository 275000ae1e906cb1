//! An adapter of another provider, with few exchanges: asynchronous, sizes are ratios only, tiers in lower case, no estimate at acceptance.
//! As it is it holds every law; each mistake is found by a law, whatever exchanges there are.

mod shop_adapter;

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::date;
use seedream_conformance::{ConformanceRun, Law, MutantMatrix, Report, RuleTrace, Subject, report::CaseStatus};
use shop_adapter::{Mistake, Shop, facts};

fn run(mistake: Mistake, filter: Option<&str>, edit: impl Fn(&mut serde_json::Value)) -> Report {
    let facts = facts(edit).unwrap_or_else(|faults| panic!("{faults:?}"));
    let subject = Subject::with_facts(Arc::new(Shop(mistake)), Box::leak(Box::new(Arc::new(facts))));
    let mut run = ConformanceRun::everything(date(2026, 11, 29));
    run.filter = filter.map(|filter| filter.parse().unwrap());
    run.over(&[subject.with_cuts(8)])
}

/// The laws that fail, each with a line of what it says.
fn failed(report: &Report) -> Vec<(Law, String)> {
    let failed = report.cases.iter().filter(|case| matches!(case.status, CaseStatus::Fail | CaseStatus::HarnessError));
    failed.map(|case| (case.law, format!("{}: {}", case.name, case.differences.join("; ")))).collect()
}

#[test]
fn an_honest_adapter_holds_every_law() {
    let report = run(Mistake::None, None, |_| ());
    assert_eq!(failed(&report), []);
    // What it cannot be asked is counted, with the reason.
    let passed_over: Vec<_> = report.cases.iter().filter(|case| case.status == CaseStatus::Skip).collect();
    let names: BTreeSet<_> = passed_over.iter().map(|case| case.name.as_str()).collect();
    assert!(names.is_superset(&["parity/shop/pixels", "parity/shop/wide", "parity/shop/tier"].into()), "{names:?}");
    assert!(report.to_table().contains("skip   3: the document has no such size, and the adapter refuses it"));
}

#[test]
fn every_mistake_is_found_with_few_exchanges() {
    for (mistake, law, says) in [
        (Mistake::UpperCaseTier, Law::Parity, "parity/shop/ratio-tier"),
        (
            Mistake::ShortPath,
            Law::Encode,
            "path below the base URL: expected \"/images/generations\", saw \"/generations\"",
        ),
        (Mistake::PollsJobs, Law::Encode, "expected \"/tasks/task-unified-1757165031-seedream4d\", saw \"/jobs/"),
        (Mistake::InventsEstimate, Law::Tasks, "reads an estimate of 60 s, which the response does not state"),
        (Mistake::LongEstimate, Law::Tasks, "for the estimate of 600 s that the adapter read"),
        (Mistake::WrongDefault, Law::Claims, "default of n: expected 1, saw 2"),
        (Mistake::NoKeyVariable, Law::Claims, "no environment variable of the key"),
        (Mistake::StrictUnknown, Law::Claims, "claims/shop/unknown-model: doubao-seedream-4.5 accepts 15 images"),
        (Mistake::NoMessage, Law::Decode, "the words of the response are not in the error"),
        (Mistake::NoRaw, Law::Decode, "raw: the body of the response is not kept"),
        (Mistake::NoRequestId, Law::Decode, "request_id of the header x-request-id"),
        (Mistake::OneSeed, Law::NothingDropped, "seed is not what `seed` says: expected 7, saw 1"),
        (Mistake::OneRatio, Law::NothingDropped, "size is sent alike with two values"),
    ] {
        let failed = failed(&run(mistake, Some(law.as_str()), |_| ()));
        assert!(failed.iter().any(|(of, line)| *of == law && line.contains(says)), "{mistake:?}: {failed:#?}");
    }
}

#[test]
fn the_query_of_a_poll_is_compared() {
    let with_query = |provider: &mut serde_json::Value| {
        provider["routes"][1]["path"] = "/v1/tasks/{id}?language=en".into();
    };
    let of_path = |mistake| {
        let failed = failed(&run(mistake, Some("encode"), with_query));
        failed.into_iter().map(|(_, line)| line).collect::<Vec<_>>()
    };
    assert_eq!(of_path(Mistake::AddsQuery), [""; 0]);
    let lost = of_path(Mistake::None);
    assert!(lost.iter().all(|line| line.contains("?language=en\", saw \"/tasks/")) && lost.len() == 4, "{lost:?}");
}

#[test]
fn facts_that_claim_what_no_exchange_shows_cannot_be_used() {
    let claims = facts(|provider| {
        provider["fields"].as_array_mut().unwrap().push(serde_json::json!({
            "name": "watermark", "type": ["boolean"], "role": "watermark",
            "source": {"document": "002", "lines": "1", "kind": "documented"},
        }));
    });
    let faults = Subject::with_own_facts(Arc::new(Shop(Mistake::None)), claims.unwrap()).unwrap_err();
    assert!(faults.contains("shop: no exchange shows the member watermark"), "{faults}");
    assert!(faults.contains("shop: no exchange shows the error 402 insufficient_quota"), "{faults}");
}

#[test]
fn a_file_that_does_not_parse_is_the_only_fault() {
    let faults = facts(|provider| provider["defualt_model"] = "m".into()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("provider.json") && faults[0].contains("defualt_model"), "{faults:?}");
}

#[test]
fn rules_and_mutants_of_one_adapter_are_judged_by_its_own_facts() {
    let facts = Box::leak(Box::new(Arc::new(facts(|_| ()).unwrap())));
    let subject = Subject::with_facts(Arc::new(Shop(Mistake::None)), facts).with_cuts(8);
    let table = RuleTrace::of(std::slice::from_ref(&subject)).to_table();
    assert!(table.contains("shop/generate/minimal (encode"), "{table}");
    std::panic::set_hook(Box::new(|_| ()));
    let names = ["no-key-variable", "forgets-raw", "forgets-estimates-of-polls", "retries-4xx"];
    let laws = ["claims/", "decode/", "encode/", "nothing_unread/"];
    let matrix = MutantMatrix::of_adapter(&subject, |mutant, case| {
        names.contains(&mutant) && (case.is_empty() || laws.iter().any(|law| case.starts_with(law)))
    });
    drop(std::panic::take_hook());
    let table = matrix.to_table();
    assert!(!table.contains("retries-4xx"), "the client is no part of it: {table}");
    let of = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(of("forgets-estimates-of-polls").ends_with("does not apply: it changes nothing here"), "{table}");
    assert!(of("no-key-variable ").ends_with("claims/shop/provider"), "{table}");
    assert_eq!(matrix.faults(), [""; 0], "{table}");
}
