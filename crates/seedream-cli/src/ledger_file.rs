//! Opens the ledger of a command, and turns its errors into failures.

use std::path::Path;

use seedream_ledger::{Ledger, LedgerError, protocol::Illegal};

use crate::{exit::Exit, failure::Failure};

/// Opens a ledger that exists.
///
/// # Errors
/// There is no such file: a command that only reads makes none. As [`open_or_make`].
pub(crate) fn open(path: &Path) -> Result<Ledger, Failure> {
    if !path.exists() {
        let path = path.display();
        return Err(Failure::usage(format!(
            "--ledger {path}: there is no such file; `seedream batch FILE` makes FILE.ledger"
        )));
    }
    open_or_make(path)
}

/// Opens a ledger, and makes one where there is no file.
///
/// # Errors
/// It is damaged, of a newer version, cannot be written, or is on a network file system. Nothing was sent.
pub(crate) fn open_or_make(path: &Path) -> Result<Ledger, Failure> {
    Ledger::open(path).map_err(|error| Failure::usage(format!("{error}; nothing was sent")))
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
