//! The adapters under test.

use std::{path::Path, sync::Arc};

use seedream_conformance::{Subject, external_program::ExecDialect};
use seedream_fixtures::FixtureLibrary;

use crate::args::RunArgs;

/// The adapter of a command, with the facts of a folder or the built-in ones.
pub(crate) fn external(command: &str, fixtures: Option<&Path>) -> Result<Subject, String> {
    let dialect = Arc::new(ExecDialect::start(command)?);
    let subject = match fixtures {
        None => Subject::new(dialect),
        Some(folder) => own_facts(folder).and_then(|facts| Subject::with_own_facts(dialect, facts))?,
    };
    match subject.provider() {
        // An external adapter is slow, so fewer cut positions are tested.
        Some(_) => Ok(subject.with_cuts(64)),
        None => Err(format!("there are no facts for the provider `{}`; add them with --fixtures DIR", subject.id())),
    }
}

/// The external adapter of `--exec`, or the built-in adapters.
pub(crate) fn subjects(args: &RunArgs) -> Result<Vec<Subject>, String> {
    match &args.exec {
        Some(command) => external(command, args.fixtures.as_deref()).map(|subject| vec![subject]),
        None => Ok(built_in(args)),
    }
}

/// The facts of a folder, merged over the built-in ones.
fn own_facts(folder: &Path) -> Result<FixtureLibrary, String> {
    let faults = |errors: Vec<seedream_fixtures::FixtureError>| {
        errors.iter().map(|error| format!("\n{error}")).collect::<String>()
    };
    let own = seedream_fixtures::load_dir(folder);
    own.map(|own| own.over(seedream_fixtures::library()))
        .map_err(|errors| format!("--fixtures {}:{}", folder.display(), faults(errors)))
}

/// The built-in adapters that `--provider` selects.
pub(crate) fn built_in(args: &RunArgs) -> Vec<Subject> {
    let wanted = |id: &str| args.providers.is_empty() || args.providers.iter().any(|wanted| wanted == id);
    let dialects = seedream::dialects().into_iter().filter(|dialect| wanted(&dialect.descriptor().id));
    dialects.map(Subject::new).collect()
}
