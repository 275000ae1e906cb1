//! `mock faults`: the words of the fault syntax.

use crate::{args::ShowArgs, console::Console, exit::Exit, failure::Failure};

/// Lists the words.
///
/// # Errors
/// The output cannot be written.
pub(super) fn faults(args: &ShowArgs, console: &Console) -> Result<Exit, Failure> {
    let words = seedream_mock::fault_words();
    if args.json {
        console.json(&words)?;
        return Ok(Exit::Ok);
    }
    let shown = |word: &seedream_mock::FaultWord| {
        let seedream_mock::FaultWord { form, does, example, values } = word;
        let values: String = values.iter().map(|value| format!("        {}: {}\n", value.word, value.does)).collect();
        format!("{form}\n    {does}\n    {example}\n{values}")
    };
    let words: Vec<String> = words.iter().map(shown).collect();
    console.data(&format!("{}\n{SYNTAX}", words.join("")))?;
    Ok(Exit::Ok)
}

const SYNTAX: &str = "\
A fault is one or more words; separate faults with ;. Faults are accepted by `mock serve --fault`, by
`mock ctl faults`, in the header x-mock-fault, in a prompt as [[mock: ...]], and as JSON with the words as members.";
