//! Workers that are processes: alive, killed, and whole jobs against a server.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "stores/entries.rs"]
#[allow(dead_code, reason = "other tests use them too")]
mod entries;
#[path = "support/ledgers.rs"]
mod ledgers;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use entries::{answered, ended, image, intent, refused, task};
use ledgers::Place;
use seedream_ark::Ark;
use seedream_client::{Client, ImageProvider as _, Job, JobStore, RecordEntry, Refusal};
use seedream_core::{Amount, Charge, ImageRequest};
use seedream_ledger::{
    Budget, IMAGES, JobFilter, Ledger, PlannedLine, Taken, Worker, WorkerOptions, protocol::LineState,
};
use seedream_mock::MockServer;
use serde_json::json;

const LEDGER: &str = "SEEDREAM_LEDGER_TEST_LEDGER";
const FOLDER: &str = "SEEDREAM_LEDGER_TEST_FOLDER";
const STOP_AFTER: &str = "SEEDREAM_LEDGER_TEST_STOP_AFTER";

fn open(place: &Place) -> (Ledger, Worker) {
    let ledger = place.open();
    let worker = ledger.worker(WorkerOptions::of_batch("b")).unwrap();
    (ledger, worker)
}

/// The ledger and the folder of a process, where a test has started it.
fn given() -> Option<(Ledger, PathBuf)> {
    let (ledger, folder) = (std::env::var(LEDGER).ok()?, PathBuf::from(std::env::var(FOLDER).ok()?));
    Some((ledgers::open(&ledger, &folder), folder))
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
    let (Some((ledger, _)), Ok(stop)) = (given(), std::env::var(STOP_AFTER)) else { return };
    let after = |point: &str| {
        if point == stop {
            println!("\nreached {point}");
            loop {
                std::thread::park();
            }
        }
    };
    let worker = ledger.worker(WorkerOptions::of_batch("b")).unwrap();
    ledger.plan_lines("b", vec![PlannedLine::new(&json!({"prompt": "a lighthouse"}))]).await.unwrap();
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
    for ((point, expected), place) in
        POINTS.into_iter().flat_map(|point| Place::each().into_iter().map(move |place| (point, place)))
    {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["a_process_that_is_killed", "--exact", "--nocapture", "--test-threads=1"])
            .env(LEDGER, &place.ledger)
            .env(FOLDER, place.path())
            .env(STOP_AFTER, point)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains(&format!("reached {point}"))), "{point}");
        let (ledger, worker) = open(&place);
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
        place.all_workers_ended();

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

/// A provider that notes every request in a file, and nothing else.
fn post(folder: &Path, job: &str) {
    let mut log = std::fs::File::options().create(true).append(true).open(folder.join("posts")).unwrap();
    log.write_all(format!("{job}\n").as_bytes()).unwrap();
}

/// Polls a future once, so that the thread that writes has its work, and ends the process in the middle of it.
fn die(future: impl Future<Output = impl Sized>) -> ! {
    let future = std::pin::pin!(future);
    let _ = future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    std::process::abort()
}

/// Buys lines until a number of steps was made, and ends there without a word.
async fn buy(ledger: &Ledger, folder: &Path, mut steps: u32) {
    let budget = Budget::of_batch(Amount::micros(LINES as i64 * 1_000_000, IMAGES));
    let worker = ledger.worker(WorkerOptions::of_batch("b").budget(budget)).unwrap();
    let mut ends = || {
        steps -= 1;
        steps == 0
    };
    // Each step is made, or begun and cut off.
    macro_rules! step {
        ($future:expr) => {
            if ends() { die($future) } else { $future.await.unwrap() }
        };
    }
    loop {
        let (mut record, job) = match step!(worker.take()) {
            Taken::Send(line) => {
                let begun = step!(worker.begin(&intent(&line.job)));
                post(folder, &line.job);
                (begun, line.job.clone())
            }
            Taken::Collect(record) => match worker.open(&record).await {
                Ok((_, open)) => (open, record),
                // Another one was faster.
                Err(_) => continue,
            },
            _ => return,
        };
        step!(record.append(answered("https://a.example/0.png", true)));
        step!(record.append(image(Path::new("out"))));
        step!(record.append(ended(&job, Charge::Yes, 1)));
    }
}

const LINES: usize = 60;
const STEPS: &str = "SEEDREAM_LEDGER_TEST_STEPS";

#[tokio::test]
async fn a_process_that_ends_in_the_middle() {
    let (Some((ledger, folder)), Ok(steps)) = (given(), std::env::var(STEPS)) else { return };
    buy(&ledger, &folder, steps.parse().unwrap()).await;
}

#[tokio::test]
async fn processes_that_end_anywhere_buy_no_line_twice_and_forget_none() {
    for place in Place::each() {
        let ledger = place.open();
        let lines = (0..LINES).map(|number| PlannedLine::new(&json!({ "prompt": number })));
        ledger.plan_lines("b", lines.collect()).await.unwrap();
        for round in 0..10 {
            let children: Vec<_> = (0..4)
                .map(|number| {
                    Command::new(std::env::current_exe().unwrap())
                        .args(["a_process_that_ends_in_the_middle", "--exact", "--test-threads=1"])
                        .env(LEDGER, &place.ledger)
                        .env(FOLDER, place.path())
                        .env(STEPS, (1 + (round * 4 + number) % 11).to_string())
                        .stdout(Stdio::null())
                        .stderr(Stdio::null())
                        .spawn()
                        .unwrap()
                })
                .collect();
            for mut child in children {
                assert!(!child.wait().unwrap().success(), "it ends in the middle");
            }
            place.all_workers_ended();
        }
        buy(&ledger, place.path(), u32::MAX).await;

        let posts = std::fs::read_to_string(place.path().join("posts")).unwrap();
        let mut posts: Vec<_> = posts.lines().collect();
        posts.sort_unstable();
        let count = posts.len();
        posts.dedup();
        assert_eq!(posts.len(), count, "a line was bought twice");
        let jobs = ledger.jobs(JobFilter::of_batch("b")).await.unwrap();
        let in_state = |state| jobs.iter().filter(move |job| job.purchases[0].state == state).count();
        let (settled, unknown) = (in_state(LineState::Settled), in_state(LineState::Unknown));
        assert_eq!(settled + unknown, LINES, "every line is settled or in doubt");
        assert!(
            count >= settled && count <= LINES && unknown <= 40,
            "{count} posts, {settled} settled, {unknown} unknown"
        );
        println!("{count} posts, {settled} settled, {unknown} unknown");
        let held: i64 =
            jobs.iter().map(|job| job.purchases[0].attempts.iter().map(|one| one.held.micros).sum::<i64>()).sum();
        assert_eq!(held, unknown as i64 * 1_000_000, "held is what is in doubt");
    }
}

#[tokio::test]
async fn whole_jobs_are_bought_once_and_saved_and_their_bill_is_that_of_the_provider() {
    for place in Place::each() {
        let server = MockServer::builder().start().await.unwrap();
        let client = Client::builder(Ark).base_url(server.base_url("ark").unwrap()).key("a-key").build().unwrap();
        let row = |prompt: &str| PlannedLine::new(&json!({ "prompt": prompt }));
        let mut twice = row("one");
        twice.purchases = 2;
        for run in 0..2 {
            let (ledger, worker) = open(&place);
            ledger.plan_lines("b", vec![twice.clone(), row("two"), row("two")]).await.unwrap();
            let mut bought = 0;
            loop {
                match worker.take().await.unwrap() {
                    Taken::Send(line) => {
                        let request = ImageRequest::new("seedream-4.5", line.row["prompt"].as_str().unwrap());
                        let job =
                            client.job(request).id(&line.job).numbered(line.purchase).store(Arc::new(worker.clone()));
                        let outcome = job.save_to(place.path().join("out")).run().await.unwrap();
                        assert_eq!((outcome.images.len(), outcome.record), (1, None));
                        bought += 1;
                    }
                    Taken::Nothing => break,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(bought, if run == 0 { 4 } else { 0 });
            let spent = ledger.spend(Some("b"), None).await.unwrap();
            assert_eq!((spent.len(), spent[0].attempts, spent[0].state), (1, 4, LineState::Settled));
            assert_eq!((spent[0].billed_images, spent[0].delivered), (4, 4));
        }
        assert_eq!(server.ledger().len(), 4, "what the provider billed");
    }
}

/// The process ends after the response and before the download, which the next run does.
#[tokio::test]
async fn what_was_answered_is_fetched_by_the_next_run() {
    for place in Place::each() {
        let server = MockServer::builder().start().await.unwrap();
        let client = Client::builder(Ark).base_url(server.base_url("ark").unwrap()).key("a-key").build().unwrap();
        let request = ImageRequest::new("seedream-4.5", "a lighthouse");
        let made = client.generate(request).await.unwrap();
        {
            let (_ledger, worker) = open(&place);
            let mut record = worker.begin(&intent("one")).await.unwrap();
            record.append(RecordEntry::Answered { generation: made, whole: true, raw: None }).await.unwrap();
        }
        let (ledger, of_batch) = open(&place);
        assert!(matches!(of_batch.take().await.unwrap(), Taken::Nothing), "it is none of the batch");
        let worker = ledger.worker(WorkerOptions::default()).unwrap();
        let Taken::Collect(record) = worker.take().await.unwrap() else { panic!("nothing to collect") };
        let job = Job::resumed(Arc::new(client), record).store(Arc::new(worker.clone()));
        let outcome = job.output(Arc::new(seedream_client::FolderOutput::new(place.path()))).run().await.unwrap();
        assert_eq!((outcome.images.len(), outcome.record), (1, None));
        let job = ledger.show("one").await.unwrap().unwrap();
        assert_eq!(job.job.purchases[0].state, LineState::Settled);
        assert!(matches!(worker.take().await.unwrap(), Taken::Nothing));
        assert_eq!(server.ledger().len(), 1);
    }
}
