//! Entries in turn, each in a process of its own, so that CPU time and the peak of memory are its own.

use std::{io::Write as _, process::Command};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Result, meter::Cost};

/// Names the part to an entry's process, and hands it its job.
pub(crate) const PART: &str = "SEEDREAM_BENCH_PART";
const JOB: &str = "SEEDREAM_BENCH_JOB";

/// Some entries that do the same.
pub(crate) struct Contest {
    /// What they do.
    pub(crate) title: String,
    /// What is counted.
    pub(crate) unit: &'static str,
    /// How many processes of each are measured, one of each in a round.
    pub(crate) rounds: usize,
    /// The others are measured by the first.
    pub(crate) entries: Vec<Entry>,
    /// What shares the memory, and how many there are.
    pub(crate) memory: Option<(usize, &'static str)>,
}

/// One entry.
pub(crate) struct Entry {
    pub(crate) label: String,
    job: Value,
}

impl Entry {
    pub(crate) fn new(label: impl Into<String>, job: &impl Serialize) -> Result<Self> {
        Ok(Self { label: label.into(), job: serde_json::to_value(job)? })
    }
}

/// A job, and the server that it is done with.
#[derive(Serialize, Deserialize)]
struct Order<J> {
    server: String,
    job: J,
}

/// The job of this process, and the base URL of the server.
pub(crate) fn job<J: DeserializeOwned>() -> Result<(J, String)> {
    let Order { server, job } = serde_json::from_str(&std::env::var(JOB)?)?;
    Ok((job, server))
}

impl Contest {
    /// Runs it, prints a table, and returns it.
    pub(crate) fn run(&self, part: &str, server: &str) -> Result<Value> {
        let mut rounds: Vec<Vec<Cost>> = Vec::new();
        for _ in 0..self.rounds {
            rounds.push(self.entries.iter().map(|entry| measure(part, server, entry)).collect::<Result<_>>()?);
        }
        say(&format!("\n{} (medians of {} rounds)", self.title, self.rounds));
        let mut rows = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let of = |value: fn(&Cost) -> f64| median(rounds.iter().map(|round| value(&round[at])).collect());
            // Whatever else the machine does at a time, it does to all of a round.
            let ratio = |value: fn(&Cost) -> f64| median(rounds.iter().map(|r| value(&r[at]) / value(&r[0])).collect());
            let (wall, cpu) = (of(|cost| cost.wall), of(|cost| cost.cpu));
            let (growth, peak) = (of(|cost| cost.growth), of(|cost| cost.peak));
            let (wall_ratio, cpu_ratio) = (ratio(|cost| cost.wall), ratio(|cost| cost.cpu));
            let each = |(number, name)| format!(", {:.2} KiB a {name}", growth / number as f64);
            say(&format!(
                "  {:<48} CPU {:>9} a {} ({cpu_ratio:>5.2}x)  wall {:>9} ({wall_ratio:>5.2}x) {:>8}/s  peak {:>6.1} MiB, grown by {:>6.1}{}",
                entry.label,
                time(cpu),
                self.unit,
                time(wall),
                rate(1e6 / wall),
                peak / 1024.0,
                growth / 1024.0,
                self.memory.map(each).unwrap_or_default(),
            ));
            rows.push(json!({
                "entry": entry.label, "job": entry.job, "cpu_us": cpu, "cpu_ratio": cpu_ratio, "wall_us": wall,
                "wall_ratio": wall_ratio, "per_second": 1e6 / wall, "growth_kib": growth, "peak_kib": peak,
            }));
        }
        Ok(json!({"part": part, "title": self.title, "unit": self.unit, "rounds": self.rounds, "entries": rows}))
    }
}

/// Runs one entry in a process of its own.
fn measure(part: &str, server: &str, entry: &Entry) -> Result<Cost> {
    let order = Order { server: server.to_owned(), job: &entry.job };
    let output = Command::new(std::env::current_exe()?)
        .env(PART, part)
        .env(JOB, serde_json::to_string(&order)?)
        // A proxy would be measured too.
        .env("NO_PROXY", "127.0.0.1")
        .output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", entry.label, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Writes a line.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Microseconds in a unit that can be read.
fn time(us: f64) -> String {
    match us {
        1e4.. => format!("{:.1} ms", us / 1e3),
        1.0.. => format!("{us:.1} us"),
        _ => format!("{:.2} ns", us * 1e3),
    }
}

fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.2}") } else { format!("{per_second:.0}") }
}
