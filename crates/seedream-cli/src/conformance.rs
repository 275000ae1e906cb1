//! `seedream conformance`: the laws over the adapters, as a table and as reports.

mod live;

use std::{
    fs, panic,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use jiff::{Timestamp, tz::TimeZone};
use seedream::seedream_client::ReqwestTransport;
use seedream_conformance::{
    CaseFilter, ConformanceRun, KnownFailures, MockTarget, MutantMatrix, Report, Requirements, RuleTrace, Subject,
    drift::DriftFacts, exec::ExecDialect,
};
use seedream_fixtures::FixtureLibrary;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{exit::Failure, keys, mock::checked, output::Console};

/// What these commands end with, which is another table than that of `generate`.
const EXIT_CODES: &str = "\
Exit codes: 0 all is well, 1 a case fails, or a failure that is known does not hold any more, 2 usage,
3 a case cannot be judged, or the report cannot be written, 4 nothing ran, or less than the requirements want.";

#[derive(Debug, Subcommand)]
pub(crate) enum ConformanceCommand {
    /// Run the laws over the adapters, against the documents in this program
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Show which cases hold each rule of the documents; exit code 1 where a line or a fact has none
    Trace,
    /// Check the form and the sources of fixtures; exit code 1 where something is wrong
    Lint(LintArgs),
    /// Show what a provider has changed since its document was read; exit code 1 where something differs
    Drift(DriftArgs),
    /// Break the adapters in every way and see that a case tells: the suite can fail
    #[command(after_help = MUTANT_EXIT_CODES)]
    Mutants(MutantArgs),
}

const MUTANT_EXIT_CODES: &str = "\
Exit codes: 0 every mutant is killed, 1 a mutant lives, or a law or a case that must hold kills none, 2 usage.";

#[derive(Debug, Args)]
pub(crate) struct MutantArgs {
    /// Print the matrix as Markdown, as the README of the suite has it
    #[arg(long)]
    markdown: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct DriftArgs {
    /// An OpenAPI file (JSON): routes, members, types, values, bounds, statuses and answers
    #[arg(long, value_name = "FILE", group = "what")]
    openapi: Option<PathBuf>,
    /// A saved page: models, paths, members, values, numbers, codes and sizes that stand in it or do not
    #[arg(long, value_name = "FILE", group = "what", requires = "provider")]
    document: Option<PathBuf>,
    /// A recorded exchange in the form of a fixture: members that are new, gone, or of another type
    #[arg(long, value_name = "FILE", group = "what", requires = "provider")]
    exchange: Option<PathBuf>,
    /// Whose it is; an OpenAPI file says so itself by its servers
    #[arg(long, value_name = "ID", value_parser = providers())]
    provider: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// A folder of the form <provider>/<area>/<case>.json [default: the fixtures in this program]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Only the cases whose names fit: decode/ark, preflight/*/errors, **/http-4*
    #[arg(long = "run", value_name = "PATTERN")]
    filter: Option<CaseFilter>,
    /// Only the adapters of these providers
    #[arg(long = "provider", value_name = "ID[,ID]", value_delimiter = ',', value_parser = providers())]
    providers: Vec<String>,
    /// Judge a program that responds in lines of JSON instead of the adapters in this one: 'python3 adapter.py'
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["providers", "live", "mock"])]
    exec: Option<String>,
    /// Judge it by facts of your own, over those in this program: a folder of <provider>/provider.json, rules.json and
    /// <area>/<case>.json
    #[arg(long, value_name = "DIR", requires = "exec")]
    fixtures: Option<PathBuf>,
    /// How many cases of each law there must be at least: {"set": "mine", "cases": {"harbour": {"encode": 6}}}
    #[arg(long, value_name = "FILE")]
    requirements: Option<PathBuf>,
    /// Failures that are known: [{"case": "decode/ark/**", "reason": "...", "until": "2027-01-31"}]
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Write the report as JSON, the source of the others; - is standard output, without the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the report as one HTML file with a page a case, which needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Ask the providers themselves, only what cannot cost anything: a wrong key, an illegal size, the list of models
    #[arg(long, conflicts_with_all = ["filter", "known", "json", "junit", "html"])]
    live: bool,
    /// Write the exchanges of --live as fixtures, without their secrets
    #[arg(long, value_name = "DIR", requires = "live")]
    record: Option<PathBuf>,
    /// Send to a mock that is running there: what --live asks, or without it every case of preflight
    #[arg(long, value_name = "URL")]
    mock: Option<String>,
}

fn providers() -> PossibleValuesParser {
    seedream::dialects().iter().map(|dialect| dialect.descriptor().id.to_string()).collect::<Vec<_>>().into()
}

/// Does what is asked; these commands have exit codes of their own.
///
/// # Errors
/// A file that is named cannot be read.
pub(crate) async fn conformance(command: &ConformanceCommand, console: &Console) -> Result<ExitCode, Failure> {
    match command {
        ConformanceCommand::Run(args) if args.live => live::run(args, console).await,
        ConformanceCommand::Run(args) => run(args, console),
        ConformanceCommand::Trace => trace(console),
        ConformanceCommand::Lint(args) => lint(args, console),
        ConformanceCommand::Drift(args) => drift(args, console),
        ConformanceCommand::Mutants(args) => mutants(args, console),
    }
}

/// Prints the rules of the documents with their cases.
fn trace(console: &Console) -> Result<ExitCode, Failure> {
    let subjects: Vec<Subject> = seedream::dialects().into_iter().map(Subject::new).collect();
    let trace = RuleTrace::of(&subjects);
    console.data(&trace.to_table())?;
    Ok(ended(trace.gaps().is_empty()))
}

/// Prints what is wrong with fixtures.
fn lint(args: &LintArgs, console: &Console) -> Result<ExitCode, Failure> {
    let (counted, found) = match &args.folder {
        None => (seedream_fixtures::exchanges().len(), seedream_fixtures::lint()),
        Some(folder) => {
            let checked = checked(folder);
            (checked.exchanges, checked.problems.iter().map(ToString::to_string).collect())
        }
    };
    // A folder without an exchange is a wrong path rather than a clean one.
    let empty = counted == 0 && found.is_empty();
    let lines = found.iter().map(|fault| format!("{fault}\n")).collect::<String>();
    console.data(&format!("{lines}{counted} exchanges, {} faults", found.len()))?;
    if empty {
        return Err(Failure::usage("there is no exchange at <provider>/<area>/<case>.json below that folder"));
    }
    Ok(ended(found.is_empty()))
}

/// Prints what differs between the fixtures and what a provider says now.
fn drift(args: &DriftArgs, console: &Console) -> Result<ExitCode, Failure> {
    let library = seedream_fixtures::library();
    let named = args.provider.as_deref().and_then(|id| DriftFacts::of(library, id));
    let mut found = Vec::new();
    if let Some(path) = &args.openapi {
        let file: Value = parsed("--openapi", path)?;
        let servers = file["servers"].as_array().into_iter().flatten().filter_map(|server| server["url"].as_str());
        let facts = named.or_else(|| servers.into_iter().find_map(|url| DriftFacts::at(library, url)));
        let whose = "none of its servers is a base URL that is known here; --provider says whose it is";
        let facts = facts.ok_or_else(|| named_failure("--openapi", path, &whose))?;
        found.extend(facts.against_openapi(&file).map_err(|error| named_failure("--openapi", path, &error))?);
    }
    // The other two go with --provider.
    if let (Some(facts), Some(path)) = (named, &args.document) {
        found.extend(facts.against_document(&read("--document", path)?));
    }
    if let (Some(facts), Some(path)) = (named, &args.exchange) {
        let recorded = parsed("--exchange", path)?;
        found.extend(facts.against_exchange(&recorded).map_err(|error| named_failure("--exchange", path, &error))?);
    }
    let lines = found.iter().map(|drift| format!("{drift}\n")).collect::<String>();
    console.data(&format!("{lines}differences {}", found.len()))?;
    Ok(ended(found.is_empty()))
}

fn read(flag: &str, path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| named_failure(flag, path, &error))
}

fn parsed<T: DeserializeOwned>(flag: &str, path: &Path) -> Result<T, Failure> {
    serde_json::from_str(&read(flag, path)?).map_err(|error| named_failure(flag, path, &error))
}

fn named_failure(flag: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format!("{flag} {}: {error}", path.display()))
}

fn ended(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the laws and prints what they found.
///
/// # Errors
/// A list of known failures that cannot be read.
fn run(args: &RunArgs, console: &Console) -> Result<ExitCode, Failure> {
    let subjects = match subjects(args) {
        Ok(subjects) => subjects,
        Err(message) => {
            console.note(&format!("error: {message}"));
            return Ok(ExitCode::from(3));
        }
    };
    let run = ConformanceRun {
        filter: args.filter.clone(),
        known: known(args)?,
        requirements: requirements(args)?,
        today: Timestamp::now().to_zoned(TimeZone::UTC).date(),
        again: again(args),
    };
    let mock = args.mock.as_ref().map(|url| keys::mock_url("--mock", url, console)).transpose()?;
    // What an adapter panics with stands in the report.
    panic::set_hook(Box::new(|_| ()));
    let report = match &mock {
        None => run.over(&subjects),
        Some(url) => run.at(&subjects, &MockTarget::new(url, || Arc::new(ReqwestTransport::new()))),
    };
    drop(panic::take_hook());
    Ok(match tell(&report, args, console) {
        Ok(()) => report.exit_code().into(),
        Err(message) => {
            console.note(&format!("error: {message}"));
            ExitCode::from(3)
        }
    })
}

/// What says on a command line which adapters are judged by what.
fn again(args: &RunArgs) -> String {
    let folder = |path: &PathBuf| path.display().to_string();
    let said =
        [("exec", args.exec.clone()), ("fixtures", args.fixtures.as_ref().map(folder)), ("mock", args.mock.clone())];
    let quoted = |text: String| text.replace('\'', r"'\''");
    said.into_iter().filter_map(|(flag, text)| text.map(|text| format!(" --{flag} '{}'", quoted(text)))).collect()
}

fn requirements(args: &RunArgs) -> Result<Requirements, Failure> {
    let Some(path) = &args.requirements else { return Ok(Requirements::of_the_documents()) };
    Requirements::from_json(&read("--requirements", path)?)
        .map_err(|error| named_failure("--requirements", path, &error))
}

/// What is to be judged: a program, or the adapters in this one.
fn subjects(args: &RunArgs) -> Result<Vec<Subject>, String> {
    if let Some(command) = &args.exec {
        let dialect = Arc::new(ExecDialect::start(command)?);
        let subject = match &args.fixtures {
            None => Subject::new(dialect),
            Some(folder) => own_facts(folder).and_then(|facts| Subject::with_own_facts(dialect, facts))?,
        };
        return match subject.provider() {
            // A program answers in lines, one cut at a time.
            Some(_) => Ok(vec![subject.with_cuts(64)]),
            None => Err(format!("there are no facts of the provider `{}`", subject.id())),
        };
    }
    Ok(ours(args))
}

/// The facts of a folder, over those in this program.
fn own_facts(folder: &Path) -> Result<FixtureLibrary, String> {
    let faults = |errors: Vec<seedream_fixtures::FixtureError>| {
        errors.iter().map(|error| format!("\n{error}")).collect::<String>()
    };
    let own = seedream_fixtures::load_dir(folder);
    own.map(|own| own.over(seedream_fixtures::library()))
        .map_err(|errors| format!("--fixtures {}:{}", folder.display(), faults(errors)))
}

/// The adapters in this program that are wanted.
fn ours(args: &RunArgs) -> Vec<Subject> {
    let wanted = |id: &str| args.providers.is_empty() || args.providers.iter().any(|wanted| wanted == id);
    let dialects = seedream::dialects().into_iter().filter(|dialect| wanted(&dialect.descriptor().id));
    dialects.map(Subject::new).collect()
}

/// Runs every case on every mutant and prints which case kills which.
///
/// # Errors
/// Where it cannot be printed.
fn mutants(args: &MutantArgs, console: &Console) -> Result<ExitCode, Failure> {
    let subjects: Vec<Subject> = seedream::dialects().into_iter().map(Subject::new).collect();
    // Mutants panic, as they should.
    panic::set_hook(Box::new(|_| ()));
    let matrix = MutantMatrix::over(&subjects);
    drop(panic::take_hook());
    console.data(&if args.markdown { matrix.to_markdown() } else { matrix.to_table() })?;
    Ok(u8::from(!matrix.faults().is_empty()).into())
}

fn known(args: &RunArgs) -> Result<KnownFailures, Failure> {
    let Some(path) = &args.known else { return Ok(KnownFailures::default()) };
    KnownFailures::from_json(&read("--known", path)?).map_err(|error| named_failure("--known", path, &error))
}

fn tell(report: &Report, args: &RunArgs, console: &Console) -> Result<(), String> {
    let to_stdout = args.json.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let files = [
        (&args.json, Report::to_json as fn(&Report) -> String),
        (&args.junit, Report::to_junit),
        (&args.html, Report::to_html),
    ];
    for (path, text) in files {
        if let Some(path) = path.as_ref().filter(|path| path.as_os_str() != "-") {
            fs::write(path, text(report)).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        }
    }
    let text = if to_stdout { report.to_json() } else { report.to_table() };
    console.data(&text).map_err(|failure| failure.message)
}
