//! `seedream mock health`: whether a mock answers, for the health check of a container.

use std::time::Duration;

use super::{admin_client::AdminClient, ca::certificate};
use crate::{args::RunningMockArgs, console::Console, exit::Exit, failure::Failure};

/// How long a mock may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks a mock for its state. One that wants a token answers too.
///
/// # Errors
/// No mock answers in time ([`Exit::Network`]).
pub(super) async fn health(args: &RunningMockArgs, console: &Console) -> Result<Exit, Failure> {
    let client = AdminClient::new(args, console)?;
    let is_tls = client.root().starts_with("https:");
    let late = |_| Failure {
        exit: Exit::Network,
        message: format!("the mock does not answer within {} s", PATIENCE.as_secs()),
    };
    if is_tls {
        // The certificate of its authority is what proves a mock: this program need not trust it.
        tokio::time::timeout(PATIENCE, certificate(client.root())).await.map_err(late)??;
        console.data("ok: a mock with TLS")?;
        return Ok(Exit::Ok);
    }
    let health = tokio::time::timeout(PATIENCE, client.health()).await.map_err(late)??;
    let version = |health: &serde_json::Value| health["version"].as_str().unwrap_or_default().to_owned();
    match health {
        Some(health) if args.json => console.json(&health)?,
        Some(health) => console.data(&format!("ok: seedream-mock {}", version(&health)))?,
        None => console.data("ok: a mock that wants its admin token")?,
    }
    Ok(Exit::Ok)
}
