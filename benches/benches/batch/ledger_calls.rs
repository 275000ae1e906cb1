//! What the entries of one call cost in a ledger, beside a bare write and sync.

use std::{fs::File, io::Write as _, path::Path};

use seedream::seedream_client::{Intent, JobError, JobStore, Location, RecordEntry};
use seedream::{Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData, Task};
use seedream_core::TaskId;
use seedream_ledger::{Ledger, WorkerOptions};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    contest::{self, Contest, Entry},
    meter::{Cost, Meter},
};

const CALLS: usize = 1_000;

/// What one transaction of a call writes: by `strace`, 9 pages with their headers in the write-ahead log.
const WRITTEN: usize = 36 << 10;

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Way {
    /// One write and one sync, with nothing around them.
    Bare,
    Call,
    Task,
}

pub(crate) fn contests() -> Result<Vec<Contest>> {
    let ways = [
        (Way::Bare, "one bare write and sync"),
        (Way::Call, "a call in a ledger on SQLite"),
        (Way::Task, "a task in a ledger on SQLite"),
    ];
    let entries = ways.iter().map(|(way, label)| Entry::new(*label, way)).collect::<Result<_>>()?;
    let title = "the entries of a call: begun, answered, image, over".to_owned();
    Ok(vec![Contest { title, unit: "call", rounds: 5, entries, memory: None }])
}

pub(crate) fn run_entry() -> Result<Cost> {
    let (way, _) = contest::job::<Way>()?;
    // Where a build goes there is a disk; a folder for temporary files may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if let Way::Bare = way {
            let mut file = File::create_new(folder.path().join("log"))?;
            let meter = Meter::start()?;
            for _ in 0..CALLS {
                file.write_all(&vec![b'x'; WRITTEN])?;
                file.sync_all()?;
            }
            return meter.stop(CALLS);
        }
        let ledger = Ledger::open(folder.path().join("b.ledger"))?;
        let store = ledger.worker(WorkerOptions::default())?;
        let meter = Meter::start()?;
        for number in 0..CALLS {
            entries(&store, folder.path(), &format!("job-{number}"), matches!(way, Way::Task)).await?;
        }
        ledger.flush().await?;
        meter.stop(CALLS)
    })
}

async fn entries(store: &dyn JobStore, folder: &Path, job: &str, is_task: bool) -> Result<()> {
    let model = "doubao-seedream-4-0-250828";
    let mut intent = Intent::new(job, "ark", model.into());
    intent.request = serde_json::json!({ "model": model, "prompt": "a lighthouse in fog, seen from the sea at dawn" });
    let mut record = store.begin(&intent).await?;
    if is_task {
        let task = Task::new("ark", "https://a.example", TaskId::new("task-1")?, model.into());
        record.append(RecordEntry::Accepted { task }).await?;
    }
    let mut generation = Generation::new(model.into());
    let url = format!("https://a.example/0.jpeg?X-Tos-Signature={}", "0".repeat(400));
    generation.outcomes = vec![Ok(GeneratedImage::new(0, ImageData::Url { url, expires_at: None }))];
    record.append(RecordEntry::Answered { generation, whole: true, raw: None }).await?;
    let location = Location::File(folder.join("ark-0.jpeg"));
    record.append(RecordEntry::Image { index: 0, location, sha256: "00".repeat(32) }).await?;
    let (_, mut outcome) = JobError::from(Error::new(ErrorKind::Storage, "")).into_parts();
    (outcome.error, outcome.charge, outcome.delivered) = (None, Charge::Yes, 1);
    record.append(RecordEntry::Ended { outcome: Box::new(outcome) }).await?;
    Ok(())
}
