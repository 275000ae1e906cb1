//! `seedream jobs`: the jobs of a ledger.

use seedream_ledger::{JobFilter, JobRow, Ledger, Resolution, WorkerOptions, protocol::Verdict};

use crate::{
    args::{Check, Decision, JobsCommand, ProviderArgs, RuleArgs, SaveArgs},
    batch::{self, Runner},
    config::Settings,
    console::Console,
    exit::Exit,
    failure::Failure,
    ledger::LedgerAt,
    output_place::{Beside, OutputPlace},
    signals::Cancel,
    table::{Table, cell},
};

/// How many jobs are read at a time.
const PAGE: u32 = 500;

/// Runs a command about jobs.
///
/// # Errors
/// The ledger cannot be used, or has no such job.
pub(crate) async fn jobs(command: JobsCommand, console: &Console) -> Result<Exit, Failure> {
    match command {
        JobsCommand::List { ledger, batch, state } => {
            let mut filter = JobFilter::default();
            (filter.batch, filter.state) = (batch, state);
            list(&ledger.ledger.open()?, filter, ledger.json, console).await
        }
        JobsCommand::Show { id, ledger } => {
            let opened = ledger.open()?;
            let found = opened.show(&id).await?.ok_or_else(|| {
                let name = ledger.shown(&opened);
                Failure::usage(format!("{name} has no job {id}; list them with: seedream jobs list --ledger {name}"))
            })?;
            console.json(&found)?;
            Ok(Exit::Ok)
        }
        JobsCommand::Resume { ledger, mut provider, mut save } => {
            let settings = Settings::load(&provider.connection)?;
            settings.fill_providers(&mut provider);
            settings.fill_out(&mut save);
            settings.fill_name(&mut save);
            let places = (&*provider, &*save);
            resume(&ledger.ledger.open()?, ledger.ledger.beside(), places, &settings, console).await
        }
        JobsCommand::Resolve { id, decision, yes: _, force, ledger } => {
            let mut resolution = Resolution::new(verdict(decision));
            if force {
                resolution = resolution.force();
            }
            let state = ledger.ledger.open()?.resolve(&id, resolution).await?;
            if ledger.json {
                console.json(&serde_json::json!({ "id": id, "state": state.as_str() }))?;
            } else {
                console.data(&format!("{id} is {state}"))?;
            }
            Ok(Exit::Ok)
        }
        JobsCommand::Export { ledger } => export(&ledger, console).await,
    }
}

fn verdict(decision: Decision) -> Verdict {
    match decision {
        Decision { paid: true, .. } => Verdict::Paid,
        Decision { again: true, .. } => Verdict::Again,
        _ => Verdict::NotPaid,
    }
}

async fn list(ledger: &Ledger, mut filter: JobFilter, json: bool, console: &Console) -> Result<Exit, Failure> {
    let mut table = Table::new(&["RECORD", "STATE", "PROVIDER", "MODEL", "ATTEMPTS", "HELD", "BILLED", "BEGUN"]);
    let mut all = Vec::new();
    filter.limit = PAGE;
    loop {
        let page = ledger.jobs(filter.clone()).await?;
        let Some(last) = page.last() else { break };
        filter.after = last.id;
        if json {
            all.extend(page);
        } else {
            page.iter().for_each(|job| rows(job, &mut table));
        }
    }
    if json {
        console.json(&all)?;
    } else {
        console.data(&table.to_string())?;
    }
    Ok(Exit::Ok)
}

fn rows(job: &JobRow, table: &mut Table) {
    for purchase in &job.purchases {
        let last = purchase.attempts.last();
        let text = |of: fn(&seedream_ledger::AttemptReport) -> String| cell(last.map(of).unwrap_or_default());
        let conflict = if purchase.attempts.iter().any(|attempt| attempt.is_conflict) { " (conflict)" } else { "" };
        table.row(vec![
            cell(&purchase.record),
            format!("{}{conflict}", purchase.state),
            text(|attempt| attempt.provider.clone()),
            text(|attempt| attempt.model.clone()),
            purchase.attempts.len().to_string(),
            text(|attempt| attempt.held.to_string()),
            text(|attempt| attempt.billed.to_string()),
            text(|attempt| attempt.begun_at.as_deref().map(whole_seconds).unwrap_or_default()),
        ]);
    }
}

/// A time in RFC 3339 without the fraction of its seconds.
fn whole_seconds(time: &str) -> String {
    time.split_once('.').map_or(time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}

/// Collects what was bought and not saved, of all batches.
async fn resume(
    ledger: &Ledger,
    beside: Beside<'_>,
    (provider, save): (&ProviderArgs, &SaveArgs),
    settings: &Settings,
    console: &Console,
) -> Result<Exit, Failure> {
    save.check_out()?;
    let destination = batch::open(provider, settings, console).await?;
    let targets =
        batch::targets(provider, &RuleArgs { check: Check::Strict, fit: false }, save, &destination, settings)?;
    let cancel = Cancel::on_signals(Some(console))?;
    let runner = Runner {
        provider: batch::provider(targets)?,
        ledger,
        batch: None,
        worker: ledger.worker(WorkerOptions::default())?,
        options: None,
        place: OutputPlace::open(save, None, beside, settings, console).await?,
        has_sidecar: !save.no_sidecar,
        cancel: &cancel,
        concurrency: 4,
        per_minute: None,
        total: 0,
        console,
    };
    let run = runner.run().await?;
    ledger.flush().await?;
    console.data(&format!("{} collected", run.exits.len()))?;
    Ok(Exit::of_several(run.exits.into_iter().chain(cancel.control().is_cancelled().then_some(Exit::Cancelled))))
}

/// Prints every job as a JSON line; of a damaged ledger what can be read.
async fn export(at: &LedgerAt, console: &Console) -> Result<Exit, Failure> {
    let ledger = match (at.open(), at) {
        (Ok(ledger), _) => ledger,
        (Err(failure), LedgerAt::File(path)) if path.exists() => {
            console.note(&format!("error: {}", failure.message));
            let salvage = Ledger::salvage(path)?;
            for (record, entry) in &salvage.entries {
                console.line(&serde_json::json!({ "record": record, "entry": entry }).to_string())?;
            }
            for problem in &salvage.problems {
                console.note(&format!("error: {problem}"));
            }
            return Ok(Exit::Partial);
        }
        (Err(failure), _) => return Err(failure),
    };
    let mut filter = JobFilter::default();
    filter.limit = PAGE;
    loop {
        let page = ledger.export(filter.clone()).await?;
        let Some(last) = page.last() else { return Ok(Exit::Ok) };
        filter.after = last.job.id;
        for job in &page {
            console.line(&serde_json::json!(job).to_string())?;
        }
    }
}
