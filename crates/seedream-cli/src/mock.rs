//! `seedream mock`: serves a mock, describes it, and controls a running one.

mod admin_client;
mod check;
mod ctl;
mod evidence;
mod routes;
mod serve;
mod verify;

pub(crate) use check::checked;

use crate::{
    args::{MockCommand, ShowArgs},
    exit::{Exit, Failure},
    output::Console,
};

/// Runs a mock command.
///
/// # Errors
/// As the command.
pub(crate) async fn run(command: MockCommand, console: &Console) -> Result<Exit, Failure> {
    match command {
        MockCommand::Serve(args) => serve::serve(args, console).await,
        MockCommand::Check(args) => check::check(&args, console),
        MockCommand::Routes(args) => routes::routes(&args, console),
        MockCommand::Evidence(args) => evidence::evidence(&args, console),
        MockCommand::Faults(args) => faults(&args, console),
        MockCommand::Verify(args) => verify::verify(&args, console).await,
        MockCommand::Ctl { mock, command } => ctl::ctl(&mock, command, console).await,
    }
}

/// Lists the words of the fault syntax.
fn faults(args: &ShowArgs, console: &Console) -> Result<Exit, Failure> {
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
