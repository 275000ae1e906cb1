//! How a ledger on a server is opened.

use std::{env, fs, path::PathBuf};

use seedream_client::Refusal;

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

    /// The folder for what could not be written, which is there.
    pub(super) fn folder(&self, ledger: &str) -> Result<PathBuf, Refusal> {
        let folder = self.spool.clone().unwrap_or_else(state_folder);
        fs::create_dir_all(&folder).map_err(|error| {
            let message = format!(
                "the folder {} for what the ledger {ledger} cannot take cannot be made: {error}; name another with XDG_STATE_HOME",
                folder.display()
            );
            Refusal::storage(message, error)
        })?;
        Ok(folder)
    }
}

fn state_folder() -> PathBuf {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let of_system = if cfg!(windows) { set("LOCALAPPDATA") } else { set("XDG_STATE_HOME").or_else(home) };
    of_system.unwrap_or_else(env::temp_dir).join("seedream")
}
