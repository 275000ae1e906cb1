//! The store on a disk that fails, and files that are not what they should be.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use rusqlite::Connection;
use seedream_client::{Intent, JobStore, RecordEntry};
use seedream_core::{Charge, Error, ErrorKind, StoredError, Task, TaskId};

use super::*;
use crate::protocol::LineState;

/// What becomes of the next COMMIT.
#[derive(Debug, Default)]
pub(super) struct Faults(AtomicU8, AtomicU8);

const REPLY_LOST: u8 = 1;
const NOT_COMMITTED: u8 = 2;

impl Faults {
    pub(super) fn commit(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let lost = || rusqlite::Error::ToSqlConversionFailure("the reply was lost".into());
        match self.0.swap(0, Ordering::SeqCst) {
            REPLY_LOST => connection.execute_batch("COMMIT").and(Err(lost())),
            NOT_COMMITTED => connection.execute_batch("ROLLBACK").and(Err(lost())),
            _ => connection.execute_batch("COMMIT"),
        }
    }
}

struct Bed {
    folder: tempfile::TempDir,
    faults: Arc<Faults>,
}

impl Bed {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), faults: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("test.ledger")
    }

    fn open(&self) -> Ledger {
        let path = self.path();
        let writer = Writer::start(connection::open(&path).unwrap(), &path, self.faults.clone()).unwrap();
        Ledger { writer, path: path.into() }
    }

    fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn names(&self, part: &str) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).filter(|name| name.contains(part)).collect()
    }
}

fn worker(ledger: &Ledger) -> Worker {
    ledger.worker(WorkerOptions::default()).unwrap()
}

fn intent(job: &str) -> Intent {
    Intent::new(job, "ark", "seedream-4-0".into())
}

fn accepted() -> RecordEntry {
    let id = TaskId::new("task-1").unwrap();
    RecordEntry::Accepted { task: Task::new("ark", "https://a.example", id, "seedream-4-0".into()) }
}

/// A response of so many bytes.
fn answered(bytes: usize) -> RecordEntry {
    let generation = seedream_core::Generation::new("seedream-4-0".into());
    RecordEntry::Answered { generation, whole: true, raw: Some("x".repeat(bytes)) }
}

fn refused_at(charge: Charge, message: &str) -> RecordEntry {
    let error = Error::new(ErrorKind::Server, message).with_charge(charge);
    RecordEntry::Refused { error: StoredError::from(&error), charge }
}

async fn state(ledger: &Ledger, job: &str) -> LineState {
    ledger.show(job).await.unwrap().unwrap().job.purchases[0].state
}

async fn entries(ledger: &Ledger, job: &str) -> Vec<RecordEntry> {
    ledger.show(job).await.unwrap().unwrap().entries.remove(0)
}

async fn pragma(ledger: &Ledger, pragma: &'static str) {
    let set = move |database: &Database| {
        // Some give back a row.
        let _ = database.connection.execute_batch(pragma);
        Ok(())
    };
    ledger.writer.call(set).await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_sends_nothing_and_leaves_nothing_unknown() {
    for fault in [REPLY_LOST, NOT_COMMITTED] {
        let bed = Bed::new();
        let ledger = bed.open();
        let first = worker(&ledger);
        ledger.flush().await.unwrap();
        bed.faults.0.store(fault, Ordering::SeqCst);
        let refusal = first.begin(&intent("one")).await.unwrap_err();
        assert!(matches!(&refusal, Refusal::Storage { .. }), "{refusal:?}");
        // Whether it is in the ledger or not, nothing else is sent by this run.
        let refusal = first.begin(&intent("two")).await.unwrap_err();
        assert!(refusal.to_string().contains("nothing more is sent"), "{refusal}");
        assert!(first.take().await.is_err());
        drop((first, ledger));
        let ledger = bed.open();
        let other = worker(&ledger);
        assert_eq!((bed.names("spool"), other.warnings()), (Vec::new(), Vec::new()), "{fault}");
        assert_eq!(other.unfinished().await.unwrap(), [], "{fault}");
        assert!(other.begin(&intent("one")).await.is_ok(), "{fault}");
    }
}

#[tokio::test]
async fn what_was_paid_for_is_kept_beside_a_ledger_that_fails_and_written_once_later() {
    for fault in [REPLY_LOST, NOT_COMMITTED] {
        for by_the_same in [true, false] {
            let bed = Bed::new();
            let ledger = bed.open();
            let first = worker(&ledger);
            let mut record = first.begin(&intent("one")).await.unwrap();
            bed.faults.0.store(fault, Ordering::SeqCst);
            let refusal = record.append(accepted()).await.unwrap_err();
            let [spool] = &bed.names("spool")[..] else { panic!("no spool") };
            assert!(refusal.to_string().contains(spool), "{refusal}");
            let kept = fs::read(bed.folder.path().join(spool)).unwrap();
            if by_the_same {
                let mut second = intent("one");
                second.attempt = 2;
                assert!(record.attempt(&second).await.is_err() && first.begin(&intent("two")).await.is_err());
                record.append(refused_at(Charge::No, "it failed")).await.unwrap();
                assert_eq!(entries(&ledger, "one").await[1..], [accepted(), refused_at(Charge::No, "it failed")]);
                assert_eq!(bed.names("spool"), [""; 0]);
                continue;
            }
            // Nobody but the file knows.
            drop(bed.open());
            assert_eq!(bed.names("spool"), [""; 0]);
            assert_eq!(state(&ledger, "one").await, LineState::Accepted, "{fault}");
            // What is there already is not added, and a line that is torn is not read.
            fs::write(bed.folder.path().join("test.ledger.spool-00.jsonl"), [&kept[..], b"{\"token\":1"].concat())
                .unwrap();
            assert_eq!(entries(&bed.open(), "one").await.len(), 2);
        }
    }
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_bought_and_nothing_that_was_is_lost() {
    let bed = Bed::new();
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

    let bed = Bed::new();
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
    let bed = Bed::new();
    let ledger = bed.open();
    let first = worker(&ledger);
    let mut record = first.begin(&intent("one")).await.unwrap();
    pragma(&ledger, "PRAGMA busy_timeout = 1").await;
    let other = bed.raw();
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
    let bed = Bed::new();
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
        drop(connection::open(path).unwrap());
        sql(path, "PRAGMA user_version = 2");
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
    let bed = Bed::new();
    let ledger = bed.open();
    let first = worker(&ledger);
    for job in ["one", "two", "three"] {
        let mut record = first.begin(&intent(job)).await.unwrap();
        record.append(answered(20_000)).await.unwrap();
    }
    pragma(&ledger, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE); BEGIN").await;
    let mut bytes = fs::read(bed.path()).unwrap();
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

/// The table of the database is that of the protocol.
#[tokio::test]
async fn the_database_itself_refuses_every_illegal_step() {
    let bed = Bed::new();
    let ledger = bed.open();
    drop(worker(&ledger).begin(&intent("one")).await.unwrap());
    ledger.flush().await.unwrap();
    let raw = bed.raw();
    for before in LineState::ALL {
        for after in LineState::ALL {
            // A way into the first state, which is no step of the table.
            raw.execute_batch(&format!(
                "BEGIN; INSERT OR IGNORE INTO legal_step VALUES('unknown', '{before}');
                 UPDATE attempt SET state = '{before}';"
            ))
            .unwrap();
            if before == LineState::Unknown || !LineState::Unknown.may_become(before) {
                let forget = "DELETE FROM legal_step WHERE before = 'unknown' AND after = ?1";
                raw.execute(forget, [before.as_str()]).unwrap();
            }
            let stepped = raw.execute(&format!("UPDATE attempt SET state = '{after}'"), []);
            assert_eq!(stepped.is_ok(), before == after || before.may_become(after), "{before} to {after}");
            raw.execute_batch("ROLLBACK").unwrap();
        }
    }
    let refused = |sql: &str, told: &str| {
        let error = raw.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    };
    refused("UPDATE entry SET entry = '{}'", "never changed");
    refused("DELETE FROM entry", "never deleted");
    refused("DELETE FROM attempt", "never deleted");
    refused("UPDATE purchase SET state = 'planned'", "may have been billed");
    refused("UPDATE purchase SET epoch = 0", "never decreases");
    let add = |purchase, state| {
        format!(
            "INSERT INTO attempt(purchase, number, state, charge, hold, billed, unit, epoch, deadline, is_lost, is_conflict,
             batch, day, most_images) VALUES({purchase}, 2, '{state}', 'no', 0, 0, '', 0, 0, 0, 0, '', '', 1)"
        )
    };
    refused(&add(1, "reserved"), "an earlier attempt may have been billed");
    raw.execute(sql::ADD_PURCHASE, [1, 2]).unwrap();
    refused(&add(2, "sent"), "begins as reserved");
}

/// One for the intent, one for the response, and one for the image and the end; a task has one more.
#[tokio::test]
async fn a_call_is_three_transactions_and_a_task_four() {
    let bed = Bed::new();
    let ledger = bed.open();
    let first = worker(&ledger);
    let commits = || bed.faults.1.load(Ordering::SeqCst);
    for (job, more) in [("one", 0), ("two", 1)] {
        let before = commits();
        let mut record = first.begin(&intent(job)).await.unwrap();
        if more == 1 {
            record.append(accepted()).await.unwrap();
        }
        record.append(answered(10)).await.unwrap();
        let location = seedream_client::Location::File("ark-0.png".into());
        record.append(RecordEntry::Image { index: 0, location, sha256: String::new() }).await.unwrap();
        // The end of a job is an entry like this to the thread that writes.
        record.append(refused_at(Charge::Unknown, "it ended")).await.unwrap();
        assert_eq!(commits() - before, 3 + more, "{job}");
        assert_eq!(entries(&ledger, job).await.len(), 4 + usize::from(more));
    }
}

#[tokio::test]
async fn a_spool_of_another_ledger_is_left_and_told_of() {
    let bed = Bed::new();
    let ledger = bed.open();
    drop(worker(&ledger).begin(&intent("one")).await.unwrap());
    ledger.flush().await.unwrap();
    let line = r#"{"token":1,"purchase":1,"job":"other","attempt":1,"epoch":1,"entry":{"entry":"news"}}"#;
    let path = bed.folder.path().join("test.ledger.spool-00.jsonl");
    fs::write(&path, line).unwrap();
    let warnings = worker(&bed.open()).warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("spool-00"), "{warnings:?}");
    assert_eq!((fs::read_to_string(path).unwrap().as_str(), state(&ledger, "one").await), (line, LineState::Unknown));
}

#[tokio::test]
async fn every_commit_is_synced_before_it_returns() {
    let bed = Bed::new();
    let ledger = bed.open();
    let read = |database: &Database| {
        let pragma = |name: &str| {
            database
                .connection
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        Ok(["journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync"].map(pragma))
    };
    let [mode, synchronous, full, checkpoint] = ledger.writer.call(read).await.unwrap();
    assert_eq!((mode, synchronous), ("wal".to_owned().into(), 2.into()));
    assert_eq!(
        (full, checkpoint),
        (1.into(), 1.into()),
        "on macOS a sync that is not full leaves the cache of the disk"
    );
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

/// Two names of one file would have locks in two places.
#[cfg(unix)]
#[tokio::test]
async fn a_ledger_is_the_same_whichever_link_names_it() {
    let bed = Bed::new();
    let ledger = bed.open();
    let record = worker(&ledger).begin(&intent("one")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.ledger");
    std::os::unix::fs::symlink(bed.path(), &link).unwrap();
    let other = worker(&Ledger::open(&link).unwrap());
    assert!(matches!(other.open("one").await, Err(Refusal::Running { .. })));
    drop(record);
    fs::hard_link(bed.path(), bed.folder.path().join("hard.ledger")).unwrap();
    assert!(Ledger::open(&link).unwrap_err().to_string().contains("several names"));
}

#[test]
fn many_threads_make_one_ledger_at_the_same_time() {
    let bed = Bed::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(Ledger::open(bed.path()).unwrap()));
        }
    });
}

#[tokio::test]
async fn writes_that_wait_share_a_transaction() {
    let bed = Bed::new();
    let ledger = bed.open();
    let first = worker(&ledger);
    // The thread is kept busy until all of them wait.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    ledger.writer.send(move |_| {
        let _ = wait.recv();
        Ok(())
    });
    let begin = |number: i32| {
        let worker = first.clone();
        let mut future = Box::pin(async move { worker.begin(&intent(&number.to_string())).await });
        let waker = std::task::Waker::noop();
        assert!(future.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
        future
    };
    let begun: Vec<_> = (0..10).map(begin).collect();
    let before = bed.faults.1.load(Ordering::SeqCst);
    drop(go);
    for begun in begun {
        begun.await.unwrap();
    }
    let commits = bed.faults.1.load(Ordering::SeqCst) - before;
    // Records that are dropped write again.
    assert!(commits <= 4, "{commits}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, ..Default::default() })]

    /// What the protocol allows the database allows too, and what is read is what was written.
    #[test]
    fn the_database_takes_every_legal_step(actions in proptest::collection::vec(crate::protocol::tests::action(), 1..40)) {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&sql::version_1()).unwrap();
        connection.execute(sql::ADD_LINE, rusqlite::params!["job", "", "job", "", 0, 0, "null", 1, None::<String>]).unwrap();
        connection.execute(sql::ADD_PURCHASE, [1, 1]).unwrap();
        let mut purchase = StoredPurchase::load(&connection, 1).unwrap();
        for action in actions {
            match purchase.step(&connection, action) {
                Ok(()) | Err(Failed::Illegal(_)) => {}
                Err(Failed::Sql(error)) => panic!("{action:?} of {:?}: {error}", purchase.state),
            }
            let read = StoredPurchase::load(&connection, 1).unwrap();
            proptest::prop_assert_eq!(&read.state, &purchase.state);
            let state: String = connection.query_row("SELECT state FROM purchase", [], |row| row.get(0)).unwrap();
            proptest::prop_assert_eq!(state, purchase.state.state().as_str());
        }
    }
}

/// However many lines are over, what a worker asks for each time is found by an index, in its order.
#[test]
fn the_next_line_and_a_job_are_found_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let connection = connection::open(&folder.path().join("test.ledger")).unwrap();
    let plan = |query: &str| {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let parameters = statement.parameter_count();
        let rows =
            statement.query_map(rusqlite::params_from_iter(vec!["b"; parameters]), |row| row.get::<_, String>(3));
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    };
    for (query, index) in [
        (sql::PLANNED, "INDEX purchase_free (batch=?)"),
        (sql::COLLECTABLE, "INDEX purchase_state (state=?)"),
        (sql::JOB, "(job=?)"),
        (sql::LINE_OF_KEY, "(batch=? AND key=?)"),
        (sql::HOLDERS, "INDEX purchase_holder"),
    ] {
        assert!(plan(query).contains(index), "{query}: {}", plan(query));
    }
    assert!(!plan(sql::PLANNED).contains("TEMP"), "it is sorted already");
}
