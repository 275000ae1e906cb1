//! What a ledger costs, and how many lines a batch buys a second.
//!
//! `cargo bench -p seedream-benches --bench batch`, or with `calls` or `lines` behind `--`. The provider is a function in the same
//! process, so that what is measured is the ledger, the client and the files; every entry runs in a process of its own, in turn.

#[path = "../client/contest.rs"]
mod contest;
mod ledger_calls;
mod lines;
#[path = "../client/meter.rs"]
#[allow(dead_code, reason = "the client bench uses more of it")]
mod meter;
mod provider;

use std::error::Error;

use seedream_benches::Arguments;
use serde_json::json;

use contest::{Contest, say};
use meter::Cost;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The name of a part, what is measured, and what an entry's process does.
type Part = (&'static str, fn() -> Result<Vec<Contest>>, fn() -> Result<Cost>);

const PARTS: [Part; 2] =
    [("calls", ledger_calls::contests, ledger_calls::run_entry), ("lines", lines::contests, lines::run_entry)];

fn main() -> Result<()> {
    if let Some(worker) = lines::worker() {
        return worker;
    }
    if let Ok(name) = std::env::var(contest::PART) {
        let (_, _, run_entry) = PARTS.iter().find(|(part, ..)| *part == name).ok_or("no such part")?;
        say(&serde_json::to_string(&run_entry()?)?);
        return Ok(());
    }
    if cfg!(debug_assertions) {
        return Ok(());
    }
    let arguments = Arguments::read();
    let mut report = Vec::new();
    for (part, contests, _) in PARTS.iter().filter(|(part, ..)| arguments.asks_for(part)) {
        for contest in contests()? {
            report.push(contest.run(part, "")?);
        }
    }
    if report.is_empty() {
        return Err("no such part; there are calls, lines".into());
    }
    arguments.write(env!("CARGO_TARGET_TMPDIR"), "batch", &json!({ "contests": report }))?;
    Ok(())
}
