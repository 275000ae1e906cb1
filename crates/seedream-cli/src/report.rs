//! The results of a run, as JSON and as text.

mod error_text;
mod purchase_result;
mod text;
mod violation_hint;
mod warnings;

use seedream::Outcome;
use serde::Serialize;

pub(crate) use self::{
    error_text::with_flags,
    purchase_result::PurchaseResult,
    text::ResumeCommand,
    violation_hint::{hint, models_that_accept},
    warnings::{PrintedWarnings, text as warning_text},
};
use crate::{args::ResultArgs, console::Console, exit::Exit, failure::Failure};

/// The JSON output: one entry per purchase.
#[derive(Debug, Serialize)]
struct JsonResults<'a> {
    results: Vec<JsonResult<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonResult<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    /// What to do about the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Prints the results and returns the exit code.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn print(
    purchases: &[PurchaseResult],
    args: &ResultArgs,
    resume: &ResumeCommand,
    cancelled: bool,
    warnings: &mut PrintedWarnings,
    console: &Console,
) -> Result<Exit, Failure> {
    let results = purchases.iter().map(|purchase| JsonResult { outcome: &purchase.outcome, hint: purchase.hint() });
    let json_results = JsonResults { results: results.collect() };
    let printed = match args {
        ResultArgs { json: true, .. } => console.json(&json_results),
        ResultArgs { print_paths: true, .. } => paths(purchases, console),
        _ => console.data(&text::tables(purchases, console.width())),
    };
    // The notes say how to fetch paid images, so they are printed even if standard output failed.
    text::notes(purchases, resume, warnings, console);
    printed?;
    let deciding = purchases.iter().map(|purchase| purchase.counts_as);
    let exits = deciding.chain(cancelled.then_some(Exit::Cancelled));
    Ok(Exit::of_several(exits))
}

/// Prints where each saved image is.
fn paths(purchases: &[PurchaseResult], console: &Console) -> Result<(), Failure> {
    purchases.iter().flat_map(|purchase| &purchase.outcome.images).try_for_each(|image| match image.location.file() {
        Some(file) => console.path(file),
        None => console.line(&image.location.to_string()),
    })
}
