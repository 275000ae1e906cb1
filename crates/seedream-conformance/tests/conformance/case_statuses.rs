//! How cases end, and what the run ends with.

use std::{fs, sync::Arc};

use bytes::Bytes;
use jiff::civil::date;
use seedream::adapters::Gogogotoken;
use seedream::seedream_core::{Capabilities, Checked, Descriptor, Dialect, Effective, Response};
use seedream::{ModelId, Result};
use seedream_conformance::{ConformanceRun, KnownFailures, Law, Report, Requirements, Subject, report::CaseStatus};
use seedream_core::Decoded;
use serde_json::{Map, Value};

/// An adapter that has gone wrong in one way.
#[derive(Debug)]
struct DefectiveAdapter(Defect);

#[derive(Debug, PartialEq)]
enum Defect {
    /// It is right.
    None,
    /// It sends a member that no document knows.
    Undocumented,
    /// It panics at every response.
    Panics,
}

impl Dialect for DefectiveAdapter {
    fn descriptor(&self) -> &'static Descriptor {
        Gogogotoken.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        Gogogotoken.capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        let mut encoded = Gogogotoken.encode(request)?;
        if self.0 == Defect::Undocumented {
            let body = String::from_utf8_lossy(encoded.body()).replacen('{', r#"{"hd":true,"#, 1);
            *encoded.body_mut() = body.into();
        }
        Ok(encoded)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        assert!(self.0 != Defect::Panics, "no idea what this is");
        Gogogotoken.decode(request, response)
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        Gogogotoken.effective(request, members)
    }
}

fn run(filter: &str) -> ConformanceRun {
    let mut run = ConformanceRun::everything(date(2026, 11, 25));
    run.filter = Some(filter.parse().unwrap());
    run
}

fn over(run: &ConformanceRun, fault: Defect) -> Report {
    run.over(&[Subject::new(Arc::new(DefectiveAdapter(fault)))])
}

fn known(until: &str) -> KnownFailures {
    let list = format!(r#"[{{"case": "encode/gogogotoken/**", "reason": "being mended", "until": "{until}"}}]"#);
    KnownFailures::from_json(&list).unwrap()
}

#[test]
fn a_failure_ends_with_1_and_says_what_differs() {
    let right = over(&run("encode"), Defect::None);
    assert_eq!((right.exit_code(), right.count(CaseStatus::Fail)), (0, 0));
    let wrong = over(&run("encode"), Defect::Undocumented);
    assert_eq!((wrong.exit_code(), wrong.count(CaseStatus::Pass)), (1, 0));
    let table = wrong.to_table();
    for said in ["FAIL encode/gogogotoken/", "body.hd: the document knows no such member", "curl -X POST", "again "] {
        assert!(table.contains(said), "{said}: {table}");
    }
}

#[test]
fn a_panic_is_a_failure_of_its_case_alone() {
    let report = over(&run("decode"), Defect::Panics);
    assert_eq!((report.exit_code(), report.count(CaseStatus::HarnessError)), (1, 0));
    assert!(
        report.cases.iter().any(|entry| entry.differences[..].iter().any(|line| line.contains("no idea what this is")))
    );
}

#[test]
fn a_known_failure_gates_nothing_until_its_day() {
    let mut run = run("encode");
    run.known = known("2026-11-25");
    let report = over(&run, Defect::Undocumented);
    assert_eq!((report.exit_code(), report.count(CaseStatus::Fail)), (0, 0));
    assert!(report.count(CaseStatus::KnownFailing) > 0);
    let mended = over(&run, Defect::None);
    assert_eq!((mended.exit_code(), mended.count(CaseStatus::Pass)), (1, 0));
    assert!(mended.count(CaseStatus::Stale) > 0);
    run.known = known("2026-11-24");
    assert_eq!(over(&run, Defect::Undocumented).exit_code(), 1);
}

#[test]
fn a_law_without_facts_is_skipped_with_the_reason_and_counts_as_nothing() {
    let report = over(&run("tasks"), Defect::None);
    let [skipped] = &report.cases.iter().filter(|entry| entry.law == Law::Tasks).collect::<Vec<_>>()[..] else {
        panic!("one case is skipped")
    };
    assert_eq!(skipped.status, CaseStatus::Skip);
    assert!(skipped.reason.as_deref().unwrap().contains("knows no tasks"));
    assert!(report.to_junit().contains("<skipped message="), "{}", report.to_junit());
    // Nothing ran, which is no success.
    assert_eq!(report.exit_code(), 4);
}

#[test]
fn fewer_cases_than_wanted_end_with_4() {
    let mut run = ConformanceRun::everything(date(2026, 11, 25));
    let wants = r#"{"set": "a test", "cases": {"gogogotoken": {"tasks": 1, "encode": 1}}}"#;
    run.requirements = Requirements::from_json(wants).unwrap();
    let report = over(&run, Defect::None);
    assert_eq!(report.exit_code(), 4, "{:?}", report.faults);
    assert!(report.to_table().contains("tasks/gogogotoken: 0 cases ran"), "a skip is no case that ran");
}

/// Facts of gogogotoken with one exchange besides.
fn with(case: &str) -> Subject {
    let below = tempfile::tempdir().unwrap();
    let folder = below.path().join("gogogotoken/generate");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("one.json"), case).unwrap();
    let library = seedream_fixtures::load_dir(below.path()).unwrap();
    Subject::with_facts(Arc::new(DefectiveAdapter(Defect::None)), Box::leak(Box::new(Arc::new(library))))
}

const RESPONSE: &str =
    r#""response": {"status": 200, "json": {"created": 1, "data": [{"url": "https://a.example/a.png"}]}}"#;

#[test]
fn a_file_that_is_added_is_a_case_that_is_added() {
    let case = format!(r#"{{"source": {{"kind": "derived"}}, {RESPONSE}, "expect": {{"images": [{{"index": 0}}]}}}}"#);
    let report = run("**/generate/one").over(&[with(&case)]);
    let ran = report.cases.iter().filter(|entry| entry.status == CaseStatus::Pass).map(|entry| entry.name.as_str());
    let one = "gogogotoken/generate/one";
    let expected = [format!("crooked/{one}/cut")].into_iter();
    let expected = expected.chain(["decode", "money", "nothing_unread", "weather"].map(|law| format!("{law}/{one}")));
    assert_eq!(ran.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{}", report.to_table());
}

#[test]
fn a_case_that_cannot_be_judged_ends_with_3() {
    let case = format!(
        r#"{{"source": {{"kind": "derived"}}, "given": {{"nonsense": 1}}, {RESPONSE}, "expect": {{"images": [{{"index": 0}}]}}}}"#
    );
    let report = run("decode/**/one").over(&[with(&case)]);
    assert_eq!((report.exit_code(), report.count(CaseStatus::HarnessError)), (3, 1));
    assert!(report.to_table().contains("HARNESS-ERROR decode/gogogotoken/generate/one"));
}

#[test]
fn our_own_conclusions_gate_nothing() {
    let expects =
        |kind: &str| format!(r#"{{"source": {{{kind}}}, {RESPONSE}, "expect": {{"images": [{{"index": 7}}]}}}}"#);
    let ends = |kind: &str| {
        let report = run("decode/**/one").over(&[with(&expects(kind))]);
        (report.exit_code(), report.count(CaseStatus::Fail))
    };
    assert_eq!(ends(r#""kind": "derived""#), (0, 1));
    assert_eq!(ends(r#""kind": "published", "url": "https://a.example/""#), (1, 1));
    assert_eq!(ends(r#""kind": "documented", "document": "000", "lines": "1""#), (1, 1));
}

#[test]
fn the_same_run_gives_the_same_report() {
    let report = || over(&run("*/gogogotoken"), Defect::Undocumented).to_json();
    assert_eq!(report(), report());
}
