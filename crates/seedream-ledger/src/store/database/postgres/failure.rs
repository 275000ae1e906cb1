//! What the server or the network says.

use std::error::Error as _;

use postgres::error::{Severity, SqlState};

use crate::store::database::{DatabaseError, FailureKind};

impl From<postgres::Error> for DatabaseError {
    fn from(error: postgres::Error) -> Self {
        Self { kind: kind(&error), message: message(&error) }
    }
}

fn kind(error: &postgres::Error) -> FailureKind {
    match error.code() {
        Some(code) if *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::LOCK_NOT_AVAILABLE => {
            FailureKind::Busy
        }
        Some(code) if *code == SqlState::DISK_FULL => FailureKind::Full,
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION || *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            FailureKind::ReadOnly
        }
        Some(code) if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => FailureKind::Damaged,
        _ => FailureKind::Other,
    }
}

/// Without the detail of the server, which may repeat values.
fn message(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", error.message(), error.code().code());
    }
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        message.push_str(&format!(": {next}"));
        cause = next.source();
    }
    if message.contains("TLS") {
        message.push_str("; name its authority with SSL_CERT_FILE, or set sslmode=disable in a network that you trust");
    }
    message
}

/// Whether the connection ends with this error.
pub(super) fn ends_connection(error: &postgres::Error) -> bool {
    error.as_db_error().is_none_or(|error| matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)))
}
