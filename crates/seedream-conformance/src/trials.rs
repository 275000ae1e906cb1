//! Cases as tests of a runner.

#[cfg(feature = "report")]
use std::io::{self, Write as _};
use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
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

/// Breaks an adapter in every way and prints which cases find the mistake: the whole of an example or of a test with
/// `harness = false`. Needs the feature `report`, and an optimised build, since every case runs on every broken adapter.
///
/// ```ignore
/// // examples/mutants.rs: cargo run --release --example mutants
/// seedream_conformance::mutants!(seedream_harbour::Harbour, "fixtures");
/// ```
#[cfg(feature = "report")]
#[macro_export]
macro_rules! mutants {
    ($dialect:expr, $folder:literal $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::mutants($dialect, concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder).as_ref())
        }
    };
}

/// What [`mutants!`](crate::mutants!) runs. It ends with 0 if a case finds every mistake that changes something of the adapter, with 1 if
/// not, and with 3 if the facts cannot be used.
#[cfg(feature = "report")]
pub fn mutants(dialect: impl Dialect, folder: &Path) -> ExitCode {
    let subject = match subject(Arc::new(dialect), Some(folder)) {
        Ok(subject) => subject,
        Err(faults) => {
            let _ = writeln!(io::stderr(), "{faults}");
            return ExitCode::from(3);
        }
    };
    std::panic::set_hook(Box::new(|_| ()));
    let matrix = crate::MutantMatrix::of_adapter(&subject, |_, _| true);
    drop(std::panic::take_hook());
    let _ = write!(io::stdout(), "{}", matrix.to_table());
    ExitCode::from(u8::from(!matrix.faults().is_empty()))
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
            Trial::ignorable_test(case.name(), move || match case.skip() {
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => case.run().map(|()| Completion::Completed).map_err(|failure| failure.to_string().into()),
            })
        })
        .collect()
}
