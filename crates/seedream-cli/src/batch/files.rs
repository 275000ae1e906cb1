//! The files of a batch.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{args::BatchArgs, failure::Failure, ledger::LedgerAt};

/// Where a batch keeps its files, and its name.
pub(crate) struct BatchFiles {
    pub(crate) batch: String,
    pub(crate) ledger: LedgerAt,
    pub(crate) results: PathBuf,
    pub(crate) failed: PathBuf,
}

impl BatchFiles {
    /// # Errors
    /// Standard input has no name beside which a ledger could be.
    pub(crate) fn of(args: &BatchArgs) -> Result<Self, Failure> {
        let is_input = args.file.as_os_str() == "-";
        if is_input && args.ledger.is_none() {
            let message =
                "standard input has no name: add --ledger FILE, which records what was sent; nothing was sent";
            return Err(Failure::usage(message));
        }
        let beside = match &args.ledger {
            Some(LedgerAt::File(ledger)) if is_input => ledger,
            _ if is_input => Path::new("stdin"),
            _ => &args.file,
        };
        let with = |ending: &str| {
            let mut name = OsString::from(beside);
            name.push(ending);
            PathBuf::from(name)
        };
        // What the mock delivered must not count as bought.
        let ledger = if args.provider.mock { ".mock.ledger" } else { ".ledger" };
        let name = || beside.file_name().unwrap_or(beside.as_os_str()).to_string_lossy().into_owned();
        Ok(Self {
            batch: args.batch.clone().unwrap_or_else(|| if is_input { "stdin".to_owned() } else { name() }),
            ledger: args.ledger.clone().unwrap_or_else(|| LedgerAt::File(with(ledger))),
            results: args.results.clone().unwrap_or_else(|| with(".results.jsonl")),
            failed: args.failed.clone().unwrap_or_else(|| with(".failed.jsonl")),
        })
    }
}
