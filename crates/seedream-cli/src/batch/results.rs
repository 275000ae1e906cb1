//! The results of a batch: one JSON line for each line of the file, the lines to try again, and a summary.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use seedream::seedream_client::RecordEntry;
use seedream::{Charge, Outcome};
use seedream_ledger::{JobDetail, JobFilter, JobRow, Ledger, SpendRow, protocol::LineState};
use serde::Serialize;
use serde_json::Value;

use super::{files::BatchFiles, runner::Run};
use crate::{
    console::Console,
    exit::Exit,
    failure::Failure,
    signals::Cancel,
    table::{Table, cell},
};

/// How many jobs are read from the ledger at a time.
const PAGE: u32 = 500;

/// A line of the results file.
#[derive(Serialize)]
struct ResultLine<'a> {
    /// The place of the line among the requests of the file, from 1.
    position: i64,
    id: &'a str,
    state: LineStateName,
    charge: Charge,
    row: &'a Value,
    /// What the last run of the line brought; absent where it was not sent or its process died.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a Outcome>,
    /// The same for each purchase of a line that has several, one an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes: Option<&'a [Outcome]>,
}

struct LineStateName(LineState);

impl Serialize for LineStateName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// What a batch has come to, over all runs.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    batch: String,
    lines: u64,
    /// How many lines are in which state.
    states: BTreeMap<&'static str, u64>,
    spend: Vec<SpendRow>,
    results: String,
    /// The file of the lines that failed without a charge, where there are any.
    failed: Option<String>,
    ledger: String,
}

/// Writes the results and prints a summary.
///
/// # Errors
/// The ledger cannot be read, or a file cannot be written.
pub(crate) async fn write(
    ledger: &Ledger,
    files: &BatchFiles,
    json: bool,
    console: &Console,
) -> Result<Summary, Failure> {
    let mut order = Vec::new();
    let mut after = 0;
    loop {
        let page = ledger.jobs(JobFilter::of_batch(&files.batch).page(after, PAGE)).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        order.extend(page.iter().filter(|job| job.is_listed).map(|job| (job.position, job.job.clone())));
    }
    order.sort_unstable();
    let mut states: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut results = JsonLines::new(&files.results)?;
    let mut failed: Option<JsonLines> = None;
    for (_, job) in &order {
        let Some(detail) = ledger.show(job).await? else { continue };
        let (state, charge) = state(&detail.job);
        *states.entry(state.as_str()).or_default() += 1;
        let outcomes = outcomes(&detail);
        let is_one = detail.job.purchases.len() < 2;
        results.line(&ResultLine {
            position: detail.job.position + 1,
            id: &detail.job.key,
            state: LineStateName(state),
            charge,
            row: &detail.job.row,
            outcome: outcomes.last().filter(|_| is_one),
            outcomes: (!is_one).then_some(&outcomes),
        })?;
        if (state, charge) == (LineState::Failed, Charge::No) {
            if failed.is_none() {
                failed = Some(JsonLines::new(&files.failed)?);
            }
            if let Some(failed) = &mut failed {
                failed.line(&detail.job.row)?;
            }
        }
    }
    results.finish()?;
    let has_failed = failed.is_some();
    if let Some(failed) = failed {
        failed.finish()?;
    }
    let summary = Summary {
        batch: files.batch.clone(),
        lines: order.len() as u64,
        states,
        spend: ledger.spend(Some(&files.batch), None).await?,
        results: files.results.display().to_string(),
        failed: has_failed.then(|| files.failed.display().to_string()),
        ledger: files.ledger.shown(ledger),
    };
    if json {
        console.json(&summary)?;
    } else {
        console.data(&summary.text())?;
    }
    Ok(summary)
}

/// The state of a line, and whether it was charged: the worst of its purchases.
fn state(job: &JobRow) -> (LineState, Charge) {
    // Of what is over, a failure is worse than an image; what may have been billed is the worst.
    let rank = |state: &LineState| match state {
        LineState::Unknown => 4,
        LineState::Failed => 2,
        LineState::Cancelled => 1,
        LineState::Settled => 0,
        _ => 3,
    };
    let state = job.purchases.iter().map(|purchase| purchase.state).max_by_key(rank);
    let attempts = job.purchases.iter().flat_map(|purchase| &purchase.attempts);
    (state.unwrap_or(LineState::Planned), attempts.map(|attempt| attempt.charge).max().unwrap_or(Charge::No))
}

/// The last outcome of each purchase. The URL of a saved image is left out: it gives access to the image.
fn outcomes(detail: &JobDetail) -> Vec<Outcome> {
    let ended =
        |entry: &RecordEntry| if let RecordEntry::Ended { outcome } = entry { Some((**outcome).clone()) } else { None };
    let last = detail.entries.iter().filter_map(|entries| entries.iter().rev().find_map(ended));
    let concise = last.map(|mut outcome| {
        outcome.images.iter_mut().for_each(|image| image.url = None);
        outcome.generation = None;
        outcome
    });
    concise.collect()
}

impl Summary {
    fn text(&self) -> String {
        let mut table = Table::new(&["STATE", "LINES"]);
        for (state, lines) in &self.states {
            table.row(vec![(*state).to_owned(), lines.to_string()]);
        }
        let mut text = format!("{table}\n{}", spend_table(&self.spend));
        text.push_str(&format!("\nresults: {}\n", self.results));
        if let Some(failed) = &self.failed {
            text.push_str(&format!("failed without a charge: {failed}\n"));
        }
        text.push_str(&format!("ledger: {}\n", self.ledger));
        text
    }

    /// The exit of the whole run.
    ///
    /// # Errors
    /// Lines are left: the message says why and what to do.
    pub(crate) fn exit(&self, run: Run, cancel: &Cancel) -> Result<Exit, Failure> {
        let count = |state: LineState| self.states.get(state.as_str()).copied().unwrap_or_default();
        let mut exits = run.exits;
        if let Some((exit, reason)) = run.stopped {
            return Err(Failure {
                exit,
                message: format!("{reason}; lines that were not sent: {}", count(LineState::Planned)),
            });
        }
        if cancel.control().is_cancelled() {
            exits.push(Exit::Cancelled);
        }
        if count(LineState::Unknown) > 0 {
            let message = format!(
                "lines that may have been billed and have no image: {}; look at the provider's bill, then decide each: seedream jobs list --state unknown --ledger {1}, and seedream jobs resolve RECORD --ledger {1} with --paid, --not-paid or --again --yes",
                count(LineState::Unknown),
                self.ledger
            );
            return Err(Failure { exit: Exit::Unknown, message });
        }
        if count(LineState::Settled) > 0 && count(LineState::Failed) > 0 {
            exits.push(Exit::Partial);
            exits.retain(|exit| matches!(exit, Exit::Cancelled | Exit::Partial | Exit::Deadline));
        }
        Ok(Exit::of_several(exits))
    }
}

/// The table of what was spent.
pub(crate) fn spend_table(rows: &[SpendRow]) -> String {
    let mut table = Table::new(&[
        "DAY",
        "PROVIDER",
        "MODEL",
        "STATE",
        "ATTEMPTS",
        "HELD",
        "BILLED",
        "IMAGES",
        "BILLED IMAGES",
        "COMPARISON",
    ]);
    for row in rows {
        table.row(vec![
            row.day.clone(),
            cell(&row.provider),
            cell(&row.model),
            row.state.as_str().to_owned(),
            row.attempts.to_string(),
            row.held.to_string(),
            row.billed.to_string(),
            row.delivered.to_string(),
            row.billed_images.to_string(),
            serde_json::to_value(row.comparison)
                .ok()
                .and_then(|word| word.as_str().map(str::to_owned))
                .unwrap_or_default(),
        ]);
    }
    table.to_string()
}

/// A file of JSON lines that replaces the one of an earlier run once it is complete.
struct JsonLines {
    path: PathBuf,
    file: BufWriter<File>,
}

impl JsonLines {
    fn new(path: &Path) -> Result<Self, Failure> {
        let file = File::create(Self::part(path)).map_err(|error| Self::failure(path, &error))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let written = serde_json::to_writer(&mut self.file, value).map_err(io::Error::from);
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|error| Self::failure(&self.path, &error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let written = self.file.flush().and_then(|()| fs::rename(Self::part(&self.path), &self.path));
        written.map_err(|error| Self::failure(&self.path, &error))
    }

    fn part(path: &Path) -> PathBuf {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        part.into()
    }

    fn failure(path: &Path, error: &io::Error) -> Failure {
        Failure::other(format!("{}: {error}; the ledger has the results: run the same command again", path.display()))
    }
}
