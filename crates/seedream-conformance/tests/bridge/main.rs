//! Every law over adapters that are asked through `--exec`: this program is also the program that is asked, and speaks for an
//! adapter of the workspace. What the lines of JSON cannot carry is lost on the way, and a law says so.

mod program_loop;
mod program_responses;

use std::{env, error::Error, process::ExitCode, sync::Arc};

use libtest_mimic::Arguments;
use seedream_conformance::{Subject, external_program::ExecDialect, trials};

/// Makes this program the one that is asked, for the adapter whose id follows.
const SPEAK: &str = "--speak-for";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    if let (Some(SPEAK), Some(id)) = (arguments.next().as_deref(), arguments.next()) {
        return program_loop::speak(&id).map(|()| ExitCode::SUCCESS);
    }
    let program = env::current_exe()?;
    let asked = |id: &str| ExecDialect::start(&format!("{} {SPEAK} {id}", program.display()));
    let mut subjects = Vec::new();
    for dialect in seedream::dialects() {
        subjects.push(Subject::new(Arc::new(asked(&dialect.descriptor().id)?)).with_cuts(32));
    }
    Ok(libtest_mimic::run(&Arguments::from_args(), trials(&subjects)).exit_code())
}
