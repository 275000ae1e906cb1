//! Cases as tests of a runner.

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Trial};
use seedream_core::Dialect;

use crate::cases;

/// Every case of some dialects as a named trial.
pub fn trials(dialects: &[Arc<dyn Dialect>]) -> Vec<Trial> {
    let cases = dialects.iter().flat_map(cases);
    cases
        .map(|case| Trial::test(case.name(), move || case.run().map_err(|failure| failure.to_string().into())))
        .collect()
}

/// Runs every case of some dialects with the arguments of the command line, as a test without a harness does.
pub fn run(dialects: &[Arc<dyn Dialect>]) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials(dialects)).exit_code()
}
