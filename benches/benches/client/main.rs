//! What this client costs, beside hyper, beside reqwest and beside async-openai.
//!
//! `cargo bench -p seedream-benches --bench client`, or with one of [`PARTS`] behind `--`. One loopback server in this process
//! answers; every entry runs in a process of its own, in turn. Prints medians and ratios. A ratio is the median of the ratios of
//! each round, so that what else the machine does matters less.

mod base64;
mod contest;
mod event_stream;
mod growth;
mod image_call;
mod job_record;
mod meter;
mod peer;
mod references;
mod server;
mod small_generation;
mod sse_parser;
mod tasks;

use std::error::Error;

use seedream_benches::Arguments;
use serde_json::json;

use contest::{Contest, say};
use meter::Cost;
use server::Server;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// One thing that is measured.
struct Part {
    name: &'static str,
    contests: fn() -> Result<Vec<Contest>>,
    /// What an entry's process does.
    run_entry: fn() -> Result<Cost>,
}

const PARTS: [Part; 8] = [
    small_generation::PART,
    base64::PART,
    event_stream::PART,
    sse_parser::PART,
    tasks::PART,
    growth::PART,
    references::PART,
    job_record::PART,
];

fn main() -> Result<()> {
    if let Ok(name) = std::env::var(contest::PART) {
        let part = PARTS.iter().find(|part| part.name == name).ok_or("no such part")?;
        say(&serde_json::to_string(&(part.run_entry)()?)?);
        return Ok(());
    }
    if cfg!(debug_assertions) {
        return Ok(());
    }
    let arguments = Arguments::read();
    let server = Server::start()?;
    let mut report = Vec::new();
    for part in PARTS.iter().filter(|part| arguments.asks_for(part.name)) {
        for contest in (part.contests)()? {
            report.push(contest.run(part.name, server.url())?);
        }
    }
    if report.is_empty() {
        return Err(format!("no such part; there are {}", PARTS.map(|part| part.name).join(", ")).into());
    }
    arguments.write(env!("CARGO_TARGET_TMPDIR"), "client", &json!({ "contests": report }))?;
    Ok(())
}
