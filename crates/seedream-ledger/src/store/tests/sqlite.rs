//! A file on a disk that fails, and files that are not what they should be.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use seedream_client::{JobStore as _, Refusal};

use super::{Bed, accepted, answered, entries, intent, state, worker};
use crate::{
    Ledger,
    protocol::LineState,
    store::{sql, writer::Database},
};

fn path(bed: &Bed) -> PathBuf {
    bed.folder.path().join("test.ledger")
}

async fn pragma(ledger: &Ledger, pragma: &'static str) {
    let set = move |database: &Database| {
        // Some give back a row.
        let _ = database.connection.batch(pragma);
        Ok(())
    };
    ledger.writer.call(set).await.unwrap();
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_bought_and_nothing_that_was_is_lost() {
    let bed = Bed::sqlite();
    let ledger = bed.open();
    let first = worker(&ledger);
    let mut record = first.begin(&intent("one")).await.unwrap();
    // SQLite takes the number of pages that there are, where it is larger.
    pragma(&ledger, "PRAGMA max_page_count = 1").await;
    let large = answered(1 << 20);
    let refusal = record.append(large.clone()).await.unwrap_err();
    assert!(refusal.to_string().contains("it is kept in"), "{refusal}");
    assert!(first.begin(&intent("two")).await.is_err());
    pragma(&ledger, "PRAGMA max_page_count = 1000000").await;
    ledger.flush().await.unwrap();
    assert_eq!(entries(&ledger, "one").await[1..], [large]);
    assert_eq!(state(&ledger, "one").await, LineState::Answered);

    let bed = Bed::sqlite();
    let ledger = bed.open();
    let first = worker(&ledger);
    pragma(&ledger, "PRAGMA max_page_count = 1").await;
    let mut large = intent("one");
    large.request = "x".repeat(1 << 20).into();
    let refusal = first.begin(&large).await.unwrap_err();
    assert!(refusal.to_string().contains("is full"), "{refusal}");
    assert!(ledger.show("one").await.unwrap().is_none());
}

#[tokio::test]
async fn a_ledger_that_another_process_writes_to_for_too_long_refuses_and_goes_on() {
    let bed = Bed::sqlite();
    let ledger = bed.open();
    let first = worker(&ledger);
    let mut record = first.begin(&intent("one")).await.unwrap();
    pragma(&ledger, "PRAGMA busy_timeout = 1").await;
    let other = Connection::open(path(&bed)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refusal = first.begin(&intent("two")).await.unwrap_err();
    assert!(refusal.to_string().contains("busy"), "{refusal}");
    assert!(record.append(accepted()).await.is_err());
    other.execute_batch("ROLLBACK").unwrap();
    ledger.flush().await.unwrap();
    assert_eq!(state(&ledger, "one").await, LineState::Accepted);
}

#[test]
fn a_file_that_cannot_be_a_ledger_is_refused_by_its_name_and_left_as_it_is() {
    let bed = Bed::sqlite();
    drop(bed.open());
    let refused = |prepare: &dyn Fn(&Path), told: &str| {
        let path = bed.folder.path().join("other.ledger");
        let _ = fs::remove_file(&path);
        prepare(&path);
        let before = fs::read(&path).unwrap_or_default();
        let error = Ledger::open(&path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()) && error.contains(told), "{error}");
        assert_eq!(fs::read(&path).unwrap_or_default(), before);
    };
    let sql = |path: &Path, sql: &str| Connection::open(path).unwrap().execute_batch(sql).unwrap();
    refused(&|path| fs::write(path, "x".repeat(5_000)).unwrap(), "damaged");
    refused(&|path| sql(path, "PRAGMA journal_mode = WAL; CREATE TABLE mine(x)"), "another program");
    let newer = |path: &Path| {
        drop(Ledger::open(path).unwrap());
        sql(path, "PRAGMA user_version = 99");
    };
    refused(&newer, "use a newer one");
    let missing = Ledger::open("/nonexistent/folder/a.ledger").unwrap_err().to_string();
    assert!(missing.contains("/nonexistent/folder"), "{missing}");
    #[cfg(target_os = "linux")]
    {
        let refused = Ledger::open("/proc/a.ledger").unwrap_err().to_string();
        assert!(refused.contains("cannot be written"), "{refused}");
    }
}

#[tokio::test]
async fn a_damaged_ledger_is_refused_and_what_can_be_read_of_it_is() {
    let bed = Bed::sqlite();
    let ledger = bed.open();
    let first = worker(&ledger);
    for job in ["one", "two", "three"] {
        let mut record = first.begin(&intent(job)).await.unwrap();
        record.append(answered(20_000)).await.unwrap();
    }
    pragma(&ledger, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE); BEGIN").await;
    let mut bytes = fs::read(path(&bed)).unwrap();
    // A page in the middle of the second entry, and the one before it.
    let at = bytes.windows(4_000).position(|window| window.iter().all(|byte| *byte == b'x')).unwrap() / 4_096 * 4_096;
    bytes[at..at + 4_096].fill(0xff);
    let path = bed.folder.path().join("damaged.ledger");
    fs::write(&path, &bytes).unwrap();
    let error = Ledger::open(&path).map(drop).unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains("damaged.ledger"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let salvage = Ledger::salvage(&path).unwrap();
    let known: Vec<_> = salvage.entries.iter().filter_map(|(record, _)| record.as_deref()).collect();
    assert!(known.len() >= 4 && known.contains(&"one") && known.contains(&"three"), "{known:?}");
}

#[tokio::test]
async fn every_commit_is_synced_before_it_returns() {
    let bed = Bed::sqlite();
    let ledger = bed.open();
    let read = |database: &Database| {
        let pragma = |name: &str| database.connection.row(&format!("PRAGMA {name}"), &[]).unwrap().0.remove(0);
        Ok(["journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync"].map(pragma))
    };
    let [mode, synchronous, full, checkpoint] = ledger.writer.call(read).await.unwrap();
    assert_eq!((mode, synchronous), ("wal".into(), 2_u32.into()));
    assert_eq!(
        (full, checkpoint),
        (1_u32.into(), 1_u32.into()),
        "on macOS a sync that is not full leaves the cache of the disk"
    );
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

/// Two names of one file would have locks in two places.
#[cfg(unix)]
#[tokio::test]
async fn a_ledger_is_the_same_whichever_link_names_it() {
    let bed = Bed::sqlite();
    let ledger = bed.open();
    let record = worker(&ledger).begin(&intent("one")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.ledger");
    std::os::unix::fs::symlink(path(&bed), &link).unwrap();
    let other = worker(&Ledger::open(&link).unwrap());
    assert!(matches!(other.open("one").await, Err(Refusal::Running { .. })));
    drop(record);
    fs::hard_link(path(&bed), bed.folder.path().join("hard.ledger")).unwrap();
    assert!(Ledger::open(&link).unwrap_err().to_string().contains("several names"));
}

/// What an earlier program wrote, with its version of the tables.
fn of_version_2(bed: &Bed) -> Connection {
    let raw = Connection::open(path(bed)).unwrap();
    raw.execute_batch(include_str!("version_2.sql")).unwrap();
    raw
}

/// The tables, indexes and triggers of a ledger, in one form.
fn schema(raw: &Connection) -> Vec<String> {
    let mut statement = raw.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").unwrap();
    let all = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let one =
        |sql: rusqlite::Result<String>| sql.unwrap().replace('"', "").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut all: Vec<_> = all.map(one).collect();
    all.sort();
    all
}

fn totals(raw: &Connection) -> Vec<(String, String, String, i64, i64)> {
    let mut statement = raw.prepare("SELECT period, name, unit, held, paid FROM total ORDER BY 1, 2, 3").unwrap();
    let of = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    statement.query_map([], of).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_ledger_of_version_2_is_migrated() {
    let (bed, new) = (Bed::sqlite(), Bed::sqlite());
    let raw = of_version_2(&bed);
    let ledger = bed.open();
    drop(new.open());
    assert_eq!(schema(&raw), schema(&Connection::open(path(&new)).unwrap()));
    let total = |period: &str, name: &str| (period.to_owned(), name.to_owned(), "images".to_owned(), 0, 2_000_000);
    assert_eq!(totals(&raw), [total("batch", "jobs.jsonl"), total("day", "2026-11-30")]);
    assert_eq!(entries(&ledger, "jobs.jsonl/kite").await.len(), 4);
    assert_eq!(state(&ledger, "jobs.jsonl/row-71ed8314b525a3db-1").await, LineState::Settled);
    for (change, why) in [("UPDATE entry SET image = 1", "never changed"), ("DELETE FROM entry", "never deleted")] {
        let error = raw.execute(change, []).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let check: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

/// Version 1 had to look into the text of an entry for what version 2 has columns for.
#[tokio::test]
async fn a_ledger_of_version_1_is_migrated() {
    let bed = Bed::sqlite();
    let raw = of_version_2(&bed);
    raw.execute_batch(
        "ALTER TABLE entry DROP COLUMN image; ALTER TABLE entry DROP COLUMN is_whole; DROP INDEX purchase_free;
         ALTER TABLE purchase DROP COLUMN batch; ALTER TABLE purchase DROP COLUMN position;
         ALTER TABLE purchase DROP COLUMN is_listed; PRAGMA user_version = 1",
    )
    .unwrap();
    let ledger = bed.open();
    let mut statement = raw.prepare("SELECT kind, image, is_whole FROM entry WHERE purchase = 1 ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let rows: Vec<(String, Option<i64>, i64)> = rows.unwrap().map(Result::unwrap).collect();
    let expected = [("intent", None, 0), ("answered", None, 1), ("image", Some(0), 0), ("ended", None, 0)];
    assert_eq!(rows, expected.map(|(kind, image, is_whole)| (kind.to_owned(), image, is_whole)));
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let purchase = raw.query_row("SELECT batch, position, is_listed FROM purchase WHERE id = 2", [], read).unwrap();
    assert_eq!(purchase, ("jobs.jsonl".to_owned(), 1, 1));
    assert_eq!(state(&ledger, "jobs.jsonl/kite").await, LineState::Settled);
}

/// However many lines are over, what a worker asks for each time is found by an index, in its order.
#[test]
fn the_next_line_and_a_job_are_found_by_an_index() {
    let bed = Bed::sqlite();
    drop(bed.open());
    let raw = Connection::open(path(&bed)).unwrap();
    let plan = |query: &str| {
        let mut statement = raw.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let parameters = vec!["b"; statement.parameter_count()];
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    };
    for (query, index) in [
        (sql::PLANNED, "INDEX purchase_free (batch=?)"),
        (sql::COLLECTABLE, "INDEX purchase_left"),
        (sql::JOB, "(job=?)"),
        (sql::LINE_OF_KEY, "(batch=? AND key=?)"),
        (sql::HOLDERS, "INDEX purchase_holder"),
        (sql::SPENT, "PRIMARY KEY (period=? AND name=?)"),
    ] {
        assert!(plan(query).contains(index), "{query}: {}", plan(query));
    }
    assert!(!plan(sql::PLANNED).contains("TEMP"), "it is sorted already");
}
