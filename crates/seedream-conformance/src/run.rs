//! A run of many cases, side by side, with one report.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use jiff::civil::Date;

use crate::{
    Case, Failure, Filter, Known, Law, Place, Report, Requirements, Subject, cases, cases_at,
    laws::crooked::NO_PROMISE,
    report::{Entry, Fault, Status, kind},
};

/// What is to be run, and what is held against it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which cases, by a pattern of their names; all where there is none.
    pub filter: Option<Filter>,
    /// The failures that are known.
    pub known: Known,
    /// How many cases there must be.
    pub requirements: Requirements,
    /// The day on which known failures are judged.
    pub today: Date,
    /// What else the command line says of which adapters are judged by what: `--exec 'python3 adapter.py'`. A report repeats it
    /// where it says how to run a case again.
    pub again: String,
}

impl Run {
    /// Everything, by the requirements of the embedded documents.
    pub fn everything(today: Date) -> Self {
        let requirements = Requirements::of_the_documents();
        Self { filter: None, known: Known::default(), requirements, today, again: String::new() }
    }

    /// Runs it over some adapters.
    pub fn over(&self, subjects: &[Subject]) -> Report {
        self.over_cases(subjects, cases)
    }

    /// Runs the cases that can be held against a mock elsewhere; the report is partial.
    pub fn at(&self, subjects: &[Subject], place: &Place) -> Report {
        let partial = || Law::Preflight.as_str().parse().expect("the name of a law is a pattern");
        let filter = Some(self.filter.clone().unwrap_or_else(partial));
        Self { filter, ..self.clone() }.over_cases(subjects, |subject| cases_at(subject, place))
    }

    fn over_cases(&self, subjects: &[Subject], cases: impl Fn(&Subject) -> Vec<Case>) -> Report {
        let mut all: Vec<(Case, Entry)> = Vec::new();
        for subject in subjects {
            all.extend(cases(subject).into_iter().map(|case| {
                let entry = Entry::new(&case, subject, &self.again);
                (case, entry)
            }));
        }
        all.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        let chosen = |entry: &Entry| self.filter.as_ref().is_none_or(|filter| filter.fits(&entry.name));
        let runs = |case: &Case, entry: &Entry| chosen(entry) && case.skip().is_none();
        let outcomes = side_by_side(&all, |(case, entry)| runs(case, entry).then(|| case.run()));
        for (case, entry) in &mut all {
            if let Some(reason) = case.skip().filter(|_| chosen(entry)) {
                entry.status = Status::Skip;
                entry.reason = Some(reason.to_owned());
            }
        }
        let entries: Vec<Entry> =
            all.into_iter().zip(outcomes).map(|((_, entry), outcome)| self.judged(entry, outcome)).collect();
        self.report(entries, subjects)
    }

    /// A case with its outcome; `None` where it was not run.
    fn judged(&self, mut entry: Entry, outcome: Option<Result<(), Failure>>) -> Entry {
        if entry.status == Status::Skip {
            return entry;
        }
        let known = self.known.reason(&entry.name, self.today).map(str::to_owned);
        entry.status = match (&outcome, &known) {
            (None, _) => Status::NotRun,
            (Some(Ok(())), None) => Status::Pass,
            (Some(Ok(())), Some(_)) => Status::Stale,
            (Some(Err(failure)), _) if failure.is_harness() => Status::HarnessError,
            (Some(Err(_)), None) => Status::Fail,
            (Some(Err(_)), Some(_)) => Status::KnownFailing,
        };
        entry.reason = known.filter(|_| entry.status != Status::NotRun);
        entry.differences = outcome.and_then(Result::err).map(|failure| failure.lines().to_vec()).unwrap_or_default();
        entry
    }

    fn report(&self, cases: Vec<Entry>, subjects: &[Subject]) -> Report {
        let (mut counts, mut facts) = (BTreeMap::new(), BTreeMap::new());
        let mut ran: BTreeMap<(Law, &str), usize> = BTreeMap::new();
        for entry in &cases {
            *counts.entry(entry.status).or_default() += 1;
            if !matches!(entry.status, Status::NotRun | Status::Skip) {
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
            faults.extend(self.known.faults(&names, self.today).into_iter().map(Fault::Known));
            let providers = subjects.iter().map(Subject::id);
            faults.extend(self.requirements.missing(providers, &ran).into_iter().map(Fault::TooFew));
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

/// Does something with each item on as many threads as there are processors; the results are in the order of the items.
pub(crate) fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a case catches what panics in it")).collect()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
