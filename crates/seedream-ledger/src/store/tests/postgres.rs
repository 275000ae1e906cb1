//! A server that ends, fails over, or is not what it has to be, and workers that are not seen.

use std::{fs, sync::Arc};

use seedream_client::{JobStore as _, RecordEntry, Refusal};
use seedream_core::Charge;

use super::{
    Bed, SUMS, TOTALS, accepted, entries, intent, refused_at, server::Postgres, state, takes_every_legal_step, worker,
};
use crate::{
    JobFilter, Ledger, LedgerError, PlannedLine, Resolution, ServerOptions, Taken, WorkerOptions,
    protocol::{Illegal, LineState, Verdict},
    store::{database::values, writer::Database},
};

fn error(ledger: Result<Ledger, LedgerError>) -> String {
    ledger.map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn a_server_that_restarts_between_requests_is_not_noticed() {
    let Some(server) = Postgres::start() else { return };
    let bed = Bed::postgres(&server.url_of_new_database());
    let ledger = bed.open();
    let first = worker(&ledger);
    let mut record = first.begin(&intent("one")).await.unwrap();
    server.restart();
    record.append(accepted()).await.unwrap();
    server.restart();
    assert!(first.begin(&intent("two")).await.is_ok());
    assert_eq!(entries(&ledger, "one").await.len(), 2);
}

#[tokio::test]
async fn what_was_paid_for_while_the_server_ended_is_kept_in_a_file_and_written_once_later() {
    let Some(server) = Postgres::start() else { return };
    let server = Arc::new(server);
    let bed = Bed::postgres(&server.url_of_new_database());
    let ledger = bed.open();
    let first = worker(&ledger);
    let mut record = first.begin(&intent("one")).await.unwrap();
    let ends = server.clone();
    *bed.faults.before.lock().unwrap() = Some(Box::new(move || ends.stop()));
    let refusal = record.append(accepted()).await.unwrap_err().to_string();
    let [spool] = &bed.names("spool")[..] else { panic!("no spool: {refusal}") };
    assert!(refusal.contains(spool), "{refusal}");
    // Without a server nothing is bought, and what comes is kept too.
    assert!(first.begin(&intent("two")).await.is_err());
    record.append(refused_at(Charge::No, "it failed")).await.unwrap_err();
    assert_eq!(fs::read_to_string(bed.folder.path().join(spool)).unwrap().lines().count(), 2);
    server.start_again();
    ledger.flush().await.unwrap();
    assert_eq!(entries(&ledger, "one").await[1..], [accepted(), refused_at(Charge::No, "it failed")]);
    assert_eq!(bed.names("spool"), [""; 0]);
}

#[tokio::test]
async fn an_attempt_whose_commit_was_cut_off_is_not_sent_and_may_be_made_again() {
    let Some(server) = Postgres::start() else { return };
    let server = Arc::new(server);
    let bed = Bed::postgres(&server.url_of_new_database());
    let ledger = bed.open();
    let first = worker(&ledger);
    let ends = server.clone();
    *bed.faults.before.lock().unwrap() = Some(Box::new(move || ends.restart()));
    assert!(matches!(first.begin(&intent("one")).await, Err(Refusal::Storage { .. })));
    drop((first, ledger));
    let ledger = bed.open();
    assert_eq!(bed.names("spool"), [""; 0]);
    assert!(worker(&ledger).begin(&intent("one")).await.is_ok());
}

#[tokio::test]
async fn a_connection_that_ends_inside_a_transaction_takes_only_that_with_it() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.url_of_new_database();
    let bed = Bed::postgres(&url);
    let ledger = bed.open();
    let cut = move |database: &Database| {
        let row = database.connection.row("SELECT pg_backend_pid()", &[]).unwrap();
        server.psql("postgres", &format!("SELECT pg_terminate_backend({})", row.get::<i64>(0).unwrap()));
        database.connection.row("SELECT 1", &[]).map_err(|error| super::storage(&database.name, error)).map(drop)
    };
    let error = ledger.writer.call(cut).await.unwrap_err().to_string();
    assert!(error.contains("administrator") || error.contains("closed"), "{error}");
    assert!(worker(&ledger).begin(&intent("one")).await.is_ok());
}

#[test]
fn a_server_that_may_lose_what_it_wrote_is_refused() {
    let Some(server) = Postgres::start() else { return };
    let url = server.url_of_new_database();
    for setting in ["full_page_writes", "fsync"] {
        server.configure(setting, "off");
        server.restart();
        let error = error(Ledger::connect(&url, ServerOptions::default()));
        assert!(error.contains(&format!("{setting} = off")) && error.contains("ALTER SYSTEM"), "{error}");
        server.configure(setting, "on");
    }
}

#[tokio::test]
async fn on_another_timeline_nothing_is_sent_until_that_is_accepted() {
    let Some(server) = Postgres::start() else { return };
    let url = server.url_of_new_database();
    let bed = Bed::postgres(&url);
    let ledger = bed.open();
    ledger.plan_lines("b", vec![PlannedLine::new(&"a lighthouse".into())]).await.unwrap();
    let mut record = worker(&ledger).begin(&intent("one")).await.unwrap();
    let refused = |refusal: Refusal| {
        let message = refusal.to_string();
        assert!(message.contains("--accept-failover") && message.contains("timeline 00000002"), "{message}");
    };
    server.fail_over();
    // What was paid for is recorded, and nothing else is sent, by whichever process.
    record.append(accepted()).await.unwrap();
    refused(worker(&ledger).begin(&intent("two")).await.map(drop).unwrap_err());
    drop((record, ledger));
    let again = bed.open();
    let of_batch = again.worker(WorkerOptions::of_batch("b")).unwrap();
    refused(of_batch.take().await.map(drop).unwrap_err());
    assert_eq!(again.jobs(JobFilter::default()).await.unwrap().len(), 2);
    let options = ServerOptions::default().spool(bed.folder.path()).accept_failover();
    let accepted = Ledger::connect(&url, options).unwrap();
    assert!(matches!(accepted.worker(WorkerOptions::of_batch("b")).unwrap().take().await, Ok(Taken::Send(_))));
    // It is accepted for all.
    assert!(worker(&bed.open()).begin(&intent("two")).await.is_ok());
}

#[test]
fn a_database_that_has_no_ledger_of_this_version_is_refused_and_left_as_it_is() {
    let Some(server) = Postgres::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = || ServerOptions::default().spool(folder.path());
    let url = server.url_of_new_database();
    let none = error(Ledger::connect(&url, options().must_exist()));
    assert!(none.contains("has no ledger"), "{none}");
    server.psql(&url, "CREATE SCHEMA seedream_ledger");
    let other = error(Ledger::connect(&url, options()));
    assert!(other.contains("another program"), "{other}");
    server.psql(&url, "DROP SCHEMA seedream_ledger");
    drop(Ledger::connect(&url, options()).unwrap());
    server.psql(&url, "UPDATE seedream_ledger.ledger SET version = 99");
    let newer = error(Ledger::connect(&url, options()));
    assert!(newer.contains("version 99") && newer.contains("use a newer one"), "{newer}");
    server.psql(
        &url,
        "DROP SCHEMA seedream_ledger CASCADE; REVOKE ALL ON SCHEMA public FROM public; CREATE ROLE guest LOGIN",
    );
    let guest = url.replace("user=postgres", "user=guest");
    let refused = error(Ledger::connect(&guest, options()));
    assert!(refused.contains("GRANT CREATE ON DATABASE"), "{refused}");
    let gone = error(Ledger::connect("postgres://me:s3cret@127.0.0.1:1/x", options()));
    assert!(gone.contains("postgres://me@127.0.0.1:1/x") && !gone.contains("s3cret"), "{gone}");
}

/// Its process may still run, and its request be under way.
#[tokio::test]
async fn a_worker_that_was_not_seen_is_fenced_and_what_it_records_later_is_kept() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.url_of_new_database();
    let bed = Bed::postgres(&url);
    let ledger = bed.open();
    ledger.plan_lines("b", vec![PlannedLine::new(&"a lighthouse".into())]).await.unwrap();
    let options = || WorkerOptions::of_batch("b");
    let (silent, other) = (ledger.worker(options()).unwrap(), ledger.worker(options()).unwrap());
    let mut record = silent.begin(&intent("one")).await.unwrap();
    let Taken::Send(line) = silent.take().await.unwrap() else { panic!("nothing to send") };
    assert!(matches!(other.take().await.unwrap(), Taken::Nothing));
    server.forget_workers(&url);

    let Taken::Send(same) = other.take().await.unwrap() else { panic!("it is not taken over") };
    assert_eq!(line.job, same.job);
    assert!(matches!(silent.begin(&intent(&line.job)).await, Err(Refusal::Running { .. })));
    assert_eq!(state(&ledger, "one").await, LineState::Unknown);
    // It is not known to have ended, so a person waits as for one that is alive.
    let early = ledger.resolve("one", Resolution::new(Verdict::NotPaid)).await.unwrap_err();
    assert!(matches!(early, LedgerError::Illegal { why: Illegal::TooEarly { .. }, .. }), "{early}");
    let mut second = intent("one");
    second.attempt = 2;
    assert!(matches!(record.attempt(&second).await, Err(Refusal::Fenced { .. })));
    record.append(accepted()).await.unwrap();
    assert_eq!(state(&ledger, "one").await, LineState::Accepted);
    // It was seen again when it asked for work.
    assert!(silent.begin(&intent("two")).await.is_ok());
}

/// The thread that writes ends it, inside the transaction in which it notes that it is alive.
#[tokio::test]
async fn a_worker_that_is_dropped_while_it_takes_a_line_holds_up_nothing() {
    let Some(server) = Postgres::shared() else { return };
    let bed = Bed::postgres(&server.url_of_new_database());
    let ledger = bed.open();
    ledger.plan_lines("b", vec![PlannedLine::new(&"a lighthouse".into())]).await.unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    ledger.writer.send(move |_| {
        let _ = wait.recv();
        Ok(())
    });
    {
        let dropped = ledger.worker(WorkerOptions::of_batch("b")).unwrap();
        let mut taken = Box::pin(dropped.take());
        let waker = std::task::Waker::noop();
        assert!(taken.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    drop(go);
    let jobs = ledger.jobs(JobFilter::default()).await.unwrap();
    // It was taken and released; a server ends a transaction that waits for itself.
    assert_eq!(jobs[0].purchases[0].attempts.len(), 1);
    let other = ledger.worker(WorkerOptions::of_batch("b")).unwrap();
    assert!(matches!(other.take().await.unwrap(), Taken::Send(_)));
}

/// Whatever the role or the database sets.
#[tokio::test]
async fn every_commit_is_on_disk_before_it_returns() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.url_of_new_database();
    let bed = Bed::postgres(&url);
    let database = server.psql(&url, "SELECT current_database()");
    for (setting, value) in [("synchronous_commit", "off"), ("default_transaction_isolation", "serializable")] {
        server.psql("postgres", &format!("ALTER DATABASE {database} SET {setting} = {value}"));
    }
    let ledger = bed.open();
    let read = |database: &Database| {
        let settings = "SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')";
        Ok(database.connection.row(settings, &[]).unwrap().0)
    };
    assert_eq!(ledger.writer.call(read).await.unwrap(), *values!["on", "read committed"]);
}

#[test]
fn a_person_cannot_empty_what_was_recorded() {
    let Some(server) = Postgres::shared() else { return };
    let bed = Bed::postgres(&server.url_of_new_database());
    bed.has_attempt();
    let raw = bed.raw();
    for (table, told) in [("entry", "an entry is never deleted"), ("attempt", "an attempt is never deleted")] {
        raw.begin().unwrap();
        let error = raw.batch(&format!("TRUNCATE {table}")).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        raw.rollback().unwrap();
    }
}

/// Every character that a provider can send, and numbers that no other type of JSON takes.
#[tokio::test]
async fn an_entry_is_read_as_it_was_written() {
    let Some(server) = Postgres::shared() else { return };
    let bed = Bed::postgres(&server.url_of_new_database());
    let ledger = bed.open();
    let mut record = worker(&ledger).begin(&intent("one")).await.unwrap();
    let generation = seedream_core::Generation::new("seedream-4-0".into());
    let raw = Some("\0 \u{1} \u{10ffff} é ' \" \\ $1 ?1 18446744073709551615 1e400".to_owned());
    let entry = RecordEntry::Answered { generation, whole: true, raw };
    record.append(entry.clone()).await.unwrap();
    assert_eq!(entries(&ledger, "one").await[1..], [entry]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 30, ..Default::default() })]

    #[test]
    fn the_server_takes_every_legal_step(actions in proptest::collection::vec(crate::protocol::tests::action(), 1..40)) {
        let Some(server) = Postgres::shared() else { return Ok(()) };
        static RAW: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let bed = Bed::postgres(RAW.get_or_init(|| server.url_of_new_database()));
        let raw = bed.raw();
        raw.begin().unwrap();
        let taken = takes_every_legal_step(&*raw, &actions);
        raw.rollback().unwrap();
        taken?;
    }
}

/// Version 2 had indexes in the place of the totals, and tokens that no two purchases shared.
#[tokio::test]
async fn a_ledger_of_version_2_is_migrated() {
    let Some(server) = Postgres::shared() else { return };
    let (bed, new) = (Bed::postgres(&server.url_of_new_database()), Bed::postgres(&server.url_of_new_database()));
    let ledger = bed.open();
    let mut record = worker(&ledger).begin(&intent("one")).await.unwrap();
    record.append(accepted()).await.unwrap();
    drop((record, ledger, new.open()));
    let make_old = |database: &Database| {
        database.connection.batch(
            "DROP FUNCTION attempt_is_added, attempt_is_changed CASCADE; DROP TABLE total; DROP INDEX purchase_left;
            CREATE INDEX purchase_state ON purchase(state, expires_at);
            CREATE INDEX attempt_batch ON attempt(batch, unit, held, paid, held_images, paid_images);
            CREATE INDEX attempt_day ON attempt(day, unit, held, paid, held_images, paid_images);
            CREATE INDEX entry_purchase ON entry(purchase, attempt, kind);
            ALTER TABLE entry DROP CONSTRAINT entry_purchase_token_key, ADD UNIQUE(token);
            UPDATE ledger SET version = 2",
        )
        .unwrap();
        Ok(())
    };
    bed.open().writer.call(make_old).await.unwrap();
    let read = |database: &Database| {
        let rows = |sql: &str| database.connection.query(sql, &[]).unwrap();
        let schema = "SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'seedream_ledger'
            UNION SELECT tgname::text, pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger WHERE NOT tgisinternal
            UNION SELECT table_name || '.' || column_name, data_type || is_nullable FROM information_schema.columns
                WHERE table_schema = 'seedream_ledger' ORDER BY 1";
        Ok((rows(schema), rows(TOTALS), rows(SUMS)))
    };
    let (schema, totals, sums) = bed.open().writer.call(read).await.unwrap();
    assert_eq!(schema, new.open().writer.call(read).await.unwrap().0);
    assert_eq!(totals, sums);
    assert_eq!((totals.len(), state(&bed.open(), "one").await), (2, LineState::Accepted));
}
