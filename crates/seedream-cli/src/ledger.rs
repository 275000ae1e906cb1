//! The ledger of a command: a file or a database.

use std::{ffi::OsString, fmt, path::PathBuf};

use seedream_ledger::{Ledger, LedgerError, protocol::Illegal};

use crate::{exit::Exit, failure::Failure, output_place::Beside};

/// Where a ledger is.
#[derive(Clone)]
pub(crate) enum LedgerAt {
    File(PathBuf),
    /// A URL, which may have a password and is never shown.
    Database(String),
}

impl From<OsString> for LedgerAt {
    fn from(at: OsString) -> Self {
        match at.to_str() {
            Some(url) if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) => {
                Self::Database(url.to_owned())
            }
            _ => Self::File(at.into()),
        }
    }
}

impl fmt::Debug for LedgerAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Database(_) => f.write_str("postgres://…"),
        }
    }
}

impl LedgerAt {
    /// Opens a ledger that exists.
    ///
    /// # Errors
    /// The ledger does not exist: a command that only reads creates no ledger. Otherwise as [`open_or_make`](Self::open_or_make).
    pub(crate) fn open(&self) -> Result<Ledger, Failure> {
        match self {
            Self::File(path) if !path.exists() => Err(Failure::usage(format!(
                "--ledger {}: there is no such file; `seedream batch FILE` makes FILE.ledger",
                path.display()
            ))),
            Self::File(path) => opened(Ledger::open(path)),
            Self::Database(url) => connect(url, false, true),
        }
    }

    /// Opens a ledger, and creates it if it is missing.
    ///
    /// # Errors
    /// It is damaged, of a newer version, cannot be written or reached, or may lose what is written. Nothing was sent.
    pub(crate) fn open_or_make(&self, accept_failover: bool) -> Result<Ledger, Failure> {
        match self {
            Self::File(path) => opened(Ledger::open(path)),
            Self::Database(url) => connect(url, accept_failover, false),
        }
    }

    /// What images that wait for a bucket lie beside.
    pub(crate) fn beside(&self) -> Beside<'_> {
        match self {
            Self::File(path) => Beside::Ledger(path),
            Self::Database(_) => Beside::Nothing,
        }
    }

    /// The ledger as a person may name it again, without a password.
    pub(crate) fn shown(&self, ledger: &Ledger) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Database(_) => ledger.name().to_owned(),
        }
    }
}

#[cfg(feature = "postgres")]
fn connect(url: &str, accept_failover: bool, must_exist: bool) -> Result<Ledger, Failure> {
    let mut options = seedream_ledger::ServerOptions::default();
    (options.accept_failover, options.must_exist) = (accept_failover, must_exist);
    opened(Ledger::connect(url, options))
}

#[cfg(not(feature = "postgres"))]
fn connect(_url: &str, _accept_failover: bool, _must_exist: bool) -> Result<Ledger, Failure> {
    let message =
        "--ledger: this program was built without PostgreSQL; build it with the feature `postgres`, or name a file";
    Err(Failure::usage(message))
}

fn opened(ledger: Result<Ledger, LedgerError>) -> Result<Ledger, Failure> {
    ledger.map_err(|error| Failure::usage(format!("{error}; nothing was sent")))
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let exit = match &error {
            LedgerError::Illegal { why: Illegal::Budget { .. }, .. } => Exit::Budget,
            LedgerError::Refused(_) => Exit::Other,
            _ => Exit::Usage,
        };
        let remedy = match &error {
            LedgerError::Illegal { why: Illegal::TooEarly { .. }, .. } => {
                ", until its deadline and 60 s have passed; wait, or add --force"
            }
            _ => "",
        };
        Self { exit, message: format!("{error}{remedy}") }
    }
}
