//! Compares a ledger with the bill of the provider and with the images on disk.

use std::collections::{BTreeMap, BTreeSet};

use seedream_core::Charge;
use seedream_ledger::{JobFilter, JobRow, Ledger, protocol::LineState};
use seedream_mock::MockServer;
use serde_json::Value;

use super::{
    point::Kind,
    process::{Assignment, BATCH, kind},
};

/// What became of the lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    pub(crate) settled: usize,
    pub(crate) unknown: BTreeSet<String>,
    /// Lines that the provider billed and that are neither settled nor unknown, or whose images are not on disk.
    pub(crate) lost: BTreeSet<String>,
    /// Lines that the provider billed more than once.
    pub(crate) bought_twice: BTreeSet<String>,
    /// Lines that were never bought.
    pub(crate) not_bought: usize,
    /// How many images the provider billed for what is settled, and how many of those are on disk.
    pub(crate) billed: u32,
    pub(crate) saved: u32,
    /// How many images were billed and never arrived, since their stream broke off at a kill after an earlier one; the ledger counts
    /// them as billed.
    pub(crate) broken_off: u32,
}

impl Audit {
    pub(crate) async fn of(ledger: &Ledger, server: &MockServer, assignment: &Assignment) -> Self {
        let bill = bill(server);
        let filter = JobFilter::of_batch(BATCH).page(0, u32::MAX);
        let jobs = ledger.jobs(filter).await.unwrap();
        assert_eq!(jobs.len(), assignment.lines.len(), "every line is on record");
        let mut audit = Self::default();
        for job in &jobs {
            audit.add(ledger, job, bill.get(job.row["prompt"].as_str().unwrap())).await;
        }
        let known: BTreeSet<_> = jobs.iter().map(|job| job.row["prompt"].as_str().unwrap()).collect();
        assert!(bill.keys().all(|prompt| known.contains(prompt.as_str())), "the bill is for these lines");
        audit
    }

    async fn add(&mut self, ledger: &Ledger, job: &JobRow, bill: Option<&Vec<u32>>) {
        let name = job.job.clone();
        let posts = bill.map_or(0, Vec::len);
        let possible = job.purchases[0].attempts.iter().filter(|attempt| attempt.charge != Charge::No).count();
        if posts > 1 || possible > 1 {
            self.bought_twice.insert(name.clone());
        }
        match job.purchases[0].state {
            LineState::Settled => {
                let attempt = job.purchases[0].attempts.last().unwrap();
                let saved = saved(ledger, &job.job).await;
                let billed = bill.map_or(0, |bill| bill.iter().sum());
                let is_broken_off = attempt.billed_images.is_none() && kind(&job.row) == Kind::Stream;
                let counted = attempt.billed.micros == i64::from(billed) * 1_000_000;
                self.settled += 1;
                (self.billed, self.saved) = (self.billed + billed, self.saved + saved);
                if is_broken_off {
                    self.broken_off += billed - saved;
                }
                if posts == 0 || saved != attempt.delivered || !counted || (saved != billed && !is_broken_off) {
                    self.lost.insert(name);
                }
            }
            LineState::Unknown => {
                self.unknown.insert(name);
            }
            _ if posts > 0 => {
                self.lost.insert(name);
            }
            _ => self.not_bought += 1,
        }
    }
}

/// How many images each POST was billed, by the prompt.
fn bill(server: &MockServer) -> BTreeMap<String, Vec<u32>> {
    let journal: BTreeMap<_, _> = server.journal().into_iter().map(|entry| (entry.ordinal, entry.body)).collect();
    let mut bill: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for entry in server.ledger() {
        let prompt = journal[&entry.ordinal]["prompt"].as_str().unwrap().to_owned();
        bill.entry(prompt).or_default().push(entry.images);
    }
    bill
}

/// How many images of a job are on disk, each as it is on record.
async fn saved(ledger: &Ledger, job: &str) -> u32 {
    let detail = ledger.show(job).await.unwrap().unwrap();
    let entries = serde_json::to_value(&detail.entries[0]).unwrap();
    let images = entries.as_array().unwrap().iter().filter(|entry| entry["entry"] == "image");
    let files: BTreeSet<_> = images.map(|image| (image["file"].as_str().unwrap(), sha256(image))).collect();
    let there = files.iter().filter(|(file, hash)| digest(file).as_ref() == Some(hash));
    u32::try_from(there.count()).unwrap()
}

fn sha256(image: &Value) -> String {
    image["sha256"].as_str().unwrap().to_owned()
}

fn digest(file: &str) -> Option<String> {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(std::fs::read(file).ok()?);
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}
