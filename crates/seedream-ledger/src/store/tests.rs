//! The store on a disk that fails, and files that are not what they should be.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use seedream_client::{Intent, JobStore, RecordEntry};
use seedream_core::{Charge, Error, ErrorKind, StoredError, Task, TaskId};

use super::{
    database::{Connection, DatabaseError, postgres::PostgresServer},
    *,
};
use crate::protocol::LineState;
use proptest::test_runner::TestCaseError;

mod postgres;
#[path = "../../tests/support/postgres.rs"]
mod server;
mod sqlite;

/// What becomes of the next COMMIT.
#[derive(Default)]
pub(super) struct Faults {
    next: AtomicU8,
    commits: AtomicU8,
    /// Happens before it.
    before: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

const REPLY_LOST: u8 = 1;
const NOT_COMMITTED: u8 = 2;

impl Faults {
    pub(super) fn commit(&self, connection: &dyn Connection) -> database::Result<()> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        if let Some(before) = self.before.lock().unwrap().take() {
            before();
        }
        let lost = || DatabaseError::other("the reply was lost");
        match self.next.swap(0, Ordering::SeqCst) {
            REPLY_LOST => connection.commit().and(Err(lost())),
            NOT_COMMITTED => connection.rollback().and(Err(lost())),
            _ => connection.commit(),
        }
    }
}

/// A ledger of its own.
struct Bed {
    folder: tempfile::TempDir,
    faults: Arc<Faults>,
    site: Arc<dyn Site>,
}

impl Bed {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Arc::new(SqliteFile::new(&folder.path().join("test.ledger")).unwrap());
        Self { folder, faults: Arc::default(), site }
    }

    /// One for each database that is here.
    fn each() -> Vec<Self> {
        let mut all = vec![Self::sqlite()];
        all.extend(server::Postgres::shared().map(|server| Self::postgres(&server.url_of_new_database())));
        all
    }

    /// Of its workers nothing is seen after they began, and a server that is gone is not waited for.
    fn postgres(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut site = PostgresServer::new(url, ServerOptions::default().spool(folder.path())).unwrap();
        (site.beat, site.restart) = (Duration::from_secs(86_400), Duration::ZERO);
        Self { folder, faults: Arc::default(), site: Arc::new(site) }
    }

    fn open(&self) -> Ledger {
        Ledger { writer: Writer::start(self.site.clone(), self.faults.clone()).unwrap(), site: self.site.clone() }
    }

    /// A connection past the store, for a thread that runs no futures.
    fn raw(&self) -> Box<dyn Connection> {
        self.site.open().unwrap().connection
    }

    /// A file of another worker, which could not write.
    fn spool(&self) -> PathBuf {
        let open = || self.site.open().unwrap().spool.into_os_string();
        let mut path = std::thread::scope(|scope| scope.spawn(open).join().unwrap());
        path.push(".spool-00.jsonl");
        path.into()
    }

    /// Makes an attempt, from a thread that runs no futures.
    fn has_attempt(&self) {
        let ledger = self.open();
        let made = async { worker(&ledger).begin(&intent("one")).await.map(drop) };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(made).unwrap();
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

#[tokio::test]
async fn a_commit_whose_reply_is_lost_sends_nothing_and_leaves_nothing_unknown() {
    for fault in [REPLY_LOST, NOT_COMMITTED] {
        for bed in Bed::each() {
            let ledger = bed.open();
            let first = worker(&ledger);
            ledger.flush().await.unwrap();
            bed.faults.next.store(fault, Ordering::SeqCst);
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
}

#[tokio::test]
async fn what_was_paid_for_is_kept_beside_a_ledger_that_fails_and_written_once_later() {
    for fault in [REPLY_LOST, NOT_COMMITTED] {
        for by_the_same in [true, false] {
            for bed in Bed::each() {
                let ledger = bed.open();
                let first = worker(&ledger);
                let mut record = first.begin(&intent("one")).await.unwrap();
                bed.faults.next.store(fault, Ordering::SeqCst);
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
                fs::write(bed.spool(), [&kept[..], b"{\"token\":1"].concat()).unwrap();
                assert_eq!(entries(&bed.open(), "one").await.len(), 2);
            }
        }
    }
}

/// The table of the database is that of the protocol.
#[test]
fn the_database_itself_refuses_every_illegal_step() {
    for bed in Bed::each() {
        bed.has_attempt();
        let raw = bed.raw();
        for before in LineState::ALL {
            for after in LineState::ALL {
                raw.begin().unwrap();
                // A way into the first state, which is no step of the table.
                raw.batch(&format!(
                    "INSERT INTO legal_step VALUES('unknown', '{before}') ON CONFLICT DO NOTHING;
                 UPDATE attempt SET state = '{before}';"
                ))
                .unwrap();
                if before == LineState::Unknown || !LineState::Unknown.may_become(before) {
                    let forget = "DELETE FROM legal_step WHERE before = 'unknown' AND after = ?1";
                    raw.execute(forget, values![before.as_str()]).unwrap();
                }
                let stepped = raw.execute(&format!("UPDATE attempt SET state = '{after}'"), &[]);
                assert_eq!(stepped.is_ok(), before == after || before.may_become(after), "{before} to {after}");
                raw.rollback().unwrap();
            }
        }
        let refused = |sql: &str, told: &str| {
            raw.begin().unwrap();
            let error = raw.execute(sql, &[]).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
            raw.rollback().unwrap();
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
        raw.begin().unwrap();
        raw.execute("INSERT INTO purchase(line, number, batch, position, is_listed) VALUES(1, 2, '', 0, 1)", &[])
            .unwrap();
        raw.commit().unwrap();
        refused(&add(2, "sent"), "begins as reserved");
    }
}

/// One for the intent, one for the response, and one for the image and the end; a task has one more.
#[tokio::test]
async fn a_call_is_three_transactions_and_a_task_four() {
    for bed in Bed::each() {
        let ledger = bed.open();
        let first = worker(&ledger);
        let commits = || bed.faults.commits.load(Ordering::SeqCst);
        for (job, more) in [("one", 0), ("two", 1)] {
            // The record before this one was dropped, which is recorded too.
            ledger.flush().await.unwrap();
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
}

#[tokio::test]
async fn a_spool_of_another_ledger_is_left_and_told_of() {
    for bed in Bed::each() {
        let ledger = bed.open();
        drop(worker(&ledger).begin(&intent("one")).await.unwrap());
        ledger.flush().await.unwrap();
        let line = r#"{"token":1,"purchase":1,"job":"other","attempt":1,"epoch":1,"entry":{"entry":"news"}}"#;
        let path = bed.spool();
        fs::write(&path, line).unwrap();
        let warnings = worker(&bed.open()).warnings();
        assert!(warnings.len() == 1 && warnings[0].contains("spool-00"), "{warnings:?}");
        assert_eq!(
            (fs::read_to_string(path).unwrap().as_str(), state(&ledger, "one").await),
            (line, LineState::Unknown)
        );
    }
}

#[test]
fn many_threads_make_one_ledger_at_the_same_time() {
    for bed in Bed::each() {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| drop(bed.open()));
            }
        });
    }
}

#[tokio::test]
async fn writes_that_wait_share_a_transaction() {
    for bed in Bed::each() {
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
        let before = bed.faults.commits.load(Ordering::SeqCst);
        drop(go);
        for begun in begun {
            begun.await.unwrap();
        }
        let commits = bed.faults.commits.load(Ordering::SeqCst) - before;
        // Records that are dropped write again.
        assert!(commits <= 4, "{commits}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, ..Default::default() })]

    /// What the protocol allows the database allows too, what is read is what was written, and the totals are the sums.
    #[test]
    fn the_database_takes_every_legal_step(actions in proptest::collection::vec(crate::protocol::tests::action(), 1..40)) {
        takes_every_legal_step(&*SqliteFile::in_memory(), &actions)?;
    }
}

const TOTALS: &str = "SELECT period, name, unit, held, paid, held_images, paid_images FROM total ORDER BY 1, 2, 3";

const SUMS: &str = "SELECT 'batch', batch, unit, CAST(sum(held) AS BIGINT), CAST(sum(paid) AS BIGINT),
    CAST(sum(held_images) AS BIGINT), CAST(sum(paid_images) AS BIGINT) FROM attempt GROUP BY batch, unit
    UNION ALL SELECT 'day', day, unit, CAST(sum(held) AS BIGINT), CAST(sum(paid) AS BIGINT), CAST(sum(held_images) AS BIGINT),
    CAST(sum(paid_images) AS BIGINT) FROM attempt GROUP BY day, unit ORDER BY 1, 2, 3";

fn takes_every_legal_step(connection: &dyn Connection, actions: &[Action]) -> Result<(), TestCaseError> {
    let values = values!["job", "", "job", "", 0_i64, 0_i64, "null", 1_i64, None::<String>];
    let line: i64 = connection.row(sql::ADD_LINE, values).unwrap().get(0).unwrap();
    connection.execute(sql::ADD_PURCHASE, values![line, 1_i64]).unwrap();
    let mut purchase = StoredPurchase::find(connection, "job", 1).unwrap().unwrap();
    for action in actions {
        match purchase.step(connection, *action) {
            Ok(()) | Err(Failed::Illegal(_)) => {}
            Err(Failed::Database(error)) => panic!("{action:?} of {:?}: {error}", purchase.state),
        }
        let read = StoredPurchase::load(connection, purchase.id).unwrap();
        proptest::prop_assert_eq!(&read.state, &purchase.state);
        let row = connection.row("SELECT state FROM purchase", &[]).unwrap();
        proptest::prop_assert_eq!(row.get::<&str>(0).unwrap(), purchase.state.state().as_str());
        proptest::prop_assert_eq!(connection.query(TOTALS, &[]).unwrap(), connection.query(SUMS, &[]).unwrap());
    }
    Ok(())
}
