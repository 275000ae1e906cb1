//! What the mock costs, beside a minimal hyper server and beside wiremock.
//!
//! `cargo bench -p seedream-benches --bench mock`, or with some of [`PARTS`] behind `--`. Every server runs in a process of its
//! own; this process is the one that asks. Prints medians, and what is wanted beside what was seen. A ratio is the median of the
//! ratios of each round, so that what else the machine does matters less.

mod engine;
mod growth;
mod images;
mod load_generator;
mod peer;
mod report;
mod server_process;
mod small_generation;
mod startup;

use std::{error::Error, path::Path};

use seedream_benches::Arguments;
use serde_json::{Map, Value};

use peer::Peer;

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
    let arguments = Arguments::read();
    let mut report = Map::new();
    for (name, measure) in PARTS.into_iter().filter(|(name, _)| arguments.asks_for(name)) {
        report.insert(name.to_owned(), measure()?);
    }
    if report.is_empty() {
        return Err(format!("no such part; there are {}", PARTS.map(|(name, _)| name).join(", ")).into());
    }
    arguments.write(env!("CARGO_TARGET_TMPDIR"), "mock", &Value::Object(report))?;
    Ok(())
}

/// The folder of everything that is built.
fn target() -> &'static Path {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp)
}
