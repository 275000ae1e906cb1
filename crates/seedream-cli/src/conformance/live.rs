//! `seedream conformance run --live`: requests to the providers that cannot be billed.

use std::{fs, process::ExitCode, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use seedream::ClientBuilder;
use seedream_conformance::{
    Subject,
    drift::DriftFacts,
    live::{FreeQuestion, QuestionOutcome},
};

use super::subjects::built_in;
use crate::{
    args::RunArgs,
    config::Settings,
    console::Console,
    destination::mock_url,
    failure::Failure,
    provider_selection::{self, environment},
};

/// The key for a mock, which accepts any.
const MOCK_KEY: &str = "sk-conformance";

/// Sends the requests to each selected provider and prints the results.
///
/// # Errors
/// A provider in `--provider` has no key, or a recording cannot be written.
pub(super) async fn run(args: &RunArgs, settings: &Settings, console: &Console) -> Result<ExitCode, Failure> {
    let day = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let (mut sent, mut failed) = (0, 0);
    let mock = args.mock.as_ref().map(|url| mock_url("--mock", url, console)).transpose()?;
    let client = |subject: &Subject| client(subject, mock.as_deref(), settings);
    let has_key =
        |subject: &Subject| provider_selection::has_key(subject.dialect().descriptor(), |name| settings.presence(name));
    for subject in built_in(args) {
        let id = subject.id();
        let builder = match client(&subject) {
            Err(_) if args.providers.is_empty() && !has_key(&subject) => {
                console.data(&format!("skip  {id}: no key is set"))?;
                continue;
            }
            builder => builder?,
        };
        for warning in builder.build()?.warnings() {
            console.note(&format!("warning: {id}: {warning}"));
        }
        for free in FreeQuestion::of(&subject) {
            let free = match free {
                Ok(free) => free,
                Err(reason) => {
                    console.data(&format!("skip  {id}/{reason}"))?;
                    continue;
                }
            };
            let raw = free.ask(client(&subject)?, Arc::new(settings.transport()?)).await?;
            sent += 1;
            failed += usize::from(!raw.differences.is_empty());
            show(&subject, &raw, console)?;
            record(&raw, args, day, console)?;
        }
    }
    console.data(&format!("{sent} requests sent, {failed} failed"))?;
    Ok(match (sent, failed) {
        (0, _) => ExitCode::from(4),
        (_, 0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// A client builder with the endpoint and key of a provider or of the mock.
fn client(subject: &Subject, mock: Option<&str>, settings: &Settings) -> Result<ClientBuilder, Failure> {
    let id = subject.id();
    let Some(mock) = mock else {
        let dialect = subject.dialect().descriptor();
        settings.run_key_command(dialect)?;
        return settings.connect(seedream::from_lookup(id, |name| settings.lookup(name))?);
    };
    let below = subject.base_path();
    let key = subject.dialect().descriptor().key_variables.iter().find_map(|name| environment(name));
    let builder = seedream::Client::builder(subject.dialect().clone());
    let builder = builder.base_url(format!("{mock}/{id}{below}"));
    Ok(builder.key(key.unwrap_or_else(|| MOCK_KEY.to_owned())))
}

fn show(subject: &Subject, raw: &QuestionOutcome, console: &Console) -> Result<(), Failure> {
    let status = if raw.differences.is_empty() { "pass" } else { "FAIL" };
    let mut text = format!("{status}  {}/{}\n", subject.id(), raw.name);
    for difference in &raw.differences {
        text.push_str(&format!("  {difference}\n"));
    }
    // Harmless differences are printed but do not fail.
    let facts = DriftFacts::of(seedream_fixtures::library(), subject.id());
    let recorded = raw.recorded.as_ref().map(|recorded| recorded.fixture(Date::ZERO));
    let recorded = recorded.and_then(|fixture| serde_json::from_value(fixture).ok());
    if let (Some(facts), Some(recorded)) = (facts, recorded) {
        for drift in facts.against_exchange(&recorded).unwrap_or_default() {
            text.push_str(&format!("  drift: {drift}\n"));
        }
    }
    console.data(&text)
}

fn record(raw: &QuestionOutcome, args: &RunArgs, day: Date, console: &Console) -> Result<(), Failure> {
    let (Some(folder), Some(recorded)) = (&args.record, &raw.recorded) else { return Ok(()) };
    let path = folder.join(recorded.file());
    let written = serde_json::to_string_pretty(&recorded.fixture(day)).map_err(std::io::Error::from).and_then(|text| {
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, text + "\n")
    });
    let shown = path.display();
    written.map_err(|error| Failure::other(format!("--record {shown}: {error}")))?;
    console.note(&format!("recorded: {shown}"));
    Ok(())
}
