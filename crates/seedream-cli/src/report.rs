//! What came of a run, as JSON and as text.

mod text;

use seedream::seedream_client::JobError;
use seedream::seedream_core::WarningKind;
use seedream::{Charge, Error, ErrorKind, Outcome, Warning};
use serde::Serialize;

pub(crate) use self::text::{Again, hint};
use crate::{
    exit::{Exit, Failure},
    output::Console,
};

/// The results of one run, one entry a purchase.
#[derive(Debug, Serialize)]
struct Results<'a> {
    results: Vec<&'a Outcome>,
}

/// What came of one purchase, and what it counts for.
#[derive(Debug)]
pub(crate) struct Row {
    outcome: Outcome,
    /// Why it failed, with status, request id and advice.
    cause: Option<Error>,
    exit: Exit,
    /// What it counts as in the end of the run.
    counts_as: Exit,
}

impl Row {
    /// How a job ended.
    pub(crate) fn of(ended: Result<Outcome, JobError>) -> Self {
        let (cause, mut outcome) = match ended {
            Ok(outcome) => (outcome.error.clone().map(Error::from), outcome),
            Err(error) => {
                let (error, outcome) = error.into_parts();
                // Where the response came, what failed is told image by image.
                (outcome.error.is_some().then_some(error), outcome)
            }
        };
        let exit = match &cause {
            Some(error) => Exit::of(error),
            None => exit_of(&outcome),
        };
        // What is saved is not fetched again, and whoever has its URL could.
        outcome.images.iter_mut().for_each(|image| image.url = None);
        Self { outcome, cause, exit, counts_as: exit }
    }

    /// A request that was refused before anything was sent.
    pub(crate) fn refused(error: JobError) -> Self {
        let (error, outcome) = error.into_parts();
        Self { outcome, cause: Some(error), exit: Exit::Usage, counts_as: Exit::Usage }
    }

    /// It is one of several requests for one wish, of which some were delivered. What is still in doubt, or left to be
    /// collected, stays what it is.
    pub(crate) fn is_part(&mut self) {
        let open = matches!(self.exit, Exit::Ok | Exit::Cancelled | Exit::Unknown | Exit::Deadline);
        self.counts_as = if open { self.exit } else { Exit::Partial };
    }

    /// Where a task was accepted that this run did not ask, since no key may go there unless the user says so.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        let error = self.cause.as_ref().filter(|error| error.kind() == ErrorKind::Config)?;
        Some(&error.task()?.endpoint)
    }

    /// How it ended, in a word.
    fn word(&self) -> &'static str {
        // A task that was cancelled at the provider is cancelled, and this run is not.
        let cancelled = self.cause.as_ref().is_some_and(|error| error.kind() == ErrorKind::Cancelled);
        if cancelled { Exit::Cancelled.word() } else { self.exit.word() }
    }
}

/// How a purchase ends that was answered.
fn exit_of(outcome: &Outcome) -> Exit {
    let warned = |kind| outcome.warnings.iter().any(|warning: &Warning| warning.kind == kind);
    let short = outcome.requested.is_none_or(|requested| outcome.delivered < requested);
    let is_part =
        !outcome.failures.is_empty() || warned(WarningKind::NotKept) || (warned(WarningKind::Incomplete) && short);
    match (is_part, outcome.charge, outcome.delivered) {
        (true, ..) => Exit::Partial,
        // A record of a request whose response never came.
        (false, Charge::Unknown, 0) => Exit::Unknown,
        _ => Exit::Ok,
    }
}

/// Prints what came of a run, and says how it ends.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn print(
    rows: &[Row],
    json: bool,
    again: &Again,
    cancelled: bool,
    console: &Console,
) -> Result<Exit, Failure> {
    let results = Results { results: rows.iter().map(|row| &row.outcome).collect() };
    let printed = if json { console.json(&results) } else { console.data(&text::of(rows)) };
    // Where to collect what was paid for is told even if nobody could read the results.
    text::notes(rows, again, console);
    printed?;
    let deciding = rows.iter().map(|row| row.counts_as);
    let exits = deciding.chain(cancelled.then_some(Exit::Cancelled));
    Ok(Exit::of_several(exits))
}
