//! A run of many cases, side by side, with one report: which cases run, which failures are known, how many cases there must be.

mod filter;
mod known_failures;
pub(crate) mod parallel;
mod requirements;

use std::collections::BTreeMap;

use jiff::civil::Date;
use seedream_fixtures::{EvidenceKind, FactSource};

pub use filter::CaseFilter;
pub use known_failures::KnownFailures;
use parallel::side_by_side;
pub use requirements::Requirements;

use crate::{
    Case, CaseFailure, Law, MockTarget, Report, Subject, cases, cases_at,
    laws::crooked::NO_PROMISE,
    report::{CaseReport, CaseStatus, RunFault},
};

/// What is to be run, and what is held against it.
#[derive(Clone, Debug)]
pub struct ConformanceRun {
    /// Which cases, by a pattern of their names; all where there is none.
    pub filter: Option<CaseFilter>,
    /// The failures that are known.
    pub known: KnownFailures,
    /// How many cases there must be.
    pub requirements: Requirements,
    /// The day on which known failures are judged.
    pub today: Date,
    /// What else the command line says of which adapters are judged by what: `--exec 'python3 adapter.py'`. A report repeats it
    /// where it says how to run a case again.
    pub again: String,
}

impl ConformanceRun {
    /// Everything, by the requirements of the embedded documents.
    pub fn everything(today: Date) -> Self {
        let requirements = Requirements::of_the_documents();
        Self { filter: None, known: KnownFailures::default(), requirements, today, again: String::new() }
    }

    /// Runs it over some adapters.
    pub fn over(&self, subjects: &[Subject]) -> Report {
        self.over_cases(subjects, cases)
    }

    /// Runs the cases that can be held against a mock elsewhere; the report is partial.
    pub fn at(&self, subjects: &[Subject], target: &MockTarget) -> Report {
        let partial = || Law::Preflight.as_str().parse().expect("the name of a law is a pattern");
        let filter = Some(self.filter.clone().unwrap_or_else(partial));
        Self { filter, ..self.clone() }.over_cases(subjects, |subject| cases_at(subject, target))
    }

    fn over_cases(&self, subjects: &[Subject], cases: impl Fn(&Subject) -> Vec<Case>) -> Report {
        let mut all: Vec<(Case, CaseReport)> = Vec::new();
        for subject in subjects {
            all.extend(cases(subject).into_iter().map(|case| {
                let entry = CaseReport::new(&case, subject, &self.again);
                (case, entry)
            }));
        }
        all.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        let chosen = |entry: &CaseReport| self.filter.as_ref().is_none_or(|filter| filter.fits(&entry.name));
        let runs = |case: &Case, entry: &CaseReport| chosen(entry) && case.skip().is_none();
        let outcomes = side_by_side(&all, |(case, entry)| runs(case, entry).then(|| case.run()));
        for (case, entry) in &mut all {
            if let Some(reason) = case.skip().filter(|_| chosen(entry)) {
                entry.status = CaseStatus::Skip;
                entry.reason = Some(reason.to_owned());
            }
        }
        let entries: Vec<CaseReport> =
            all.into_iter().zip(outcomes).map(|((_, entry), outcome)| self.judged(entry, outcome)).collect();
        self.report(entries, subjects)
    }

    /// A case with its outcome; `None` where it was not run.
    fn judged(&self, mut entry: CaseReport, outcome: Option<Result<(), CaseFailure>>) -> CaseReport {
        if entry.status == CaseStatus::Skip {
            return entry;
        }
        let known = self.known.reason(&entry.name, self.today).map(str::to_owned);
        entry.status = match (&outcome, &known) {
            (None, _) => CaseStatus::NotRun,
            (Some(Ok(())), None) => CaseStatus::Pass,
            (Some(Ok(())), Some(_)) => CaseStatus::Stale,
            (Some(Err(failure)), _) if failure.is_harness() => CaseStatus::HarnessError,
            (Some(Err(_)), None) => CaseStatus::Fail,
            (Some(Err(_)), Some(_)) => CaseStatus::KnownFailing,
        };
        entry.reason = known.filter(|_| entry.status != CaseStatus::NotRun);
        entry.differences = outcome.and_then(Result::err).map(|failure| failure.lines().to_vec()).unwrap_or_default();
        entry
    }

    fn report(&self, cases: Vec<CaseReport>, subjects: &[Subject]) -> Report {
        let (mut counts, mut facts) = (BTreeMap::new(), BTreeMap::new());
        let mut ran: BTreeMap<(Law, &str), usize> = BTreeMap::new();
        for entry in &cases {
            *counts.entry(entry.status).or_default() += 1;
            if !matches!(entry.status, CaseStatus::NotRun | CaseStatus::Skip) {
                *facts.entry(kind(entry.source.as_ref()).to_owned()).or_default() += 1;
                *ran.entry((entry.law, &entry.provider)).or_default() += 1;
            }
            // A case is there although this adapter is not held to it.
            if entry.reason.as_deref() == Some(NO_PROMISE) {
                *ran.entry((entry.law, &entry.provider)).or_default() += 1;
            }
        }
        let mut faults = Vec::new();
        // A run of a part says nothing about the whole.
        if self.filter.is_none() {
            let names: Vec<&str> = cases.iter().map(|entry| entry.name.as_str()).collect();
            faults.extend(self.known.faults(&names, self.today).into_iter().map(RunFault::Known));
            let providers = subjects.iter().map(Subject::id);
            faults.extend(self.requirements.missing(providers, &ran).into_iter().map(RunFault::TooFew));
        }
        Report {
            schema: "seedream-conformance/1".to_owned(),
            requirements: self.requirements.set().to_owned(),
            filter: self.filter.as_ref().map(ToString::to_string),
            counts,
            facts,
            faults,
            cases,
        }
    }
}

/// How sure a fact is, for the counts; a law needs no fact.
fn kind(source: Option<&FactSource>) -> &'static str {
    source.map_or("law", |source| EvidenceKind::as_str(source.kind))
}
