//! Two processes in one folder, and disks that take nothing.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use seedream_core::{Charge, ErrorKind, GeneratedImage, ImageData};

use super::{super::*, Folder, message, support::*};
use crate::RecordEntry;

/// The folder in which a second process of this test begins a record.
const FOLDER: &str = "SEEDREAM_TEST_FOLDER";

/// This test in a second process, and the id of the record that it began.
fn second_process(folder: &Path) -> (Child, String) {
    let test = "record::folder::tests::processes::a_second_process_takes_another_number_and_its_death_frees_its_record";
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let id = lines.map_while(Result::ok).find_map(|line| Some(line.split_once("it began ")?.1.to_owned()));
    (child, id.expect("a record"))
}

#[tokio::test]
async fn a_second_process_takes_another_number_and_its_death_frees_its_record() {
    if let Ok(folder) = env::var(FOLDER) {
        let mut record = FolderStore::new(folder).begin(&intent()).await.unwrap();
        record.append(answered(&["https://a.example/0.png"])).await.unwrap();
        println!("it began {}", record.id());
        // Until it is killed.
        let _ = std::io::stdin().read_line(&mut String::new());
        panic!("it was to be killed");
    }
    let folder = Folder::new();
    let store = folder.store();
    let ours = store.begin(&intent()).await.unwrap();
    let (mut child, id) = second_process(folder.0.path());
    let theirs = store.begin(&intent()).await.unwrap();
    assert_eq!(folder.names(), ["ark-0.job.jsonl", "ark-1.job.jsonl", "ark-2.job.jsonl"]);
    assert!(ours.id().ends_with("ark-0.job.jsonl") && theirs.id().ends_with("ark-2.job.jsonl"));
    assert!(matches!(store.open(&id).await, Err(Refusal::Running { .. })));
    assert_eq!(store.unfinished().await.unwrap(), []);
    child.kill().unwrap();
    child.wait().unwrap();
    let (history, _record) = store.open(&id).await.unwrap();
    assert_eq!(history.entries, [RecordEntry::Intent(intent()), answered(&["https://a.example/0.png"])]);
}

#[test]
fn stores_of_one_folder_take_different_numbers() {
    let folder = Folder::new();
    // Their disk wakes them together, each time.
    let racer = || (0..12).map(|_| folder.store().begin_now(&intent()).unwrap()).collect::<Vec<_>>();
    let records: Vec<_> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(racer)).collect();
        racers.into_iter().flat_map(|racer| racer.join().unwrap()).collect()
    });
    let mut expected: Vec<_> = (0..96).map(|number| format!("ark-{number}.job.jsonl")).collect();
    expected.sort();
    assert_eq!((folder.names(), records.len()), (expected, 96));
}

/// A small disk of its own, where this process may mount one.
struct Disk(Folder);

impl Disk {
    fn mount(options: &str) -> Option<Self> {
        let disk = Self(Folder::new());
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(disk.0.0.path()).output();
        match mount {
            Ok(output) if output.status.success() => Some(disk),
            other => {
                println!("left out: no tmpfs can be mounted here: {other:?}");
                std::mem::forget(disk);
                None
            }
        }
    }

    fn remount(&self, options: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.0.0.path()).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("--lazy").arg(self.0.0.path()).status();
        assert!(done.unwrap().success());
    }
}

#[tokio::test]
async fn on_a_full_disk_nothing_begins_and_what_has_begun_has_its_room() {
    let Some(disk) = Disk::mount("size=128k") else { return };
    let store = disk.0.store();
    let mut record = store.begin(&intent()).await.unwrap();
    // One page is needed for the folder's own sake on some systems, the rest is not enough for another record.
    disk.0.write("filler", vec![7; 32 << 10]);
    let refusal = store.begin(&intent()).await.unwrap_err();
    for part in [disk.0.0.path().to_str().unwrap(), "No space left", "choose another folder"] {
        assert!(message(&refusal).contains(part), "{refusal}");
    }
    assert_eq!(disk.0.names(), ["ark-0.job.jsonl", "filler"], "nothing is left of it");
    let rest = fs::OpenOptions::new().create(true).append(true).open(disk.0.0.path().join("filler")).unwrap();
    while std::io::Write::write(&mut &rest, &[7; 512]).is_ok_and(|written| written > 0) {}

    record.append(RecordEntry::Accepted { task: task() }).await.unwrap();
    let small = |index| GeneratedImage::new(index, ImageData::Bytes(vec![7; 100 << 10].into()));
    let large = GeneratedImage::new(2, ImageData::Bytes(vec![7; 300 << 10].into()));
    let all = generation([url(0, "https://a.example/0.png"), small(1), large]);
    let raw = Some("x".repeat(70_000));
    let refusal = record.append(RecordEntry::Answered { generation: all, whole: true, raw }).await.unwrap_err();
    assert!(message(&refusal).contains("free some space"), "{refusal}");
    record.append(image(0, "/out")).await.unwrap();
    let read = disk.0.read("ark-0.job.jsonl");
    assert_eq!((read.entries.len(), &read.torn[..]), (4, &[][..]));
    let RecordEntry::Answered { generation, raw: None, .. } = &read.entries[2] else { panic!("{:?}", read.entries[2]) };
    assert_eq!(generation.outcomes[0], Ok(url(0, "https://a.example/0.png")));
    for (outcome, told) in generation.outcomes[1..].iter().zip(["no room to keep it", "could not be kept"]) {
        let failure = outcome.as_ref().unwrap_err();
        assert!(failure.kind == ErrorKind::Storage && failure.message.contains(told), "{failure}");
    }
    assert_eq!(generation.charge(), Charge::Yes);
}

#[tokio::test]
async fn on_a_disk_that_cannot_be_written_nothing_begins_and_everything_is_read() {
    let Some(disk) = Disk::mount("size=1m") else { return };
    let store = disk.0.store();
    drop(store.begin(&intent()).await.unwrap());
    disk.remount("ro");
    let refusal = store.begin(&intent()).await.unwrap_err();
    assert!(message(&refusal).contains("Read-only"), "{refusal}");
    assert_eq!(store.unfinished().await.unwrap().len(), 1);
    assert!(message(&store.open("ark-0.job.jsonl").await.unwrap_err()).contains("Read-only"));
    disk.remount("rw");
}
