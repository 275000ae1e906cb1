//! `seedream mock`: serves a mock, describes it, and controls a running one.

mod admin_client;
mod ca;
mod check_fixtures;
mod ctl;
mod health;
mod list_evidence;
mod list_fault_words;
mod list_profiles;
mod list_routes;
mod record;
mod serve;
mod verify_requests;

pub(crate) use check_fixtures::checked;

use crate::{args::MockCommand, console::Console, exit::Exit, failure::Failure};

/// Runs a mock command.
///
/// # Errors
/// As the command.
pub(crate) async fn run(command: MockCommand, console: &Console) -> Result<Exit, Failure> {
    match command {
        MockCommand::Serve(args) => serve::serve(args, console).await,
        MockCommand::Record(args) => record::record(args, console).await,
        MockCommand::Check(args) => check_fixtures::check(&args, console),
        MockCommand::Routes(args) => list_routes::routes(&args, console),
        MockCommand::Evidence(args) => list_evidence::evidence(&args, console),
        MockCommand::Faults(args) => list_fault_words::faults(&args, console),
        MockCommand::Profiles(args) => list_profiles::profiles(&args, console),
        MockCommand::Ca(args) => ca::ca(&args, console).await,
        MockCommand::Health(args) => health::health(&args, console).await,
        MockCommand::Verify(args) => verify_requests::verify(&args, console).await,
        MockCommand::Ctl { mock, command } => ctl::ctl(&mock, command, console).await,
    }
}
