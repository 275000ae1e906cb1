//! Workers that are processes: alive, killed, and whole jobs against a server.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "stores/entries.rs"]
#[allow(dead_code, reason = "other tests use them too")]
mod entries;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use entries::{answered, ended, image, intent, refused, task};
use seedream_ark::Ark;
use seedream_client::{Client, ImageProvider as _, Job, JobStore, RecordEntry, Refusal};
use seedream_core::{Charge, ImageRequest};
use seedream_ledger::{JobFilter, Ledger, PlannedLine, Taken, Worker, WorkerOptions, protocol::LineState};
use seedream_mock::MockServer;
use serde_json::json;

const FOLDER: &str = "SEEDREAM_LEDGER_TEST_FOLDER";
const STOP_AFTER: &str = "SEEDREAM_LEDGER_TEST_STOP_AFTER";

fn open(folder: &Path) -> (Ledger, Worker) {
    let ledger = Ledger::open(folder.join("b.ledger")).unwrap();
    let worker = ledger.worker(WorkerOptions::of_batch("b")).unwrap();
    (ledger, worker)
}

/// What a process had done when it was killed, and in which state that leaves its line.
const POINTS: [(&str, LineState); 8] = [
    ("planned", LineState::Planned),
    ("reserved", LineState::Reserved),
    ("sent", LineState::Unknown),
    ("refused", LineState::Planned),
    ("accepted", LineState::Accepted),
    ("answered", LineState::Answered),
    ("saved", LineState::Saved),
    ("settled", LineState::Settled),
];

/// Works until the point that it is told, says so, and waits to be killed.
#[tokio::test]
async fn a_process_that_is_killed() {
    let (Ok(folder), Ok(stop)) = (std::env::var(FOLDER), std::env::var(STOP_AFTER)) else { return };
    let after = |point: &str| {
        if point == stop {
            println!("\nreached {point}");
            loop {
                std::thread::park();
            }
        }
    };
    let (ledger, worker) = open(Path::new(&folder));
    ledger.plan_lines("b", vec![PlannedLine::new(json!({"prompt": "a lighthouse"}))]).await.unwrap();
    after("planned");
    let Taken::Send(line) = worker.take().await.unwrap() else { panic!("nothing to send") };
    after("reserved");
    let mut record = worker.begin(&intent(&line.job)).await.unwrap();
    after("sent");
    if stop == "refused" {
        record.append(refused(Charge::No)).await.unwrap();
        after("refused");
    }
    record.append(RecordEntry::Accepted { task: task() }).await.unwrap();
    after("accepted");
    record.append(answered("https://a.example/0.png", true)).await.unwrap();
    after("answered");
    record.append(image(Path::new("out"))).await.unwrap();
    ledger.flush().await.unwrap();
    after("saved");
    record.append(ended(&line.job, Charge::Yes, 1)).await.unwrap();
    after("settled");
}

#[tokio::test]
async fn a_line_of_a_process_that_was_killed_is_bought_at_most_once() {
    for (point, expected) in POINTS {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["a_process_that_is_killed", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(STOP_AFTER, point)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains(&format!("reached {point}"))), "{point}");
        let (ledger, worker) = open(folder.path());
        let job = || async { ledger.jobs(JobFilter::default()).await.unwrap().remove(0) };
        let alive = job().await;
        let is_held = !matches!(expected, LineState::Settled) && point != "planned";
        assert_eq!(alive.purchases[0].is_held, is_held, "{point}");
        if is_held {
            assert!(matches!(worker.take().await.unwrap(), Taken::Nothing), "{point}");
            assert!(matches!(worker.begin(&intent(&alive.job)).await, Err(Refusal::Running { .. })), "{point}");
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let dead = job().await;
        assert_eq!((dead.purchases[0].state, dead.purchases[0].is_held), (expected, false), "{point}");
        let taken = worker.take().await.unwrap();
        match expected {
            LineState::Planned | LineState::Reserved => {
                let Taken::Send(line) = taken else { panic!("{point}: {taken:?}") };
                assert!(worker.begin(&intent(&line.job)).await.is_ok(), "{point}");
            }
            LineState::Unknown | LineState::Settled => {
                assert!(matches!(taken, Taken::Nothing), "{point}");
                assert!(
                    matches!(worker.begin(&intent(&dead.job)).await, Err(Refusal::AlreadyBought { .. })),
                    "{point}"
                );
            }
            _ => {
                let Taken::Collect(record) = taken else { panic!("{point}: {taken:?}") };
                let (history, _record) = worker.open(&record).await.unwrap();
                assert!(history.task().is_some() || history.is_whole(), "{point}");
            }
        }
    }
}

#[tokio::test]
async fn whole_jobs_are_bought_once_and_saved_and_their_bill_is_that_of_the_provider() {
    let folder = tempfile::tempdir().unwrap();
    let server = MockServer::builder().start().await.unwrap();
    let client = Client::builder(Ark).base_url(server.base_url("ark").unwrap()).key("a-key").build().unwrap();
    let row = |prompt: &str| PlannedLine::new(json!({ "prompt": prompt }));
    for run in 0..2 {
        let (ledger, worker) = open(folder.path());
        ledger.plan_lines("b", vec![row("one"), row("two"), row("two")]).await.unwrap();
        let mut bought = 0;
        loop {
            match worker.take().await.unwrap() {
                Taken::Send(line) => {
                    let request = ImageRequest::new("seedream-4.5", line.row["prompt"].as_str().unwrap());
                    let job = client.job(request).id(&line.job).store(Arc::new(worker.clone()));
                    let outcome = job.save_to(folder.path().join("out")).run().await.unwrap();
                    assert_eq!((outcome.images.len(), outcome.record), (1, None));
                    bought += 1;
                }
                Taken::Nothing => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(bought, if run == 0 { 3 } else { 0 });
        let spent = ledger.spend(Some("b"), None).await.unwrap();
        assert_eq!((spent.len(), spent[0].attempts, spent[0].state), (1, 3, LineState::Settled));
        assert_eq!((spent[0].billed_images, spent[0].delivered), (3, 3));
    }
    assert_eq!(server.ledger().len(), 3, "the provider billed three");
}

/// The process ends after the response and before the download, which the next run does.
#[tokio::test]
async fn what_was_answered_is_fetched_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = MockServer::builder().start().await.unwrap();
    let client = Client::builder(Ark).base_url(server.base_url("ark").unwrap()).key("a-key").build().unwrap();
    let request = ImageRequest::new("seedream-4.5", "a lighthouse");
    let made = client.generate(request).await.unwrap();
    {
        let (_ledger, worker) = open(folder.path());
        let mut record = worker.begin(&intent("one")).await.unwrap();
        record.append(RecordEntry::Answered { generation: made, whole: true, raw: None }).await.unwrap();
    }
    let (ledger, of_batch) = open(folder.path());
    assert!(matches!(of_batch.take().await.unwrap(), Taken::Nothing), "it is none of the batch");
    let worker = ledger.worker(WorkerOptions::default()).unwrap();
    let Taken::Collect(record) = worker.take().await.unwrap() else { panic!("nothing to collect") };
    let job = Job::resumed(Arc::new(client), record).store(Arc::new(worker.clone()));
    let outcome = job.output(Arc::new(seedream_client::FolderOutput::new(folder.path()))).run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.record), (1, None));
    let job = ledger.show("one").await.unwrap().unwrap();
    assert_eq!(job.job.purchases[0].state, LineState::Settled);
    assert!(matches!(worker.take().await.unwrap(), Taken::Nothing));
    assert_eq!(server.ledger().len(), 1);
}
