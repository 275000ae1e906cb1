//! Cases as tests of a runner.

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use seedream_core::Dialect;
use seedream_fixtures::load_dir;

use crate::{Subject, cases};

/// Runs every law over an adapter: the whole of a test, which needs `harness = false`.
///
/// With a folder, the facts are those of the folder. It is named from the `Cargo.toml` of the crate, and holds
/// `<provider>/provider.json`, `<provider>/rules.json` and `<provider>/<area>/<case>.json` in the form of this project's `fixtures/`.
/// Without one, the facts are those of the provider that are embedded in this crate.
///
/// A debug build cuts a response at 32 places, evenly spread; an optimised build, and `seedream conformance run`, after each byte.
///
/// ```ignore
/// // tests/conformance.rs
/// seedream_conformance::suite!(seedream_harbour::Harbour, "fixtures");
/// ```
#[macro_export]
macro_rules! suite {
    ($dialect:expr, $folder:literal $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::suite($dialect, Some(concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder).as_ref()))
        }
    };
    ($dialect:expr $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::suite($dialect, None)
        }
    };
}

/// At how many places a response is cut without optimisation.
const CUTS_IN_DEBUG: usize = 32;

/// What [`suite!`](crate::suite!) runs: every law over an adapter, by the facts of a folder or the embedded ones, with the arguments
/// of the command line.
pub fn suite(dialect: impl Dialect, folder: Option<&Path>) -> ExitCode {
    let id = dialect.descriptor().id.clone();
    let (usable, cases) = match subject(Arc::new(dialect), folder) {
        Ok(subject) if cfg!(debug_assertions) => (Ok(()), trials(&[subject.with_cuts(CUTS_IN_DEBUG)])),
        Ok(subject) => (Ok(()), trials(&[subject])),
        Err(faults) => (Err(faults), Vec::new()),
    };
    // The first trial is that the facts can be used at all.
    let usable = Trial::test(format!("facts/{id}"), move || usable.map_err(Failed::from));
    libtest_mimic::run(&Arguments::from_args(), std::iter::once(usable).chain(cases).collect()).exit_code()
}

fn subject(dialect: Arc<dyn Dialect>, folder: Option<&Path>) -> Result<Subject, String> {
    let Some(folder) = folder else { return Subject::with_embedded_facts(dialect) };
    let read = load_dir(folder).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    Subject::with_own_facts(dialect, read?)
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
