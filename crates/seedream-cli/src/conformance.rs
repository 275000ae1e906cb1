//! `seedream conformance`: runs the conformance suite and prints its reports.

mod live;
mod subjects;

use std::{
    fs, panic,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use seedream::seedream_client::ReqwestTransport;
use seedream_conformance::{
    ConformanceRun, KnownFailures, MockTarget, MutantMatrix, Report, Requirements, RuleTrace, Subject,
    drift::{DriftFacts, RecordedDrift},
    report::CaseStatus,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::{
    args::{AdapterArgs, ConformanceCommand, DriftArgs, LintArgs, MutantArgs, RunArgs},
    config::Settings,
    console::Console,
    destination::mock_url,
    failure::Failure,
    mock::checked,
};

/// Runs a conformance command.
///
/// # Errors
/// A file cannot be read or is not valid.
pub(crate) async fn conformance(command: &ConformanceCommand, console: &Console) -> Result<ExitCode, Failure> {
    match command {
        ConformanceCommand::Run(args) if args.live => {
            live::run(args, &Settings::load(&args.connection)?, console).await
        }
        ConformanceCommand::Run(args) => run(args, console),
        ConformanceCommand::Trace(args) => trace(args, console),
        ConformanceCommand::Lint(args) => lint(args, console),
        ConformanceCommand::Drift(args) => drift(args, console),
        ConformanceCommand::Mutants(args) => mutants(args, console),
    }
}

/// Prints the documented rules with their cases.
fn trace(args: &AdapterArgs, console: &Console) -> Result<ExitCode, Failure> {
    let subjects = match external(args) {
        Ok(external) => external.map_or_else(all, |subject| vec![subject]),
        Err(message) => return Ok(unusable(&message, console)),
    };
    let trace = RuleTrace::of(&subjects);
    console.data(&trace.to_table())?;
    Ok(exit_code(trace.gaps().is_empty()))
}

/// The built-in adapters.
fn all() -> Vec<Subject> {
    seedream::dialects().into_iter().map(Subject::new).collect()
}

/// The external adapter, if one is named.
fn external(args: &AdapterArgs) -> Result<Option<Subject>, String> {
    let command = args.exec.as_deref();
    command.map(|command| subjects::external(command, args.fixtures.as_deref())).transpose()
}

/// Prints why an adapter or its facts cannot be used.
fn unusable(message: &str, console: &Console) -> ExitCode {
    console.note(&format!("error: {message}"));
    ExitCode::from(3)
}

/// Prints the problems of fixtures.
fn lint(args: &LintArgs, console: &Console) -> Result<ExitCode, Failure> {
    let (counted, found) = match &args.folder {
        None => (seedream_fixtures::exchanges().len(), seedream_fixtures::lint()),
        Some(folder) => {
            let checked = checked(folder);
            (checked.exchanges, checked.problems.iter().map(ToString::to_string).collect())
        }
    };
    // A folder without exchanges is probably a wrong path.
    let empty = counted == 0 && found.is_empty();
    let lines = found.iter().map(|problem| format!("{problem}\n")).collect::<String>();
    console.data(&format!("{lines}{counted} exchanges, {} problems", found.len()))?;
    if empty {
        return Err(Failure::usage("the folder has no exchanges; they are <provider>/<area>/<case>.json files"));
    }
    Ok(exit_code(found.is_empty()))
}

/// Prints the differences between the fixtures and a provider's current documentation.
fn drift(args: &DriftArgs, console: &Console) -> Result<ExitCode, Failure> {
    let library = seedream_fixtures::library();
    let named = args.provider.as_deref().and_then(|id| DriftFacts::of(library, id));
    let mut found = Vec::new();
    if let Some(path) = &args.openapi {
        let file: Value = parsed("--openapi", path)?;
        let servers = file["servers"].as_array().into_iter().flatten().filter_map(|server| server["url"].as_str());
        let facts = named.or_else(|| servers.into_iter().find_map(|url| DriftFacts::at(library, url)));
        let unknown = "none of its servers is a known base URL; set --provider";
        let facts = facts.ok_or_else(|| named_failure("--openapi", path, &unknown))?;
        found.extend(facts.against_openapi(&file).map_err(|error| named_failure("--openapi", path, &error))?);
    }
    // The other two flags require --provider.
    if let (Some(facts), Some(path)) = (named, &args.document) {
        found.extend(facts.against_document(&read("--document", path)?));
    }
    if let (Some(facts), Some(path)) = (named, &args.exchange) {
        let recorded = parsed("--exchange", path)?;
        found.extend(facts.against_exchange(&recorded).map_err(|error| named_failure("--exchange", path, &error))?);
    }
    let recorded = args.recording.as_ref().map(|folder| recorded(folder)).transpose()?.unwrap_or_default();
    let lines =
        found.iter().map(|drift| format!("{drift}\n")).chain(recorded.iter().map(described)).collect::<String>();
    let differences =
        found.len() + recorded.iter().map(|drift| drift.document.len() + drift.adapter.len()).sum::<usize>();
    console.data(&format!("{lines}differences {differences}"))?;
    Ok(exit_code(differences == 0))
}

/// Holds each exchange of a recording against the documents and the adapter of its provider.
///
/// # Errors
/// The folder cannot be read, or has no recorded exchange of a known provider.
fn recorded(folder: &Path) -> Result<Vec<RecordedDrift>, Failure> {
    let library = seedream_fixtures::load_dir(folder).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::usage(format!("--recording {}", lines.join("\n")))
    })?;
    let dialects = seedream::dialects();
    let judged = library.exchanges().iter().filter(|exchange| exchange.wire.is_some()).filter_map(|exchange| {
        let dialect = dialects.iter().find(|dialect| &*dialect.descriptor().id == exchange.provider())?;
        let facts = DriftFacts::of(seedream_fixtures::library(), exchange.provider())?;
        Some(facts.against_recording(&**dialect, exchange))
    });
    let judged: Vec<RecordedDrift> = judged.collect();
    if judged.is_empty() {
        return Err(named_failure("--recording", folder, &"it has no exchange of `seedream mock record`"));
    }
    Ok(judged)
}

/// On which side the documents and the adapter are, and what differs.
fn described(drift: &RecordedDrift) -> String {
    let side = |agrees: bool| if agrees { "agree" } else { "differ" };
    let (document, adapter) = (side(drift.document.is_empty()), side(drift.adapter.is_empty()));
    let mut text = format!("{}: the documents {document}, the adapter {adapter}s\n", drift.id);
    drift.document.iter().for_each(|found| text.push_str(&format!("  {found}\n")));
    drift.adapter.iter().for_each(|found| text.push_str(&format!("  adapter   {found}\n")));
    text
}

fn read(flag: &str, path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| named_failure(flag, path, &error))
}

fn parsed<T: DeserializeOwned>(flag: &str, path: &Path) -> Result<T, Failure> {
    serde_json::from_str(&read(flag, path)?).map_err(|error| named_failure(flag, path, &error))
}

/// A JSON file of one form.
fn formed<T, E: std::fmt::Display>(
    flag: &str,
    path: &Path,
    form: &str,
    from_json: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Failure> {
    let text = read(flag, path)?;
    if let Err(error) = serde_json::from_str::<IgnoredAny>(&text) {
        let place = format!("{}:{}:{}", path.display(), error.line(), error.column());
        return Err(Failure::usage(format!("{flag} {place}: not JSON; write {form}")));
    }
    from_json(&text).map_err(|error| named_failure(flag, path, &format!("{error}; write {form}")))
}

fn named_failure(flag: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format!("{flag} {}: {error}", path.display()))
}

fn exit_code(success: bool) -> ExitCode {
    if success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the suite and prints the report.
///
/// # Errors
/// The list of known failures or the requirements cannot be read.
fn run(args: &RunArgs, console: &Console) -> Result<ExitCode, Failure> {
    let subjects = match subjects::subjects(args) {
        Ok(subjects) => subjects,
        Err(message) => return Ok(unusable(&message, console)),
    };
    let run = ConformanceRun {
        filter: args.filter.clone(),
        known: known(args)?,
        requirements: requirements(args)?,
        today: Timestamp::now().to_zoned(TimeZone::UTC).date(),
        again: again(args),
    };
    let mock = args.mock.as_ref().map(|url| mock_url("--mock", url, console)).transpose()?;
    // The report contains the panics of adapters.
    panic::set_hook(Box::new(|_| ()));
    let report = match &mock {
        None => run.over(&subjects),
        Some(url) => run.at(&subjects, &MockTarget::new(url, || Arc::new(ReqwestTransport::new()))),
    };
    drop(panic::take_hook());
    Ok(match write(&report, args, console) {
        Ok(()) => {
            let matches_nothing = report.count(CaseStatus::NotRun) == report.cases.len();
            if let Some(pattern) = args.filter.as_ref().filter(|_| matches_nothing) {
                let names = "names are <law>/<provider>/…, such as decode/ark";
                console.note(&format!("error: --run {pattern}: no case has this name; {names}"));
            }
            report.exit_code().into()
        }
        Err(message) => {
            console.note(&format!("error: {message}"));
            ExitCode::from(3)
        }
    })
}

/// The flags that select the adapters and facts, for the commands in the report.
fn again(args: &RunArgs) -> String {
    let folder = |path: &PathBuf| path.display().to_string();
    let flags =
        [("exec", args.exec.clone()), ("fixtures", args.fixtures.as_ref().map(folder)), ("mock", args.mock.clone())];
    let quoted = |text: String| text.replace('\'', r"'\''");
    flags.into_iter().filter_map(|(flag, text)| text.map(|text| format!(" --{flag} '{}'", quoted(text)))).collect()
}

fn requirements(args: &RunArgs) -> Result<Requirements, Failure> {
    let Some(path) = &args.requirements else { return Ok(Requirements::of_the_documents()) };
    let form = r#"{"set": "mine", "cases": {"harbour": {"encode": 6}}}"#;
    formed("--requirements", path, form, Requirements::from_json)
}

/// Runs every case on every mutant and prints which case kills which mutant.
///
/// # Errors
/// Standard output cannot be written.
fn mutants(args: &MutantArgs, console: &Console) -> Result<ExitCode, Failure> {
    let external = match external(&args.adapter) {
        Ok(external) => external,
        Err(message) => return Ok(unusable(&message, console)),
    };
    // Mutants panic by design.
    panic::set_hook(Box::new(|_| ()));
    let matrix = match external {
        Some(subject) => MutantMatrix::of_adapter(&subject, |_, _| true),
        None => MutantMatrix::over(&all()),
    };
    drop(panic::take_hook());
    console.data(&if args.markdown { matrix.to_markdown() } else { matrix.to_table() })?;
    Ok(u8::from(!matrix.faults().is_empty()).into())
}

fn known(args: &RunArgs) -> Result<KnownFailures, Failure> {
    let Some(path) = &args.known else { return Ok(KnownFailures::default()) };
    let form = r#"[{"case": "decode/ark/**", "reason": "...", "until": "2027-01-31"}]"#;
    formed("--known", path, form, KnownFailures::from_json)
}

/// Writes the report files and prints the table.
fn write(report: &Report, args: &RunArgs, console: &Console) -> Result<(), String> {
    let to_stdout = args.json.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let files = [
        (&args.json, Report::to_json as fn(&Report) -> String),
        (&args.junit, Report::to_junit),
        (&args.html, Report::to_html),
    ];
    for (path, text) in files {
        if let Some(path) = path.as_ref().filter(|path| path.as_os_str() != "-") {
            fs::write(path, text(report)).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    let text = if to_stdout { report.to_json() } else { report.to_table() };
    console.data(&text).map_err(|failure| failure.message)
}
