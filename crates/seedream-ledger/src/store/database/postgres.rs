//! A ledger on a PostgreSQL server, for workers on any number of machines.
//!
//! [`address`] reads a URL, [`session`] is a connection to a server that may keep a ledger, [`connection`] executes transactions over
//! it and replaces it after it was lost, [`heartbeat`] shows others that a worker is alive.

mod address;
mod connection;
mod failure;
mod heartbeat;
mod session;
mod tls;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use seedream_client::Refusal;

use self::{address::Address, connection::ServerConnection, heartbeat::Heartbeat};
use super::connection::{Alive, Opened, Site};

/// How a ledger on a server is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Whether a server is accepted that is not the one that recorded last: after a failover, or with a restored backup. The latest
    /// entries may be missing there.
    pub accept_failover: bool,
    /// Whether a database without a ledger is refused rather than that one is made in it.
    pub must_exist: bool,
    /// A folder on this machine for what could not be written into the ledger. Without one it is `seedream` in the folder that the
    /// system has for the state of programs: `$XDG_STATE_HOME`, `~/.local/state`, or `%LOCALAPPDATA%`.
    pub spool: Option<PathBuf>,
}

impl ServerOptions {
    /// Accepts a server that is not the one that recorded last.
    #[must_use]
    pub fn accept_failover(mut self) -> Self {
        self.accept_failover = true;
        self
    }

    /// Refuses a database without a ledger.
    #[must_use]
    pub fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// Sets the folder for what could not be written into the ledger.
    #[must_use]
    pub fn spool(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool = Some(folder.into());
        self
    }
}

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

    fn spool(&self) -> Result<PathBuf, Refusal> {
        let folder = self.options.spool.clone().unwrap_or_else(state_folder);
        fs::create_dir_all(&folder).map_err(|error| {
            let message = format!(
                "the folder {} for what the ledger {} cannot take cannot be made: {error}; name another with XDG_STATE_HOME",
                folder.display(),
                self.address.name
            );
            Refusal::storage(message, error)
        })?;
        Ok(folder)
    }
}

impl Site for PostgresServer {
    fn name(&self) -> &str {
        &self.address.name
    }

    fn open(&self) -> Result<Opened, Refusal> {
        let folder = self.spool()?;
        let connection = ServerConnection::open(&self.address, &self.options, self.restart)?;
        let spool = folder.join(connection.ledger());
        Ok(Opened { connection: Box::new(connection), spool })
    }

    fn worker(&self) -> Result<Alive, Refusal> {
        Heartbeat::start(&self.address, self.beat)
    }
}

fn state_folder() -> PathBuf {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let of_system = if cfg!(windows) { set("LOCALAPPDATA") } else { set("XDG_STATE_HOME").or_else(home) };
    of_system.unwrap_or_else(env::temp_dir).join(Path::new("seedream"))
}
