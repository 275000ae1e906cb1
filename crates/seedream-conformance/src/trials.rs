//! Cases as tests of a runner.

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use seedream_core::Dialect;
use seedream_fixtures::load_dir;

use crate::{Subject, cases};

/// Runs every law over an adapter that is none of this workspace, by a folder of facts: the whole of a test.
///
/// The test needs `harness = false`. The folder is named from the `Cargo.toml` of the crate, and holds `<provider>/provider.json`,
/// `<provider>/rules.json` and `<provider>/<area>/<case>.json` in the form of this project's `fixtures/`.
///
/// ```ignore
/// // tests/conformance.rs
/// seedream_conformance::suite!(seedream_harbour::Harbour, "fixtures");
/// ```
#[macro_export]
macro_rules! suite {
    ($dialect:expr, $folder:literal $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::suite($dialect, concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder))
        }
    };
}

/// What [`suite!`](crate::suite!) runs: every law over an adapter, by the facts of a folder, with the arguments of the command line.
pub fn suite(dialect: impl Dialect, folder: impl AsRef<Path>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials_of(Arc::new(dialect), folder.as_ref())).exit_code()
}

/// The trials of an adapter by a folder, the first of which is that the folder can be used at all.
fn trials_of(dialect: Arc<dyn Dialect>, folder: &Path) -> Vec<Trial> {
    let id = dialect.descriptor().id.clone();
    let read = load_dir(folder).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let (usable, cases) = match read.and_then(|facts| Subject::with_own_facts(dialect, facts)) {
        Ok(subject) => (Ok(()), trials(&[subject])),
        Err(faults) => (Err(faults), Vec::new()),
    };
    let usable = Trial::test(format!("facts/{id}"), move || usable.map_err(Failed::from));
    std::iter::once(usable).chain(cases).collect()
}

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
