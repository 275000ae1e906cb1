//! Lines that are bought: how many a second, and in how much memory.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use seedream::Job;
use seedream_ledger::{Ledger, PlannedLine, Taken, WorkerOptions};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Result,
    contest::{self, Contest, Entry},
    meter::{Cost, Meter},
    provider,
};

const WORKER: &str = "SEEDREAM_BENCH_WORKER";
const BATCH: &str = "b";

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Lines {
    lines: usize,
    /// How many processes share the ledger.
    workers: usize,
    /// How many lines each buys side by side.
    at_once: usize,
    /// How long the provider takes, in milliseconds.
    takes: u64,
}

pub(crate) fn contests() -> Result<Vec<Contest>> {
    let contest = |title: &str, rounds, several: &[(usize, usize, usize, u64)]| {
        let entry = |&(lines, workers, at_once, takes): &(usize, usize, usize, u64)| {
            let label = format!("{lines} lines, workers: {workers}, each {at_once} at a time");
            Entry::new(label, &Lines { lines, workers, at_once, takes })
        };
        let entries = several.iter().map(entry).collect::<Result<_>>()?;
        crate::Result::Ok(Contest { title: title.to_owned(), unit: "line", rounds, entries, memory: None })
    };
    Ok(vec![
        contest("a provider that answers in 200 ms", 3, &[(400, 1, 4, 200), (400, 4, 4, 200)])?,
        contest("a provider that answers at once", 1, &[(10_000, 1, 16, 0), (10_000, 4, 4, 0), (100_000, 1, 16, 0)])?,
    ])
}

pub(crate) fn run_entry() -> Result<Cost> {
    let (lines, _) = contest::job::<Lines>()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    // CPU time is that of the threads that are there at the end, so nothing is dropped before.
    let runtime = runtime()?;
    let meter = Meter::start()?;
    let planned = runtime.block_on(async {
        let row =
            |number| PlannedLine::new(json!({"prompt": format!("a lighthouse in fog, seen at dawn, number {number}")}));
        let planned = (0..lines.lines).map(row).collect();
        let ledger = Ledger::open(ledger(folder.path()))?;
        ledger.plan_lines(BATCH, planned).await?;
        crate::Result::Ok(ledger)
    })?;
    let start = || {
        let worker = serde_json::to_string(&(folder.path(), lines))?;
        Ok(Command::new(std::env::current_exe()?).env(WORKER, worker).spawn()?)
    };
    let others: Vec<_> = (1..lines.workers).map(|_| start()).collect::<Result<_>>()?;
    let bought = runtime.block_on(buy(folder.path(), lines))?;
    for mut other in others {
        if !other.wait()?.success() {
            return Err("a worker failed".into());
        }
    }
    let cost = meter.stop(lines.lines);
    drop((planned, bought));
    cost
}

/// What this process does where it is one of several workers.
pub(crate) fn worker() -> Option<Result<()>> {
    let worker = std::env::var(WORKER).ok()?;
    let run = || {
        let (folder, lines): (PathBuf, Lines) = serde_json::from_str(&worker)?;
        runtime()?.block_on(buy(&folder, lines)).map(drop)
    };
    Some(run())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn ledger(folder: &Path) -> PathBuf {
    folder.join("b.ledger")
}

/// Buys until nothing is left.
async fn buy(folder: &Path, lines: Lines) -> Result<Ledger> {
    let ledger = Ledger::open(ledger(folder))?;
    let worker = ledger.worker(WorkerOptions::of_batch(BATCH))?;
    let client = provider::client(Duration::from_millis(lines.takes))?;
    let tasks: Vec<_> = (0..lines.at_once)
        .map(|_| {
            let (worker, client, out) = (worker.clone(), client.clone(), folder.join("out"));
            tokio::spawn(async move {
                while let Taken::Send(line) = worker.take().await? {
                    let job = Job::new(client.clone(), provider::request(&line.row)).id(&line.job);
                    job.store(Arc::new(worker.clone())).save_to(&out).run().await?;
                }
                crate::Result::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    ledger.flush().await?;
    Ok(ledger)
}
