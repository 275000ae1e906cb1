//! What the record of a purchase costs in a folder, beside the bare writes and syncs of which it consists.

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
};

use seedream::seedream_client::{FolderStore, Intent, JobError, JobStore as _, Location, RecordEntry};
use seedream::{Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData};
use serde::{Deserialize, Serialize};

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    meter::{Cost, Meter},
    peer,
};

pub(crate) const PART: Part = Part { name: "store", contests, run_entry };

/// How many purchases are recorded.
const PURCHASES: usize = 200;

/// The room that a record takes on the disk before anything is bought.
const ROOM: usize = 64 << 10;

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Way {
    /// The same syncs, with nothing around them.
    Bare,
    Store,
}

fn contests() -> Result<Vec<Contest>> {
    let ways = [(Way::Bare, "bare writes and syncs"), (Way::Store, "the folder store")];
    let entries = ways.iter().map(|(way, label)| Entry::new(*label, way)).collect::<Result<_>>()?;
    let title = "a record: begun, answered, over".to_owned();
    Ok(vec![Contest { title, unit: "record", rounds: 5, entries, memory: None }])
}

fn run_entry() -> Result<Cost> {
    let (way, _) = contest::job::<Way>()?;
    // Where a build goes there is a disk; a folder for temporary files may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    peer::runtime()?.block_on(async {
        let meter = Meter::start()?;
        for _ in 0..PURCHASES {
            match way {
                Way::Bare => bare(folder.path())?,
                Way::Store => record(folder.path()).await?,
            }
        }
        meter.stop(PURCHASES)
    })
}

fn bare(folder: &Path) -> Result<()> {
    let (part, path) = (folder.join(".part"), folder.join("record"));
    let mut file = File::create_new(&part)?;
    file.write_all(&vec![b' '; ROOM])?;
    file.sync_all()?;
    fs::rename(part, &path)?;
    File::open(folder)?.sync_all()?;
    file.seek(SeekFrom::Start(600))?;
    file.write_all(&[b'x'; 800])?;
    file.sync_all()?;
    fs::remove_file(path)?;
    Ok(())
}

async fn record(folder: &Path) -> Result<()> {
    let mut intent = Intent::new("job", "ark", peer::MODEL.into());
    intent.request = serde_json::json!({ "model": peer::MODEL, "prompt": peer::PROMPT });
    let mut record = FolderStore::new(folder).begin(&intent).await?;
    let mut generation = Generation::new(peer::MODEL.into());
    let url = format!("https://a.example/0.jpeg?X-Tos-Signature={}", "0".repeat(400));
    generation.outcomes = vec![Ok(GeneratedImage::new(0, ImageData::Url { url, expires_at: None }))];
    record.append(RecordEntry::Answered { generation, whole: true, raw: None }).await?;
    let (_, mut outcome) = JobError::from(Error::new(ErrorKind::Storage, "")).into_parts();
    (outcome.error, outcome.charge) = (None, Charge::Yes);
    outcome.sidecar = Some(Location::File("ark-0.json".into()));
    record.append(RecordEntry::Ended { outcome: Box::new(outcome) }).await?;
    assert!(!record.stays());
    Ok(())
}
