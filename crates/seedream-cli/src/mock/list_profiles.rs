//! `seedream mock profiles`: how a relay in front of a provider can behave.

use crate::{args::ShowArgs, console::Console, exit::Exit, failure::Failure};

/// Lists the behaviors.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn profiles(args: &ShowArgs, console: &Console) -> Result<Exit, Failure> {
    let behaviors = seedream_mock::relay_behaviors();
    if args.json {
        console.json(&behaviors)?;
        return Ok(Exit::Ok);
    }
    let lines: String = behaviors.iter().map(|it| format!("{}\n    {}\n", it.word, it.does)).collect();
    console.data(&format!("{lines}\n{SYNTAX}"))?;
    Ok(Exit::Ok)
}

const SYNTAX: &str = "\
A profile is one or more of these with commas, for one provider (ark=new-api,unwrapped-errors) or for all (new-api).
Separate profiles with ;. `mock serve --profile` sets them.";
