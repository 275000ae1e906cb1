//! A whole report, and what a run ends with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case_report::{CaseReport, CaseStatus};
use crate::RequirementLevel;

/// What a run found. Equal runs have equal reports: nothing in it is a time or a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The form of this report.
    pub schema: String,
    /// The name of the requirements.
    pub requirements: String,
    /// The pattern that chose the cases; such a report is partial.
    pub filter: Option<String>,
    /// How many cases ended in each way.
    pub counts: BTreeMap<CaseStatus, usize>,
    /// How sure the facts are that the cases are about, by the number of cases.
    pub facts: BTreeMap<String, usize>,
    /// What is wrong with the run itself: cases that are missing, and entries of the known failures that do not hold.
    pub faults: Vec<RunFault>,
    /// The cases, in the order of their names.
    pub cases: Vec<CaseReport>,
}

/// What is wrong with a run itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunFault {
    /// An entry of the known failures has run out, or fits no case.
    Known(String),
    /// Fewer cases ran than the requirements want.
    TooFew(String),
}

impl Report {
    /// How many cases ended in one way.
    pub fn count(&self, status: CaseStatus) -> usize {
        self.counts.get(&status).copied().unwrap_or(0)
    }

    /// What the command ends with: 0 if all is well, 1 where a case that gates fails or is stale, or a known failure does not
    /// hold, 3 where a case could not be judged, 4 where nothing or too little ran.
    pub fn exit_code(&self) -> u8 {
        let gates = |entry: &CaseReport| match entry.status {
            // A derived fact gates nothing.
            CaseStatus::Fail => entry.level != RequirementLevel::May,
            CaseStatus::Stale => true,
            _ => false,
        };
        let known = self.faults.iter().any(|fault| matches!(fault, RunFault::Known(_)));
        if known || self.cases.iter().any(gates) {
            return 1;
        }
        if self.count(CaseStatus::HarnessError) > 0 {
            return 3;
        }
        let ran = self.cases.iter().any(|entry| !matches!(entry.status, CaseStatus::NotRun | CaseStatus::Skip));
        if !ran || self.faults.iter().any(|fault| matches!(fault, RunFault::TooFew(_))) { 4 } else { 0 }
    }
}
