//! Transactions over a session, which is replaced after it was lost.

use std::{
    cell::{Cell, RefCell},
    thread,
    time::{Duration, Instant},
};

use postgres::{
    Statement,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};
use seedream_client::Refusal;

use super::{address::Address, failure::ends_connection, options::ServerOptions, session::Session};
use crate::store::{
    database::{Connection, DatabaseError, FailureKind, Presence, Result, Row, Value},
    failure::refused,
};

/// How often a server that restarts is tried.
const AGAIN: Duration = Duration::from_millis(200);

/// How long a worker is taken for alive after it was last seen, in seconds of the server's clock. It notes that it is alive in the
/// transaction with which it sends, and what it sends has left within 10 seconds.
const GONE_AFTER: i64 = 60;

const SEEN: &str = "SELECT seen_at FROM worker WHERE id = ?1";

const IS_SEEN: &str =
    "INSERT INTO worker(id, seen_at) VALUES(?1, ?2) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";

pub(super) struct ServerConnection {
    address: Address,
    /// How long a server that restarts is waited for.
    restart: Duration,
    ledger: String,
    session: RefCell<Option<Session>>,
    is_in_transaction: Cell<bool>,
    now: Cell<i64>,
    day: RefCell<String>,
}

impl ServerConnection {
    /// # Errors
    /// As [`Session::open`].
    pub(super) fn open(address: &Address, options: &ServerOptions, restart: Duration) -> Result<Self, Refusal> {
        let session = Session::open(address, options)?;
        Ok(Self {
            address: address.clone(),
            restart,
            ledger: session.ledger.clone(),
            session: RefCell::new(Some(session)),
            is_in_transaction: Cell::new(false),
            now: Cell::new(0),
            day: RefCell::default(),
        })
    }

    /// The id of the ledger.
    pub(super) fn ledger(&self) -> &str {
        &self.ledger
    }

    /// Does something in the transaction. A session that is lost ends it.
    fn with<T>(&self, run: impl FnOnce(&mut Session) -> Result<T, postgres::Error>) -> Result<T> {
        let mut session = self.session.borrow_mut();
        let open = session.as_mut().filter(|_| self.is_in_transaction.get());
        let open = open.ok_or_else(|| DatabaseError::other("the connection was lost"))?;
        let done = run(open);
        if let Err(error) = &done
            && (ends_connection(error) || open.client.is_closed())
        {
            *session = None;
            self.is_in_transaction.set(false);
        }
        Ok(done?)
    }

    /// Begins with the session that is open. `None` where it is lost, so that nothing was done.
    fn try_begin(&self, session: &mut Option<Session>) -> Option<Result<()>> {
        let open = session.as_mut()?;
        match open.begin() {
            Ok(began) => {
                self.now.set(began.now);
                self.day.replace(began.day);
                self.is_in_transaction.set(true);
                Some(Ok(()))
            }
            Err(error) if ends_connection(&error) || open.client.is_closed() => {
                *session = None;
                None
            }
            Err(error) => {
                if open.client.batch_execute("ROLLBACK").is_err() {
                    *session = None;
                }
                Some(Err(error.into()))
            }
        }
    }

    /// The same ledger again, on a server that may have restarted. Whether another server is accepted was decided for the first one.
    fn reconnect(&self) -> Result<Session> {
        let since = Instant::now();
        loop {
            let error = match Session::open(&self.address, &ServerOptions::default().must_exist()) {
                Ok(session) if session.ledger == self.ledger => return Ok(session),
                Ok(_) => format!("the database {} has another ledger than before: start again", self.address.name),
                Err(refusal) => refusal.to_string(),
            };
            if since.elapsed() >= self.restart {
                return Err(DatabaseError { kind: FailureKind::Complete, message: error });
            }
            thread::sleep(AGAIN);
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, of) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT4) => i32::try_from(*number)?.to_sql(of, out),
            (Self::Integer(number), _) => number.to_sql(of, out),
            (Self::Text(text), _) => text.to_sql(of, out),
        }
    }

    fn accepts(of: &Type) -> bool {
        matches!(*of, Type::INT8 | Type::INT4 | Type::TEXT)
    }

    to_sql_checked!();
}

fn value(row: &postgres::Row, column: usize) -> Result<Value, postgres::Error> {
    Ok(match *row.columns()[column].type_() {
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.into(),
        Type::INT4 => row.try_get::<_, Option<i32>>(column)?.map(i64::from).into(),
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.into(),
        _ => row.try_get::<_, Option<String>>(column)?.into(),
    })
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// A statement with the parameters as PostgreSQL has them, parsed once a session.
fn prepared(session: &mut Session, sql: &str) -> Result<Statement, postgres::Error> {
    if let Some(statement) = session.statements.get(sql) {
        return Ok(statement.clone());
    }
    let statement = session.client.prepare(&sql.replace('?', "$"))?;
    session.statements.insert(sql.to_owned(), statement.clone());
    Ok(statement)
}

impl Connection for ServerConnection {
    fn execute(&self, sql: &str, values: &[Value]) -> Result<u64> {
        self.with(|session| {
            let statement = prepared(session, sql)?;
            session.client.execute(&statement, &parameters(values))
        })
    }

    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.with(|session| {
            let statement = prepared(session, sql)?;
            let rows = session.client.query(&statement, &parameters(values))?;
            rows.iter().map(|row| Ok(Row((0..row.len()).map(|at| value(row, at)).collect::<Result<_, _>>()?))).collect()
        })
    }

    fn batch(&self, sql: &str) -> Result<()> {
        self.with(|session| session.client.batch_execute(sql))
    }

    fn begin(&self) -> Result<()> {
        let mut session = self.session.borrow_mut();
        if let Some(began) = self.try_begin(&mut session) {
            return began;
        }
        *session = Some(self.reconnect()?);
        self.try_begin(&mut session).unwrap_or_else(|| Err(DatabaseError::other("the connection was lost again")))
    }

    fn commit(&self) -> Result<()> {
        // COMMIT alone succeeds after a statement that failed, and writes nothing.
        self.with(|session| session.client.batch_execute("SELECT; COMMIT"))?;
        self.is_in_transaction.set(false);
        Ok(())
    }

    fn rollback(&self) -> Result<()> {
        let done = self.with(|session| session.client.batch_execute("ROLLBACK"));
        if done.is_err() {
            // The server does it when the connection ends.
            self.session.replace(None);
        }
        self.is_in_transaction.set(false);
        done
    }

    fn is_in_transaction(&self) -> bool {
        self.is_in_transaction.get()
    }

    fn now(&self) -> i64 {
        self.now.get()
    }

    fn day(&self) -> String {
        self.day.borrow().clone()
    }

    fn boot(&self) -> Option<&'static str> {
        None
    }

    fn presence(&self, worker: u64) -> Result<Presence> {
        let seen = self.query(SEEN, &[worker.cast_signed().into()])?;
        Ok(match seen.first().map(|row| row.get::<i64>(0)).transpose()? {
            None => Presence::Ended,
            Some(seen) if self.now.get() - seen > GONE_AFTER => Presence::Silent,
            Some(_) => Presence::Alive,
        })
    }

    fn is_seen(&self, worker: u64) -> Result<()> {
        self.execute(IS_SEEN, &[worker.cast_signed().into(), self.now.get().into()]).map(drop)
    }

    fn may_send(&self) -> Result<(), Refusal> {
        let session = self.session.borrow();
        let other = session.as_ref().and_then(|session| session.is_other.as_ref());
        other.map_or(Ok(()), |why| Err(refused(format!("nothing is sent: {why}"))))
    }
}
