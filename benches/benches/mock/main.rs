//! What the mock costs, beside a minimal hyper server and beside wiremock.
//!
//! `cargo bench -p seedream-benches --bench mock`, or with some of [`PARTS`] behind `--`. Every server runs in a process of its
//! own; this process is the one that asks. Prints medians, and what is wanted beside what was seen, and writes them to
//! `target/bench/mock.json`. A ratio is the median of the ratios of each round, so that what else the machine does matters less.

mod engine;
mod growth;
mod images;
mod load_generator;
mod peer;
mod report;
mod server_process;
mod small_generation;
mod startup;

use std::{error::Error, fs, path::Path};

use serde_json::{Map, Value};

use peer::Peer;
use report::say;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What is measured, under which name.
type Part = (&'static str, fn() -> Result<Value>);

const PARTS: [Part; 5] = [
    ("small", small_generation::measure),
    ("engine", engine::measure),
    ("growth", growth::measure),
    ("ready", startup::measure),
    ("pictures", images::measure),
];

fn main() -> Result<()> {
    if let Some(peer) = Peer::of_this_process() {
        return peer.serve();
    }
    if cfg!(debug_assertions) {
        return Ok(());
    }
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let mut report = Map::new();
    for (name, measure) in PARTS.into_iter().filter(|(name, _)| chosen(name)) {
        report.insert(name.to_owned(), measure()?);
    }
    if report.is_empty() {
        return Err(format!("no such part; there are {}", PARTS.map(|(name, _)| name).join(", ")).into());
    }
    let folder = target().join("bench");
    fs::create_dir_all(&folder)?;
    let path = folder.join("mock.json");
    fs::write(&path, serde_json::to_string_pretty(&report)?)?;
    say(&format!("\nwritten to {}", path.display()));
    Ok(())
}

/// The folder of everything that is built.
fn target() -> &'static Path {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp)
}
