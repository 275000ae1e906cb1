//! The report for machines that show tests.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::{
    case_report::CaseStatus,
    summary::{Report, RunFault},
};
use crate::RequirementLevel;

/// One suite a provider, one test a case; what is wrong with the run itself is a suite of its own.
pub(super) fn junit(report: &Report) -> String {
    let mut junit = Junit::new("seedream-conformance");
    let mut suites: Vec<TestSuite> = Vec::new();
    for entry in report.cases.iter().filter(|entry| entry.status != CaseStatus::NotRun) {
        let mut status = match entry.status {
            // A derived fact gates nothing, and a failed test would.
            CaseStatus::Fail if entry.level == RequirementLevel::May => TestCaseStatus::skipped(),
            CaseStatus::Fail | CaseStatus::Stale => TestCaseStatus::non_success(NonSuccessKind::Failure),
            CaseStatus::HarnessError => TestCaseStatus::non_success(NonSuccessKind::Error),
            CaseStatus::KnownFailing | CaseStatus::Skip => TestCaseStatus::skipped(),
            _ => TestCaseStatus::success(),
        };
        match &entry.reason {
            Some(reason) => status.set_message(reason.as_str()),
            None if entry.differences.is_empty() => &mut status,
            None => status.set_message(entry.differences[0].as_str()),
        };
        if !entry.differences.is_empty() {
            status.set_description(entry.told().join("\n"));
        }
        let mut case = TestCase::new(entry.name.as_str(), status);
        case.set_classname(format!("{}.{}", entry.provider, entry.law));
        let at = suites.iter().position(|suite| suite.name.as_str() == entry.provider);
        let at = at.unwrap_or_else(|| {
            suites.push(TestSuite::new(entry.provider.as_str()));
            suites.len() - 1
        });
        suites[at].add_test_case(case);
    }
    if !report.faults.is_empty() {
        let mut suite = TestSuite::new("the run itself");
        for RunFault::Known(what) | RunFault::TooFew(what) in &report.faults {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(what.as_str());
            suite.add_test_case(TestCase::new(what.as_str(), status));
        }
        suites.push(suite);
    }
    junit.add_test_suites(suites);
    junit.to_string().unwrap_or_default()
}
