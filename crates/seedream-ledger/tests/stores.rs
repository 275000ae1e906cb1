//! What every store of jobs has to do, whichever it is.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "stores/entries.rs"]
mod entries;
#[path = "support/ledgers.rs"]
mod ledgers;

use std::{path::Path, sync::Arc};

use entries::{answered, attempt, ended, image, intent, job, refused, task, unknown_kind};
use ledgers::Place;
use seedream_client::{FolderStore, JobRecord, JobStore, RecordEntry, Refusal};
use seedream_core::Charge;
use seedream_ledger::WorkerOptions;

const NOT_SENT: RecordEntry = RecordEntry::NotSent { error: None };

/// Makes a store. Made again, it is that of another process.
type Make = Box<dyn Fn() -> Arc<dyn JobStore>>;

/// A worker of each ledger that can be made on this machine.
fn ledgers() -> impl Iterator<Item = Make> {
    let worker =
        |place: Place| -> Make { Box::new(move || Arc::new(place.open().worker(WorkerOptions::default()).unwrap())) };
    Place::each().into_iter().map(worker)
}

/// Runs a test over each store, in a folder of its own.
async fn each(test: impl AsyncFn(&dyn Fn() -> Arc<dyn JobStore>, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let in_folder: Make = Box::new(move || Arc::new(FolderStore::new(&path)));
    for make in std::iter::once(in_folder).chain(ledgers()) {
        let folder = tempfile::tempdir().unwrap();
        test(&*make, folder.path()).await;
    }
}

async fn begun(store: &Arc<dyn JobStore>, job: &str) -> Box<dyn JobRecord> {
    store.begin(&intent(job)).await.unwrap()
}

fn attempts(entries: &[RecordEntry]) -> usize {
    entries.iter().filter(|entry| matches!(entry, RecordEntry::Intent(_))).count()
}

#[tokio::test]
async fn an_attempt_is_on_record_before_it_may_be_sent_and_after_its_process_was_killed() {
    each(async |make, _| {
        let store = make();
        let record = begun(&store, "one").await;
        assert!(record.send_before().is_some_and(|before| !before.has_passed()));
        assert!(record.stays());
        let id = record.id().to_owned();
        drop((record, store));

        let other = make();
        let unfinished = other.unfinished().await.unwrap();
        assert_eq!(unfinished.len(), 1);
        assert_eq!((unfinished[0].id.as_str(), unfinished[0].charge()), (id.as_str(), Charge::Unknown));
        let (history, record) = other.open(&id).await.unwrap();
        assert_eq!(history.entries, [RecordEntry::Intent(intent("one"))]);
        assert!(record.send_before().is_none(), "what is opened is not sent");
    })
    .await;
}

#[tokio::test]
async fn a_record_belongs_to_the_process_that_has_it() {
    each(async |make, _| {
        let (store, other) = (make(), make());
        let record = begun(&store, "one").await;
        assert_eq!(other.unfinished().await.unwrap(), []);
        for store in [&store, &other] {
            assert!(matches!(store.open(record.id()).await, Err(Refusal::Running { .. })));
        }
        let id = record.id().to_owned();
        drop(record);
        assert!(store.open(&id).await.is_ok(), "this process still lives, and has dropped it");
    })
    .await;
}

#[tokio::test]
async fn the_next_attempt_follows_one_that_cost_nothing() {
    each(async |make, _| {
        let store = make();
        let mut record = begun(&store, "one").await;
        record.append(NOT_SENT).await.unwrap();
        record.attempt(&attempt("one", 2)).await.unwrap();
        record.append(refused(Charge::No)).await.unwrap();
        record.attempt(&attempt("one", 3)).await.unwrap();
        record.append(RecordEntry::Accepted { task: task() }).await.unwrap();
        let id = record.id().to_owned();
        drop((record, store));
        let (history, _record) = make().open(&id).await.unwrap();
        assert_eq!((attempts(&history.entries), history.task()), (3, Some(&task())));
        assert_eq!(history.intent(), Some(&attempt("one", 3)));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_may_have_been_bought_is_not_begun_again() {
    each(async |make, _| {
        let store = make();
        let mut record = begun(&store, "one").await;
        record.append(answered("https://a.example/0.png", true)).await.unwrap();
        record.append(ended("one", Charge::Yes, 1)).await.unwrap();
        drop(record);
        let open = begun(&store, "open").await;
        drop((open, store));
        for job in ["open"] {
            assert!(matches!(make().begin(&intent(job)).await, Err(Refusal::AlreadyBought { .. })), "{job}");
        }
        // What cost nothing may be asked for again.
        let store = make();
        let mut record = begun(&store, "none").await;
        record.append(refused(Charge::No)).await.unwrap();
        record.append(ended("none", Charge::No, 0)).await.unwrap();
        assert!(!record.stays());
        drop(record);
        let again = store.begin(&intent("none")).await.unwrap();
        assert!(again.send_before().is_some());
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_no_longer_there_to_be_resumed() {
    each(async |make, folder| {
        let store = make();
        let mut record = begun(&store, "one").await;
        let id = record.id().to_owned();
        record.append(answered("https://a.example/0.png", true)).await.unwrap();
        record.append(image(folder)).await.unwrap();
        record.append(ended("one", Charge::Yes, 1)).await.unwrap();
        assert!(!record.stays());
        assert!(matches!(record.append(NOT_SENT).await, Err(Refusal::Storage { .. })), "it is closed");
        assert_eq!(store.unfinished().await.unwrap(), []);
        assert!(matches!(store.open(&id).await, Err(Refusal::Storage { .. })));
        assert!(matches!(store.open("ark-77.job.jsonl").await, Err(Refusal::Storage { .. })));
    })
    .await;
}

#[tokio::test]
async fn every_entry_is_kept_in_its_order_also_of_a_kind_that_is_not_known() {
    each(async |make, folder| {
        let store = make();
        let mut record = begun(&store, "one").await;
        let entries = [
            RecordEntry::Accepted { task: task() },
            unknown_kind(),
            answered("https://a.example/0.png", false),
            answered("https://a.example/0.png", true),
            image(folder),
        ];
        for entry in &entries {
            record.append(entry.clone()).await.unwrap();
        }
        let id = record.id().to_owned();
        drop((record, store));
        let (history, _record) = make().open(&id).await.unwrap();
        assert_eq!(history.entries[1..], entries);
        assert!(history.is_whole() && history.saved().count() == 1);
    })
    .await;
}

#[tokio::test]
async fn an_entry_of_a_future_that_was_dropped_is_written() {
    each(async |make, _| {
        let store = make();
        let mut record = begun(&store, "one").await;
        let entries: Vec<_> =
            (0..20).map(|number| answered(&format!("https://a.example/{number}.png"), false)).collect();
        for entry in &entries {
            let mut future = record.append(entry.clone());
            let waker = std::task::Waker::noop();
            let _ = future.as_mut().poll(&mut std::task::Context::from_waker(waker));
        }
        let id = record.id().to_owned();
        drop(record);
        let (history, _record) = store.open(&id).await.unwrap();
        assert_eq!(history.entries[1..], entries);
    })
    .await;
}

#[tokio::test]
async fn an_image_in_a_file_is_synced_with_its_response() {
    each(async |make, folder| {
        let path = folder.join("unsaved-0.png");
        std::fs::write(&path, b"an image").unwrap();
        let store = make();
        let mut record = begun(&store, "one").await;
        assert!(!record.has_synced(&path));
        record.append(entries::in_file(&path)).await.unwrap();
        assert!(record.has_synced(&path));
        assert!(record.append(entries::in_file(&folder.join("gone.png"))).await.is_err(), "it cannot be synced");
    })
    .await;
}

#[tokio::test]
async fn purchases_of_a_job_are_records_of_their_own() {
    each(async |make, _| {
        let store = make();
        let first = begun(&store, "one").await;
        let second = store.begin(&job("one", 2)).await.unwrap();
        assert_ne!(first.id(), second.id());
        let ids = [first.id().to_owned(), second.id().to_owned()];
        drop((first, second));
        for (id, purchase) in ids.iter().zip(1..) {
            let (history, _record) = store.open(id).await.unwrap();
            assert_eq!(history.intent().unwrap().purchase, purchase);
        }
    })
    .await;
}

/// The protocol forbids what a client never asks for.
#[tokio::test]
async fn a_ledger_refuses_the_attempt_that_a_client_must_not_make() {
    for make in ledgers() {
        let store = make();
        let mut record = begun(&store, "one").await;
        assert!(matches!(record.attempt(&attempt("one", 2)).await, Err(Refusal::AlreadyBought { .. })));
        record.append(refused(Charge::Unknown)).await.unwrap();
        assert!(matches!(record.attempt(&attempt("one", 2)).await, Err(Refusal::AlreadyBought { .. })));
    }
}
