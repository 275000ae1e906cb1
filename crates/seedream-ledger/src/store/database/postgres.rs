//! A ledger on a PostgreSQL server, for workers on any number of machines.
//!
//! [`address`] reads a URL, [`session`] is a connection to a server that may keep a ledger, [`connection`] executes transactions over
//! it and replaces it after it was lost, [`heartbeat`] shows others that a worker is alive.

mod address;
mod connection;
mod failure;
mod heartbeat;
mod options;
mod session;
mod tls;

use std::time::Duration;

use seedream_client::Refusal;

pub use self::options::ServerOptions;
use self::{address::Address, connection::ServerConnection, heartbeat::Heartbeat};
use super::connection::{Alive, Opened, Site};

/// How often a worker shows that it is alive.
const BEAT: Duration = Duration::from_secs(5);

/// How long a server that restarts is waited for.
const RESTART: Duration = Duration::from_secs(10);

/// The database of a ledger.
#[derive(Debug)]
pub(crate) struct PostgresServer {
    address: Address,
    options: ServerOptions,
    pub(crate) beat: Duration,
    pub(crate) restart: Duration,
}

impl PostgresServer {
    /// # Errors
    /// The URL cannot be read.
    pub(crate) fn new(url: &str, options: ServerOptions) -> Result<Self, Refusal> {
        Ok(Self { address: Address::parse(url)?, options, beat: BEAT, restart: RESTART })
    }
}

impl Site for PostgresServer {
    fn name(&self) -> &str {
        &self.address.name
    }

    fn open(&self) -> Result<Opened, Refusal> {
        let folder = self.options.folder(&self.address.name)?;
        let connection = ServerConnection::open(&self.address, &self.options, self.restart)?;
        let spool = folder.join(connection.ledger());
        Ok(Opened { connection: Box::new(connection), spool })
    }

    fn worker(&self) -> Result<Alive, Refusal> {
        Heartbeat::start(&self.address, self.beat)
    }
}
