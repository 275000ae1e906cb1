//! `seedream mock`: serves a mock, describes it, and controls a running one.

mod admin_client;
mod check;
mod ctl;
mod evidence;
mod faults;
mod routes;
mod serve;
mod verify;

pub(crate) use check::checked;

use crate::{args::MockCommand, exit::Exit, failure::Failure, output::Console};

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
        MockCommand::Faults(args) => faults::faults(&args, console),
        MockCommand::Verify(args) => verify::verify(&args, console).await,
        MockCommand::Ctl { mock, command } => ctl::ctl(&mock, command, console).await,
    }
}
