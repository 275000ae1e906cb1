//! Cases as tests of a runner.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::{Subject, cases};

/// Every case of some adapters as a named trial.
pub fn trials(subjects: &[Subject]) -> Vec<Trial> {
    let cases = subjects.iter().flat_map(cases);
    cases
        .map(|case| {
            let skipped = case.skip().is_some();
            Trial::test(case.name(), move || case.run().map_err(|failure| failure.to_string().into()))
                .with_ignored_flag(skipped)
        })
        .collect()
}

/// Runs every case of some adapters with the arguments of the command line, as a test without a harness does.
pub fn run(subjects: impl IntoIterator<Item = impl Into<Subject>>) -> ExitCode {
    let subjects: Vec<Subject> = subjects.into_iter().map(Into::into).collect();
    libtest_mimic::run(&Arguments::from_args(), trials(&subjects)).exit_code()
}
