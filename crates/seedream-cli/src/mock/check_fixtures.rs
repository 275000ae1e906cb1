//! `seedream mock check DIR`: checks a folder of fixtures.

use std::{fmt, path::Path};

use seedream_fixtures::{FixtureError, FixtureLibrary, load_dir};
use serde::Serialize;

use crate::{args::CheckArgs, console::Console, exit::Exit, failure::Failure};

#[derive(Serialize)]
pub(crate) struct Checked {
    pub(crate) exchanges: usize,
    scenarios: usize,
    pub(crate) problems: Vec<Problem>,
}

#[derive(Serialize)]
pub(crate) struct Problem {
    file: String,
    line: usize,
    message: String,
}

/// Checks the folder and prints its problems.
///
/// # Errors
/// Standard output cannot be written.
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
            .data(&format!("{}: {exchanges} exchanges and {scenarios} scenarios, no problems", args.dir.display()))?;
    } else {
        console.data(&checked.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(exit)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Reads and checks a folder.
pub(crate) fn checked(dir: &Path) -> Checked {
    let (library, errors) = match load_dir(dir) {
        Ok(library) => (library, Vec::new()),
        Err(errors) => (FixtureLibrary::default(), errors),
    };
    let problem = |FixtureError { file, line, message }| Problem { file, line, message };
    Checked {
        exchanges: library.exchanges().len(),
        scenarios: library.scenarios().len(),
        problems: errors.into_iter().map(problem).collect(),
    }
}
