//! The store on a disk, and one that fails.

use std::sync::atomic::{AtomicU8, Ordering};

use rusqlite::Connection;

/// What becomes of the next COMMIT.
#[derive(Debug, Default)]
pub(super) struct Faults(AtomicU8);

impl Faults {
    pub(super) fn commit(&self, connection: &Connection) -> rusqlite::Result<()> {
        let lost = || rusqlite::Error::ToSqlConversionFailure("the reply was lost".into());
        match self.0.swap(0, Ordering::SeqCst) {
            1 => connection.execute_batch("COMMIT").and(Err(lost())),
            2 => connection.execute_batch("ROLLBACK").and(Err(lost())),
            _ => connection.execute_batch("COMMIT"),
        }
    }
}
