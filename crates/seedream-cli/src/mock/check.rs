//! `seedream mock check DIR`: what is wrong with a folder of fixtures.

use std::path::Path;

use seedream_fixtures::{LoadError, lint_library, load_dir};
use serde::Serialize;

use crate::{
    args::CheckArgs,
    exit::{Exit, Failure},
    output::Console,
};

#[derive(Serialize)]
struct Checked {
    exchanges: usize,
    scenarios: usize,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Problem {
    file: String,
    line: usize,
    message: String,
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
        let line = |Problem { file, line, message }: &Problem| format!("{file}:{line}: {message}");
        console.data(&checked.problems.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(exit)
}

fn checked(dir: &Path) -> Checked {
    let of_file = |LoadError { file, line, message }| Problem { file, line, message };
    match load_dir(dir) {
        Err(errors) => Checked { exchanges: 0, scenarios: 0, problems: errors.into_iter().map(of_file).collect() },
        Ok(library) => Checked {
            exchanges: library.exchanges().len(),
            scenarios: library.scenarios().len(),
            problems: lint_library(&library).into_iter().map(|sentence| of_exchange(dir, sentence)).collect(),
        },
    }
}

/// A sentence about an exchange begins with its id, which is its file below the folder.
fn of_exchange(dir: &Path, sentence: String) -> Problem {
    let place = sentence.split_once(": ").map(|(id, message)| (dir.join(format!("{id}.json")), message.to_owned()));
    match place.filter(|(file, _)| file.exists()) {
        Some((file, message)) => Problem { file: file.display().to_string(), line: 1, message },
        None => Problem { file: dir.display().to_string(), line: 0, message: sentence },
    }
}
