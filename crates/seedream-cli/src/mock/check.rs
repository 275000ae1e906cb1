//! `seedream mock check DIR`: what is wrong with a folder of fixtures.

use std::{fmt, path::Path};

use seedream_fixtures::{FixtureError, FixtureLibrary, load_dir};
use serde::Serialize;

use crate::{
    args::CheckArgs,
    exit::{Exit, Failure},
    output::Console,
};

/// What a folder of fixtures holds, and what is wrong with it: for `mock check` and for `conformance lint`.
#[derive(Serialize)]
pub(crate) struct Checked {
    pub(crate) exchanges: usize,
    pub(crate) scenarios: usize,
    pub(crate) problems: Vec<Problem>,
}

#[derive(Serialize)]
pub(crate) struct Problem {
    file: String,
    line: usize,
    message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Checks a folder.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn check(args: &CheckArgs, console: &Console) -> Result<Exit, Failure> {
    let checked = checked(&args.dir);
    let exit = if checked.problems.is_empty() { Exit::Ok } else { Exit::Other };
    if args.json {
        console.json(&checked)?;
        return Ok(exit);
    }
    if checked.problems.is_empty() {
        let Checked { exchanges, scenarios, .. } = checked;
        console
            .data(&format!("{}: {exchanges} exchanges and {scenarios} scenarios, nothing wrong", args.dir.display()))?;
    } else {
        console.data(&checked.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(exit)
}

/// Reads and checks a folder.
pub(crate) fn checked(dir: &Path) -> Checked {
    let (library, faults) = match load_dir(dir) {
        Ok(library) => (library, Vec::new()),
        Err(faults) => (FixtureLibrary::default(), faults),
    };
    let problem = |FixtureError { file, line, message }| Problem { file, line, message };
    Checked {
        exchanges: library.exchanges().len(),
        scenarios: library.scenarios().len(),
        problems: faults.into_iter().map(problem).collect(),
    }
}
