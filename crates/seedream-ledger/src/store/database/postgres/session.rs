//! A connection to a server that may keep a ledger: what it has to be, and which ledger it has.

use std::collections::HashMap;

use postgres::{Client, NoTls, SimpleQueryMessage, Statement, config::SslMode};
use seedream_client::Refusal;

use super::{address::Address, options::ServerOptions, tls};
use crate::store::{
    database::{DatabaseError, schema},
    failure::{refused, storage},
    random::random,
};

/// `FOR EACH ROW EXECUTE FUNCTION`, and what is older is no longer maintained.
const OLDEST_SERVER: i64 = 12;

/// Begins a transaction of this ledger, of which one runs at a time. What the session or the role sets otherwise does not count.
fn begin() -> String {
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
        SET LOCAL search_path = seedream_ledger, pg_catalog;
        SET LOCAL lock_timeout = '60s';
        SET LOCAL idle_in_transaction_session_timeout = '60s';
        SELECT set_config('synchronous_commit', 'on', true)
            WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
        SELECT pg_advisory_xact_lock({});
        SELECT extract(epoch FROM clock_timestamp())::bigint, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        schema::APPLICATION
    )
}

const SERVER: &str = "SELECT current_setting('server_version_num')::bigint / 10000, current_setting('server_version'),
    current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding')";

const IDENTITY: &str = "SELECT system_identifier::text, left(pg_walfile_name(pg_current_wal_lsn()), 8)
    FROM pg_control_system()";

const LEDGER: &str =
    "SELECT to_regnamespace('seedream_ledger') IS NOT NULL, to_regclass('seedream_ledger.ledger') IS NOT NULL";

/// One connection, with what was found out about the ledger.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) statements: HashMap<String, Statement>,
    /// The id of the ledger.
    pub(super) ledger: String,
    /// Why nothing may be sent.
    pub(super) is_other: Option<String>,
}

/// When a transaction began, by the clock of the server.
pub(super) struct Began {
    pub(super) now: i64,
    pub(super) day: String,
}

/// A connection without a look at what is there.
///
/// # Errors
/// The server cannot be reached.
pub(super) fn connect(address: &Address) -> Result<Client, DatabaseError> {
    if address.config.get_ssl_mode() == SslMode::Disable {
        return Ok(address.config.connect(NoTls)?);
    }
    let tls = tls::connector().map_err(|error| {
        DatabaseError::other(format!("TLS: {error}; install CA certificates, or add sslmode=disable to the URL"))
    })?;
    Ok(address.config.connect(tls)?)
}

impl Session {
    /// # Errors
    /// The server cannot be reached or may lose what it says it has written, or there is no ledger of this version.
    pub(super) fn open(address: &Address, options: &ServerOptions) -> Result<Self, Refusal> {
        let failed = |error: DatabaseError| storage(&address.name, error);
        let mut client = connect(address).map_err(failed)?;
        check(&mut client, &address.name)?;
        let mut session = Self { client, statements: HashMap::new(), ledger: String::new(), is_other: None };
        session.begin().map_err(|error| failed(error.into()))?;
        session.settle(&address.name, options)?;
        session.client.batch_execute("COMMIT").map_err(|error| failed(error.into()))?;
        Ok(session)
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&mut self) -> Result<Began, postgres::Error> {
        let mut began = Began { now: 0, day: String::new() };
        for message in self.client.simple_query(&begin())? {
            if let SimpleQueryMessage::Row(row) = message
                && let (Some(now), Some(day)) = (row.get(0), row.try_get(1).ok().flatten())
                && let Ok(now) = now.parse()
            {
                began = Began { now, day: day.to_owned() };
            }
        }
        Ok(began)
    }

    /// Finds the ledger, or makes it, and compares the server with the one that recorded last.
    fn settle(&mut self, name: &str, options: &ServerOptions) -> Result<(), Refusal> {
        let failed = |error: postgres::Error| storage(name, error.into());
        let client = &mut self.client;
        let row = client.query_one(IDENTITY, &[]).map_err(failed)?;
        let (system, timeline): (String, String) = (row.get(0), row.get(1));
        let row = client.query_one(LEDGER, &[]).map_err(failed)?;
        match (row.get(0), row.get(1)) {
            (false, _) if options.must_exist => {
                let message =
                    format!("the database {name} has no ledger; `seedream batch FILE --ledger URL` makes one");
                return Err(refused(message));
            }
            (false, _) => {
                client.batch_execute(&schema::postgres()).map_err(|error| not_made(name, error.into()))?;
                let id = format!("{:016x}", random());
                let add = "INSERT INTO ledger(version, id, system, timeline) VALUES($1, $2, $3, $4)";
                client.execute(add, &[&schema::VERSION, &id, &system, &timeline]).map_err(failed)?;
            }
            (true, false) => {
                let message = format!(
                    "the schema seedream_ledger of {name} is that of another program, not a ledger: use another database"
                );
                return Err(refused(message));
            }
            (true, true) => {}
        }
        let known = client.query_one("SELECT version, id, system, timeline FROM ledger", &[]).map_err(failed)?;
        let (version, known_system, known_timeline): (i64, String, String) = (known.get(0), known.get(2), known.get(3));
        if version > schema::VERSION {
            return Err(refused(format!(
                "the ledger {name} has version {version}, and this program reads version {}: use a newer one",
                schema::VERSION
            )));
        }
        if version < schema::VERSION {
            client.batch_execute(&schema::postgres_from_2()).map_err(failed)?;
        }
        self.ledger = known.get(1);
        if (&system, &timeline) != (&known_system, &known_timeline) {
            if options.accept_failover {
                let accept = "UPDATE ledger SET system = $1, timeline = $2";
                client.execute(accept, &[&system, &timeline]).map_err(failed)?;
            } else {
                self.is_other = Some(format!(
                    "the server of the ledger {name} is not the one that recorded last (system {system} on timeline {timeline}, \
                    was {known_system} on {known_timeline}): after a failover or with a restored backup the latest entries may be \
                    missing, and what they record would be bought again; compare with the provider's bill, then accept this server \
                    with --accept-failover (ServerOptions::accept_failover)"
                ));
            }
        }
        Ok(())
    }
}

/// # Errors
/// The server is too old, or may lose what it says it has written.
fn check(client: &mut Client, name: &str) -> Result<(), Refusal> {
    let row = client.query_one(SERVER, &[]).map_err(|error| storage(name, error.into()))?;
    let (major, version): (i64, String) = (row.get(0), row.get(1));
    if major < OLDEST_SERVER {
        let message =
            format!("the server of the ledger {name} is PostgreSQL {version}; {OLDEST_SERVER} or later is needed");
        return Err(refused(message));
    }
    for (column, setting) in [(2, "fsync"), (3, "full_page_writes")] {
        if row.get::<_, String>(column) != "on" {
            return Err(refused(format!(
                "the server of the ledger {name} has {setting} = off, with which a crash can lose what was recorded, and it would be \
                bought again: ALTER SYSTEM SET {setting} = on, and reload the configuration"
            )));
        }
    }
    let encoding: String = row.get(4);
    if encoding != "UTF8" {
        return Err(refused(format!(
            "the database of the ledger {name} has the encoding {encoding}: make one with CREATE DATABASE … ENCODING 'UTF8'"
        )));
    }
    Ok(())
}

fn not_made(name: &str, error: DatabaseError) -> Refusal {
    let message = format!(
        "the ledger {name} cannot be made: {error}; the role needs GRANT CREATE ON DATABASE, or the schema seedream_ledger made by \
        another role with all its rights"
    );
    Refusal::storage(message, error)
}
