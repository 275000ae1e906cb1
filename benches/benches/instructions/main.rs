//! How many instructions our own work takes, counted by valgrind: the same on every run, whatever else the machine does.
//!
//! `cargo bench -p seedream-benches --bench instructions`, or with the names of some [`scenario::ALL`] behind `--`. Needs `valgrind`
//! on the path. Every scenario runs under `valgrind --tool=callgrind` with an input of `n` units and with one of `2n`, once and twice
//! in a process each; the difference between twice and once is what is counted, so that starting up and making the input are not.
//! Prints both counts and their ratio, and writes them to `target/bench/instructions.json`.
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

use std::{error::Error, fs, io::Write as _, path::Path};

use serde_json::json;

use baseline::Baseline;
use scenario::Scenario;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The largest ratio of the instructions for twice the input to those for the input.
const MOST_GROWTH: f64 = 2.2;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [one, name, units, times] = &arguments[..]
        && one == "--one"
    {
        let scenario = scenario::ALL.iter().find(|scenario| scenario.name == name).ok_or("no such scenario")?;
        return scenario.run(units.parse()?, times.parse()?);
    }
    if arguments == ["--cpu"] {
        say(&baseline::cpu());
        return Ok(());
    }
    if cfg!(debug_assertions) {
        return Ok(());
    }
    let (flags, names): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|argument| argument.starts_with("--"));
    let flag = |name: &str| flags.iter().any(|flag| flag == name);
    let chosen = |scenario: &&Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    let (mut report, mut counts, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for scenario in scenario::ALL.iter().filter(chosen) {
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
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    fs::create_dir_all(&target)?;
    let path = target.join("instructions.json");
    fs::write(&path, serde_json::to_string_pretty(&json!({ "scenarios": report }))?)?;
    say(&format!("written to {}", path.display()));
    if flag("--check") || flag("--update") {
        let mut baseline = Baseline::read()?;
        if flag("--check") {
            problems.extend(baseline.compare(&counts));
        }
        if flag("--update") || !baseline.is_known() {
            baseline.write(&counts)?;
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// Writes a line.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
