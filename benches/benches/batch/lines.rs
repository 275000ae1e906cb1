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
use tokio::sync::Semaphore;

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
    /// How many are planned.
    lines: usize,
    /// How many of these all processes together buy.
    bought: usize,
    /// How many processes share the ledger.
    workers: usize,
    /// How many lines each buys side by side.
    at_once: usize,
    /// How long the provider takes, in milliseconds.
    takes: u64,
}

pub(crate) fn contests() -> Result<Vec<Contest>> {
    let contest = |title: &str, takes, several: &[(usize, usize, usize, usize)]| {
        let entry = |&(lines, bought, workers, at_once): &(usize, usize, usize, usize)| {
            let label = format!("{bought} of {lines} lines, workers: {workers}, each {at_once} at a time");
            Entry::new(label, &Lines { lines, bought, workers, at_once, takes })
        };
        let entries = several.iter().map(entry).collect::<Result<_>>()?;
        crate::Result::Ok(Contest { title: title.to_owned(), unit: "line", rounds: 3, entries, memory: None })
    };
    Ok(vec![
        contest("a provider that answers in 200 ms", 200, &[(400, 400, 1, 4), (400, 400, 4, 4)])?,
        contest("a provider that answers at once", 0, &[(2_000, 2_000, 1, 16), (2_000, 2_000, 4, 4)])?,
        // The time is for both: what is planned, and what is bought.
        contest("memory of a batch", 0, &[(10_000, 500, 1, 16), (100_000, 500, 1, 16)])?,
    ])
}

pub(crate) fn run_entry() -> Result<Cost> {
    let (lines, _) = contest::job::<Lines>()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    // CPU time is that of the threads that are there at the end, so nothing is dropped before.
    let runtime = runtime()?;
    let meter = Meter::start()?;
    let planned = runtime.block_on(async {
        let row = |number| {
            PlannedLine::new(&json!({"prompt": format!("a lighthouse in fog, seen at dawn, number {number}")}))
        };
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
    let mut cost = meter.stop(lines.bought)?;
    cost.cpu += cpu_of_children()? / lines.bought as f64;
    drop((planned, bought));
    Ok(cost)
}

/// Microseconds of CPU time of the processes that this one waited for.
fn cpu_of_children() -> Result<f64> {
    // Its first two fields hold a name with any letters; then those of children are the 14th and 15th, in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("stat")?;
    let ticks =
        fields.split_whitespace().skip(13).take(2).map(str::parse::<f64>).sum::<std::result::Result<f64, _>>()?;
    Ok(ticks * 1e4)
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

/// Buys its share of the lines.
async fn buy(folder: &Path, lines: Lines) -> Result<Ledger> {
    let ledger = Ledger::open(ledger(folder))?;
    let worker = ledger.worker(WorkerOptions::of_batch(BATCH))?;
    let client = provider::client(Duration::from_millis(lines.takes))?;
    let left = Arc::new(Semaphore::new(lines.bought / lines.workers));
    let tasks: Vec<_> = (0..lines.at_once)
        .map(|_| {
            let (worker, client, out, left) = (worker.clone(), client.clone(), folder.join("out"), left.clone());
            tokio::spawn(async move {
                while let Ok(one) = left.try_acquire() {
                    one.forget();
                    let Taken::Send(line) = worker.take().await? else { break };
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
