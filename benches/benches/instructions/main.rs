//! How many instructions our own work takes, counted by valgrind: the same on every run, whatever else the machine does.
//!
//! `cargo bench -p seedream-benches --bench instructions`, or with the names of some [`scenario::ALL`] behind `--`. Needs `valgrind`
//! on the path. Every scenario runs under `valgrind --tool=callgrind` with an input of `n` units and with one of `2n`, once and twice
//! in a process each; the difference between twice and once is what is counted, so that starting up and making the input are not.
//! Prints both counts and their ratio.
//!
//! It fails where the ratio is above [`MOST_GROWTH`] (what is read in one pass takes twice as many instructions for twice the input),
//! and with `--check` where a count is more than 5 % above the one in `benches/instructions.json`. `--update` writes that file anew.
//! Counts depend on the compiler, the C library and what the CPU can do: a machine of another kind has no baseline yet, says so, and
//! adds its own.
//!
//! `valgrind --tool=callgrind --dump-instr=no <this program> --one base64 8 1` runs one of them by hand, for `callgrind_annotate`.

mod baseline;
mod canned_clients;
mod response_bodies;
mod scenario;

use std::{error::Error, io::Write as _};

use seedream_benches::Arguments;
use serde_json::json;

use baseline::Baseline;
use scenario::Scenario;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The largest ratio of the instructions for twice the input to those for the input.
const MOST_GROWTH: f64 = 2.2;

fn main() -> Result<()> {
    let arguments = Arguments::read();
    if let ([name, units, times], true) = (&arguments.names[..], arguments.has("--one")) {
        let scenario = scenario::ALL.iter().find(|scenario| scenario.name == name).ok_or("no such scenario")?;
        return scenario.run(units.parse()?, times.parse()?);
    }
    if arguments.has("--cpu") {
        say(&baseline::cpu());
        return Ok(());
    }
    if cfg!(debug_assertions) {
        return Ok(());
    }
    let (mut report, mut counts, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for scenario in scenario::ALL.iter().filter(|scenario| arguments.asks_for(scenario.name)) {
        let (one, two) = (scenario.count(scenario.n)?, scenario.count(scenario.n * 2)?);
        let growth = two as f64 / one as f64;
        let Scenario { name, n, unit, .. } = scenario;
        say(&format!("{name:<14}{n:>6} {unit:<18}{one:>14}   twice as many {two:>14}   {growth:.2}x"));
        report.push(json!({ "scenario": name, "n": n, "unit": unit, "of_n": one, "of_2n": two, "growth": growth }));
        counts.push((*name, one));
        if growth > MOST_GROWTH {
            problems.push(format!("{name}: {growth:.2} times the instructions for twice the input"));
        }
    }
    if report.is_empty() {
        let names: Vec<_> = scenario::ALL.iter().map(|scenario| scenario.name).collect();
        return Err(format!("no such scenario; there are {}", names.join(", ")).into());
    }
    arguments.write(env!("CARGO_TARGET_TMPDIR"), "instructions", &json!({ "scenarios": report }))?;
    if arguments.has("--check") || arguments.has("--update") {
        let mut baseline = Baseline::read()?;
        if arguments.has("--check") {
            problems.extend(baseline.compare(&counts));
        }
        if arguments.has("--update") || !baseline.is_known() {
            baseline.write(&counts)?;
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// Writes a line.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
