//! What can go wrong.

use std::fmt;

use seedream_client::Refusal;

use super::database::{DatabaseError, FailureKind};
use crate::protocol::Illegal;

/// Why a ledger did not do what it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum LedgerError {
    /// As the store of a job says it.
    Refused(Refusal),
    /// The protocol does not allow it.
    Illegal {
        /// The job.
        job: String,
        /// Why not.
        why: Illegal,
    },
    /// The ledger knows no such job, purchase or attempt.
    NoSuchJob(String),
    /// Lines have the `id` of a line that was sent, and ask for something else. Nothing was planned.
    Changed(Vec<String>),
    /// Several lines have one of these ids. Nothing was planned.
    Repeated(Vec<String>),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Illegal { job, why } => write!(f, "{job}: {why}"),
            Self::NoSuchJob(job) => write!(f, "the ledger has no job {job}"),
            Self::Changed(ids) => write!(
                f,
                "these lines were sent before with another request: {}; give a changed line another id",
                ids.join(", ")
            ),
            Self::Repeated(ids) => write!(f, "several lines have the id {}; give each line its own", ids.join(", ")),
        }
    }
}

impl std::error::Error for LedgerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Refused(refusal) = self { refusal.source() } else { None }
    }
}

impl From<Refusal> for LedgerError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What the database says, with the name of the ledger and what to do.
pub(crate) fn storage(ledger: &str, error: DatabaseError) -> Refusal {
    let message = match error.kind {
        FailureKind::Damaged => format!(
            "the ledger {ledger} is damaged: {error}; nothing was changed: copy it, and export what can be read"
        ),
        FailureKind::Busy => format!("the ledger {ledger} is busy: another process has been writing for too long"),
        FailureKind::Full => format!("the disk of the ledger {ledger} is full"),
        FailureKind::ReadOnly => format!("the ledger {ledger} cannot be written: {error}"),
        FailureKind::Complete => error.message.clone(),
        FailureKind::NoRow | FailureKind::Other => format!("the ledger {ledger} failed: {error}"),
    };
    Refusal::storage(message, error)
}

/// A refusal without a cause.
pub(crate) fn refused(message: impl Into<String>) -> Refusal {
    Refusal::Storage { message: message.into(), source: None }
}
