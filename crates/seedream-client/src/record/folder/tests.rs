//! Records in a folder, against a real disk.

use std::{fs, task::Context};

use futures_util::task::noop_waker;
use seedream_core::Charge;

use super::*;
use crate::{Location, RecordEntry};

mod crashes;
mod kept_images;
mod processes;
mod record_form;
mod record_stays;
mod support;

use self::support::*;

/// A folder, and what is in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> FolderStore {
        FolderStore::new(self.0.path())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, name: &str) -> record_text::RecordText {
        record_text::read(&fs::read(self.0.path().join(name)).unwrap()).unwrap()
    }
}

/// Polls a future once, as one that is then dropped.
fn begin_only<T>(future: impl Future<Output = T>) {
    let future = std::pin::pin!(future);
    let _ = future.poll(&mut Context::from_waker(&noop_waker()));
}

fn message(refusal: &Refusal) -> String {
    assert!(matches!(refusal, Refusal::Storage { .. }), "{refusal:?}");
    refusal.to_string()
}

#[tokio::test]
async fn a_record_is_there_before_begin_returns_and_goes_after_attempts_that_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::new(folder.path().join("made/on/the/way"));
    let mut record = store.begin(&intent()).await.unwrap();
    let id = record.id().to_owned();
    assert!(id.ends_with("ark-0.job.jsonl"), "{id}");
    let text = fs::read_to_string(&id).unwrap();
    assert_eq!(text.len(), record_text::ROOM);
    assert!(text.starts_with(r#"{"record":"seedream-job/1","entry":"intent""#), "{}", &text[..80]);
    record.append(NOT_SENT).await.unwrap();
    record.append(ended(outcome())).await.unwrap();
    assert!(!Path::new(&id).exists());
    assert!(message(&record.append(NOT_SENT).await.unwrap_err()).contains("closed"));
    assert!(format!("{record:?}").contains(&id));
    let log = crate::disk::operation_log::below(folder.path());
    let synced: Vec<_> = log.iter().filter(|op| matches!(op, crate::disk::operation_log::Op::SyncFolder(_))).collect();
    assert_eq!(synced.len(), 5, "the folder, and those in which one was made: {synced:?}");
}

#[tokio::test]
async fn a_folder_that_cannot_have_a_record_is_refused_with_its_cause() {
    let folder = Folder::new();
    let file = folder.write("afile", "x");
    for out in [file.clone(), file.join("below/it")] {
        let refusal = FolderStore::new(out).begin(&intent()).await.unwrap_err();
        let expected = format!("{} is a file, not a folder: choose another output folder", file.display());
        assert_eq!(message(&refusal), expected);
    }
    #[cfg(target_os = "linux")]
    {
        let refusal = FolderStore::new("/proc/x").begin(&intent()).await.unwrap_err();
        let told = message(&refusal);
        assert!(told.starts_with("the folder /proc/x cannot be created: ") && !told.contains("space"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_may_be_sent_within_ten_seconds_of_its_intent() {
    let folder = Folder::new();
    let mut record = folder.store().begin(&intent()).await.unwrap();
    let now = tokio::time::Instant::now();
    assert_eq!(record.send_before().unwrap().instant(), now + Duration::from_secs(10));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(record.send_before().unwrap().has_passed());
    record.append(NOT_SENT).await.unwrap();
    record.attempt(&attempt(2)).await.unwrap();
    assert_eq!(record.send_before().unwrap().instant(), now + Duration::from_secs(70));
    assert_eq!(
        folder.read("ark-0.job.jsonl").entries,
        [RecordEntry::Intent(intent()), NOT_SENT, RecordEntry::Intent(attempt(2))]
    );
}

#[tokio::test]
async fn what_was_appended_is_read_by_the_next_process_and_gone_on_with() {
    let folder = Folder::new();
    let entries = every_kind();
    let RecordEntry::Intent(first) = &entries[0] else { panic!() };
    let mut record = folder.store().begin(first).await.unwrap();
    for entry in &entries[1..13] {
        match entry {
            RecordEntry::Intent(intent) => record.attempt(intent).await.unwrap(),
            // There is no such file.
            RecordEntry::Answered { whole: true, .. } => assert!(record.append(entry.clone()).await.is_err()),
            entry => record.append(entry.clone()).await.unwrap(),
        }
    }
    let id = record.id().to_owned();
    drop(record);
    let (history, mut record) = folder.store().open("ark-0.job.jsonl").await.unwrap();
    assert_eq!((&history.id, &history.entries[..]), (&id, &entries[..13]));
    assert!(record.send_before().is_none(), "what is opened is not sent");
    record.append(entries[13].clone()).await.unwrap();
    record.append(entries[14].clone()).await.unwrap();
    drop(record);
    assert_eq!(folder.read("ark-0.job.jsonl").entries, entries);
    let length = fs::metadata(&id).unwrap().len();
    assert_eq!(length, folder.read("ark-0.job.jsonl").end, "the padding is gone");
    assert_eq!(folder.store().unfinished().await.unwrap(), [History::new(&id, entries)]);
}

#[tokio::test]
async fn records_are_found_by_name_or_path_and_listed_in_order() {
    let folder = Folder::new();
    let store = folder.store();
    for _ in 0..11 {
        drop(store.begin(&intent()).await.unwrap());
    }
    folder.write("ark-1.png", "an image");
    folder.write("ark-12.image-0.png", "one that a record kept");
    folder.write("ark-13.job.json", "something else");
    folder.write(".ark-14.job.jsonl", "hidden");
    let running = store.begin(&intent()).await.unwrap();
    assert!(running.id().ends_with("ark-11.job.jsonl"), "{}", running.id());
    assert!(store.begin(&intent()).await.unwrap().id().ends_with("ark-13.job.jsonl"), "12 is taken");
    let other = Intent { provider: "a/../b c".into(), ..intent() };
    let id = store.begin(&other).await.unwrap().id().to_owned();
    assert_eq!(Path::new(&id).file_name().unwrap(), "a_.._b_c-0.job.jsonl");
    fs::rename(&id, folder.0.path().join("mine.job.jsonl")).unwrap();
    let ids: Vec<_> = store.unfinished().await.unwrap().into_iter().map(|history| history.id).collect();
    let path = |name: String| folder.0.path().join(name).to_str().unwrap().to_owned();
    let mut expected: Vec<_> = (0..11).chain([13]).map(|number| path(format!("ark-{number}.job.jsonl"))).collect();
    expected.push(path("mine.job.jsonl".to_owned()));
    assert_eq!(ids, expected);
    assert!(matches!(store.open(running.id()).await, Err(Refusal::Running { id }) if id == running.id()));

    for id in ["mine.job.jsonl", &path("mine.job.jsonl".to_owned())] {
        assert_eq!(store.open(id).await.unwrap().0.intent(), Some(&other));
    }
    let elsewhere = FolderStore::new("/nonexistent");
    assert_eq!(elsewhere.unfinished().await.unwrap(), []);
    assert!(elsewhere.open(&path("mine.job.jsonl".to_owned())).await.is_ok(), "a path is one wherever it is");
    let ours = elsewhere.open("tests/records/version-1.job.jsonl").await.unwrap();
    assert_eq!(ours.0.entries, every_kind(), "this one is where this process is");
    let above = FolderStore::new(folder.0.path().parent().unwrap());
    let below = format!("{}/mine.job.jsonl", folder.0.path().file_name().unwrap().to_str().unwrap());
    assert!(above.open(&below).await.is_ok(), "or one below the folder");
    for (id, told) in [("ark-99.job.jsonl", "there is no record"), ("ark-1.png", "ends in .job.jsonl")] {
        assert!(message(&store.open(id).await.unwrap_err()).contains(told), "{id}");
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_its_name_and_left_as_it_is() {
    let folder = Folder::new();
    let store = folder.store();
    let refused = async |bytes: &[u8], told: &[&str]| {
        let path = folder.write("ark-0.job.jsonl", bytes);
        let opened = message(&store.open("ark-0.job.jsonl").await.unwrap_err());
        assert_eq!(opened, message(&store.unfinished().await.unwrap_err()));
        for part in told.iter().chain([&path.to_str().unwrap()]) {
            assert!(opened.contains(part), "{opened}");
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
        path
    };
    refused(br#"{"record":"seedream-job/9"}"#, &["seedream-job/9", "a newer one"]).await;
    let path = refused(b"{\"record\":\"seedream-job/1\"\n", &["line 1", "ask the provider"]).await;
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(record_text::LONGEST + 1).unwrap();
    assert!(message(&store.open("ark-0.job.jsonl").await.unwrap_err()).contains("too large"));

    let file = folder.write("file", "");
    let beneath = FolderStore::new(file.join("out"));
    let refusal = beneath.begin(&intent()).await.unwrap_err();
    assert!(message(&refusal).contains(file.to_str().unwrap()), "{refusal}");
    assert!(matches!(refusal, Refusal::Storage { source: Some(_), .. }), "{refusal:?}");
    assert!(message(&FolderStore::new(file).unfinished().await.unwrap_err()).contains("cannot be read"));
    fs::remove_file(folder.0.path().join("ark-0.job.jsonl")).unwrap();
    fs::create_dir(folder.0.path().join("ark-0.job.jsonl")).unwrap();
    assert!(message(&store.open("ark-0.job.jsonl").await.unwrap_err()).contains("cannot be read"));
}

#[tokio::test]
async fn a_future_that_is_dropped_does_not_recall_its_entry() {
    let folder = Folder::new();
    let mut record = folder.store().begin(&intent()).await.unwrap();
    let entries: Vec<_> = (0..40).map(|index| image(index, "/out")).collect();
    for entry in &entries {
        begin_only(record.append(entry.clone()));
    }
    begin_only(record.attempt(&attempt(2)));
    begin_only(record.append(ended(unclear())));
    drop(record);
    // It is waited for, since this very process is still writing.
    let (history, _record) = folder.store().open("ark-0.job.jsonl").await.unwrap();
    assert_eq!(history.entries[1..41], entries);
    assert_eq!(history.entries[41..], [RecordEntry::Intent(attempt(2)), ended(unclear())]);
}

#[test]
fn a_record_that_was_begun_for_no_job_is_removed() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        begin_only(folder.store().begin(&intent()));
        drop(go);
        assert!(busy.await.unwrap().is_err());
    });
    // It waits for threads that write.
    drop(runtime);
    let log = crate::disk::operation_log::below(folder.0.path());
    assert!(log.iter().any(|op| matches!(op, crate::disk::operation_log::Op::Publish { .. })), "it was there: {log:?}");
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn records_are_written_without_a_runtime_too() {
    let folder = Folder::new();
    futures_util::FutureExt::now_or_never(async {
        let mut record = folder.store().begin(&intent()).await.unwrap();
        record.append(ended(unclear())).await.unwrap();
        assert_eq!(folder.store().unfinished().await.unwrap().len(), 1);
    })
    .unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_synced_is_told_of_once() {
    let folder = Folder::new();
    let store = folder.store();
    drop(store.begin(&intent()).await.unwrap());
    assert_eq!(store.warnings(), [""; 0]);
    store.synced(false);
    let other = store.clone();
    assert!(other.warnings()[0].contains(folder.0.path().to_str().unwrap()));
    store.synced(false);
    assert_eq!((store.warnings(), other.warnings()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_torn_line_is_blanked_before_the_next_is_written() {
    let folder = Folder::new();
    let store = folder.store();
    let (head, end) = record_text::head(&intent()).unwrap();
    let torn = b"\n{\"entry\":\"image\", torn";
    for padding in [&head[end + torn.len()..], b""] {
        let path = folder.write("ark-0.job.jsonl", [&head[..end], torn, padding].concat());
        drop(store.open("ark-0.job.jsonl").await.unwrap());
        assert_eq!(fs::read(&path).unwrap(), [&head[..end], torn, padding].concat(), "a look changes nothing");
        let (history, mut record) = store.open("ark-0.job.jsonl").await.unwrap();
        assert_eq!(history.entries, [RecordEntry::Intent(intent())]);
        record.append(NOT_SENT).await.unwrap();
        record.append(RecordEntry::Accepted { task: task() }).await.unwrap();
        record.append(answered(&["https://a.example/0.png"])).await.unwrap();
        let read = folder.read("ark-0.job.jsonl");
        assert_eq!((read.entries.len(), &read.torn[..]), (4, &[][..]));
        assert!(!fs::read_to_string(&path).unwrap().contains("torn"));
    }
}

#[tokio::test]
async fn a_record_that_outgrows_its_room_goes_on() {
    let folder = Folder::new();
    let mut record = folder.store().begin(&intent()).await.unwrap();
    let long = RecordEntry::Answered { generation: generation([]), whole: true, raw: Some("\"\n".repeat(40_000)) };
    record.append(long.clone()).await.unwrap();
    record.append(image(0, "/out")).await.unwrap();
    assert_eq!(folder.read("ark-0.job.jsonl").entries[1..], [long, image(0, "/out")]);
}

#[tokio::test]
async fn a_record_that_was_removed_before_it_was_locked_is_none() {
    let folder = Folder::new();
    let record = folder.store().begin(&intent()).await.unwrap();
    let path = PathBuf::from(record.id());
    let file = fs::File::open(&path).unwrap();
    assert!(!lock::is_gone(&file, &path).unwrap());
    fs::remove_file(&path).unwrap();
    assert!(lock::is_gone(&file, &path).unwrap());
    let mut outcome = outcome();
    (outcome.charge, outcome.sidecar) = (Charge::Yes, Some(Location::Url("https://mine.example".into())));
    let mut record = record;
    assert!(message(&record.append(ended(outcome)).await.unwrap_err()).contains("cannot be removed"));
}
