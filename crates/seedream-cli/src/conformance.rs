//! `seedream conformance`: the laws over the adapters, as a table and as reports.

use std::{fs, panic, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use jiff::{Timestamp, tz::TimeZone};
use seedream_conformance::{Filter, Known, Matrix, Report, Requirements, Run, Subject};

use crate::{exit::Failure, output::Console};

/// What these commands end with, which is another table than that of `generate`.
const EXIT_CODES: &str = "\
Exit codes: 0 all is well, 1 a case fails, or a failure that is known does not hold any more, 2 usage,
3 a case cannot be judged, or the report cannot be written, 4 nothing ran, or less than the requirements want.";

#[derive(Debug, Subcommand)]
pub(crate) enum ConformanceCommand {
    /// Run the laws over the adapters, against the documents in this program
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Break the adapters in every way and see that a case tells: the suite can fail
    #[command(after_help = MUTANT_EXIT_CODES)]
    Mutants(MutantArgs),
}

const MUTANT_EXIT_CODES: &str = "\
Exit codes: 0 every mutant is killed, by every law at least one, 1 a mutant lives or a law kills none, 2 usage.";

#[derive(Debug, Args)]
pub(crate) struct MutantArgs {
    /// Print the matrix as Markdown, as the README of the suite has it
    #[arg(long)]
    markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Only the cases whose names fit: decode/ark, preflight/*/errors, **/http-4*
    #[arg(long = "run", value_name = "PATTERN")]
    filter: Option<Filter>,
    /// Only the adapters of these providers
    #[arg(long = "provider", value_name = "ID[,ID]", value_delimiter = ',', value_parser = providers())]
    providers: Vec<String>,
    /// Failures that are known: [{"case": "decode/ark/**", "reason": "...", "until": "2027-01-31"}]
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Write the report as JSON, the source of the others; - is standard output, without the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

fn providers() -> PossibleValuesParser {
    seedream::dialects().iter().map(|dialect| dialect.descriptor().id).collect::<Vec<_>>().into()
}

/// Runs the laws and prints what they found.
///
/// # Errors
/// A list of known failures that cannot be read.
pub(crate) fn run(args: &RunArgs, console: &Console) -> Result<ExitCode, Failure> {
    let wanted = |id: &str| args.providers.is_empty() || args.providers.iter().any(|wanted| wanted == id);
    let dialects = seedream::dialects().into_iter().filter(|dialect| wanted(dialect.descriptor().id));
    let subjects: Vec<Subject> = dialects.map(Subject::new).collect();
    let run = Run {
        filter: args.filter.clone(),
        known: known(args)?,
        requirements: Requirements::of_the_documents(),
        today: Timestamp::now().to_zoned(TimeZone::UTC).date(),
    };
    // What an adapter panics with stands in the report.
    panic::set_hook(Box::new(|_| ()));
    let report = run.over(&subjects);
    drop(panic::take_hook());
    Ok(match tell(&report, args, console) {
        Ok(()) => report.exit_code().into(),
        Err(message) => {
            console.note(&format!("error: {message}"));
            ExitCode::from(3)
        }
    })
}

/// Runs every case on every mutant and prints which case kills which.
///
/// # Errors
/// Where it cannot be printed.
pub(crate) fn mutants(args: &MutantArgs, console: &Console) -> Result<ExitCode, Failure> {
    let subjects: Vec<Subject> = seedream::dialects().into_iter().map(Subject::new).collect();
    // Mutants panic, as they should.
    panic::set_hook(Box::new(|_| ()));
    let matrix = Matrix::over(&subjects);
    drop(panic::take_hook());
    console.data(&if args.markdown { matrix.to_markdown() } else { matrix.to_table() })?;
    Ok(u8::from(!matrix.faults().is_empty()).into())
}

fn known(args: &RunArgs) -> Result<Known, Failure> {
    let Some(path) = &args.known else { return Ok(Known::default()) };
    let shown = path.display();
    let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("--known {shown}: {error}"));
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    Known::from_json(&text).map_err(|error| failed(&error))
}

fn tell(report: &Report, args: &RunArgs, console: &Console) -> Result<(), String> {
    let to_stdout = args.json.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let files = [(&args.json, Report::to_json as fn(&Report) -> String), (&args.junit, Report::to_junit)];
    for (path, text) in files {
        if let Some(path) = path.as_ref().filter(|path| path.as_os_str() != "-") {
            fs::write(path, text(report)).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        }
    }
    let text = if to_stdout { report.to_json() } else { report.to_table() };
    console.data(&text).map_err(|failure| failure.message)
}
