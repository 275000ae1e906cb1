//! A ledger in one SQLite file, for any number of processes of one machine.

mod file;
mod lock;

use std::path::{Path, PathBuf};

use rusqlite::{
    ErrorCode,
    types::{ToSqlOutput, ValueRef},
};
use seedream_client::Refusal;
use seedream_core::Timestamp;

use self::lock::WorkerLock;
use super::{
    connection::{Alive, Connection, Opened, Presence, Site},
    value::{DatabaseError, FailureKind, Result, Row, Value},
};

/// The file of a ledger.
#[derive(Debug)]
pub(crate) struct SqliteFile {
    path: PathBuf,
    name: String,
}

impl SqliteFile {
    /// # Errors
    /// The path names no file beside which locks can be.
    pub(crate) fn new(path: &Path) -> Result<Self, Refusal> {
        let path = file::real_path(path)?;
        Ok(Self { name: path.display().to_string(), path })
    }

    /// Opens a ledger that may be damaged, to read it.
    pub(crate) fn open_to_read(path: &Path) -> Result<Box<dyn Connection>, Refusal> {
        Ok(Box::new(SqliteConnection { connection: file::open_to_read(path)?, path: path.to_owned() }))
    }

    #[cfg(test)]
    pub(crate) fn in_memory() -> Box<dyn Connection> {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(&super::schema::sqlite()).unwrap();
        Box::new(SqliteConnection { connection, path: PathBuf::new() })
    }
}

impl Site for SqliteFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn open(&self) -> Result<Opened, Refusal> {
        let connection = SqliteConnection { connection: file::open(&self.path)?, path: self.path.clone() };
        Ok(Opened { connection: Box::new(connection), spool: self.path.clone() })
    }

    fn worker(&self) -> Result<Alive, Refusal> {
        lock::clean(&self.path);
        let lock = WorkerLock::take(&self.path).map_err(|error| {
            Refusal::storage(format!("no worker can be started beside the ledger {}: {error}", self.name), error)
        })?;
        Ok(Alive::new(lock.id, lock))
    }
}

struct SqliteConnection {
    connection: rusqlite::Connection,
    path: PathBuf,
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        })
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => FailureKind::Damaged,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FailureKind::Busy,
            Some(ErrorCode::DiskFull) => FailureKind::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => FailureKind::ReadOnly,
            _ => FailureKind::Other,
        };
        Self { kind, message: error.to_string() }
    }
}

fn value(value: ValueRef<'_>) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| DatabaseError::other(error.to_string()))?;
            Value::Text(text.to_owned())
        }
        // No column has another type.
        ValueRef::Real(_) | ValueRef::Blob(_) => return Err(DatabaseError::other("a value has an unknown type")),
    })
}

impl Connection for SqliteConnection {
    fn execute(&self, sql: &str, values: &[Value]) -> Result<u64> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
    }

    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(Row((0..columns).map(|column| value(row.get_ref(column)?)).collect::<Result<_>>()?));
        }
        Ok(all)
    }

    fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn begin(&self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE", &[]).map(drop)
    }

    fn commit(&self) -> Result<()> {
        self.execute("COMMIT", &[]).map(drop)
    }

    fn rollback(&self) -> Result<()> {
        self.execute("ROLLBACK", &[]).map(drop)
    }

    fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn now(&self) -> i64 {
        file::clock()
    }

    fn day(&self) -> String {
        Timestamp::now().to_string().chars().take(10).collect()
    }

    fn boot(&self) -> Option<&'static str> {
        file::boot()
    }

    fn presence(&self, worker: u64) -> Result<Presence> {
        Ok(if lock::is_gone(&self.path, worker) { Presence::Ended } else { Presence::Alive })
    }

    fn is_seen(&self, _worker: u64) -> Result<()> {
        Ok(())
    }

    fn may_send(&self) -> Result<(), Refusal> {
        Ok(())
    }
}
