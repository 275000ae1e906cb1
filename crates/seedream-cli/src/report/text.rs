//! Results as text: tables on standard output, warnings and errors on standard error.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use seedream::{Charge, Error, ErrorKind, ImageFailure, Outcome};

use super::{error_text, purchase_result::PurchaseResult, violation_hint, warnings::PrintedWarnings};
use crate::{
    console::Console,
    table::{Table, cell},
};

/// The `seedream resume` command for unfinished purchases of this run.
#[derive(Debug)]
pub(crate) struct ResumeCommand {
    /// The value of `--base-url`.
    pub(crate) base_url: Option<String>,
    /// The output folder or bucket.
    pub(crate) out: PathBuf,
    /// The ledger that keeps the record.
    pub(crate) ledger: Option<String>,
    /// Whether the run used the built-in mock, which ends with this process.
    pub(crate) mock: bool,
}

impl ResumeCommand {
    /// The command that fetches the unsaved images of a metadata file.
    fn sidecar(&self, sidecar: &str) -> String {
        format!("seedream resume {}{}", quoted(sidecar), self.base_url_flag())
    }

    fn base_url_flag(&self) -> String {
        self.base_url.as_ref().map(|url| format!(" --base-url {}", quoted(url))).unwrap_or_default()
    }

    /// The command that resumes a purchase from its record or task.
    fn command(&self, outcome: &Outcome) -> Option<String> {
        if let (Some(_), Some(ledger)) = (&outcome.record, &self.ledger) {
            let words = [("--ledger", ledger.as_str()), ("--out", &self.out.to_string_lossy())];
            let [ledger, out] = words.map(|(flag, value)| format!("{flag} {}", quoted(value)));
            let provider = quoted(&outcome.provider);
            return Some(format!("seedream jobs resume {ledger} --provider {provider} {out}{}", self.base_url_flag()));
        }
        let task = outcome.task.as_ref();
        let item = match (&outcome.record, task) {
            (Some(record), _) => record.clone(),
            (None, Some(task)) => format!("{}:{}", task.provider, task.id),
            (None, None) => return None,
        };
        let mut command = format!("seedream resume {}{}", quoted(&item), self.base_url_flag());
        // Images of a record are saved next to it.
        if outcome.record.is_none() && self.out != Path::new("out") {
            command.push_str(&format!(" --out {}", quoted(&self.out.to_string_lossy())));
        }
        Some(command)
    }
}

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The table of results, and a table of the delivered images that are not saved.
pub(super) fn tables(purchases: &[PurchaseResult], width: Option<usize>) -> String {
    // What people copy is never shortened.
    let mut table = Table::new(&["PROVIDER", "MODEL", "OUTCOME", "IMAGES", "SIZE", "BILLED", "TIME", "FILES"]);
    for purchase in purchases {
        table.row(row(purchase));
    }
    let outcomes = purchases.iter().map(|purchase| &purchase.outcome);
    let failures = outcomes.flat_map(|outcome| outcome.failures.iter().map(move |failure| (outcome, failure)));
    let mut unsaved = Table::new(&["NOT SAVED", "IMAGE", "UNTIL", "URL"]);
    let mut any = false;
    for (outcome, failure) in failures {
        if let Some(url) = &failure.url {
            any = true;
            let until = failure.expires_at.map(|until| until.to_string()).unwrap_or_default();
            unsaved.row(vec![outcome.provider.clone(), failure.index.to_string(), cell(until), cell(url)]);
        }
    }
    let total = if purchases.len() > 1 { total(purchases) } else { String::new() };
    let table = table.fitted(width, &["FILES"]);
    if any { format!("{table}{total}\n{}", unsaved.fitted(width, &["URL"])) } else { format!("{table}{total}") }
}

/// The sum over several purchases.
fn total(purchases: &[PurchaseResult]) -> String {
    let (mut images, mut billed, mut unknown) = (0, 0, 0);
    let mut reserved: Vec<String> = Vec::new();
    for PurchaseResult { outcome, .. } in purchases {
        images += outcome.delivered;
        match (outcome.billed, &outcome.usage.reserved, outcome.charge) {
            (Some(number), ..) => billed += number,
            (None, _, Charge::No) => {}
            (None, Some(amount), _) => reserved.push(format!(", {amount} (reserved)")),
            (None, None, _) => unknown += 1,
        }
    }
    let unknown = if unknown > 0 { format!(", unknown for requests: {unknown}") } else { String::new() };
    format!("total: images: {images}; billed: {billed}{}{unknown}\n", reserved.concat())
}

fn row(purchase: &PurchaseResult) -> Vec<String> {
    let outcome = &purchase.outcome;
    let model = match (outcome.model.as_str(), &outcome.reported_model) {
        ("", reported) => reported.clone().unwrap_or_default(),
        (model, Some(reported)) if model != reported => format!("{model} ({reported})"),
        (model, _) => model.to_owned(),
    };
    let requested = outcome.requested.map_or_else(|| "?".to_owned(), |requested| requested.to_string());
    let mut sizes: Vec<String> = Vec::new();
    for image in &outcome.images {
        if let (Some(width), Some(height)) = (image.width, image.height) {
            let size = format!("{width}x{height}");
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
    }
    let files: Vec<_> = outcome.images.iter().map(|image| cell(image.location.to_string())).collect();
    vec![
        outcome.provider.clone(),
        cell(model),
        purchase.word().to_owned(),
        format!("{}/{requested}", outcome.delivered),
        cell(sizes.join(", ")),
        billed(outcome),
        format!("{:.1}s", outcome.elapsed_ms as f64 / 1000.0),
        if files.is_empty() { "-".to_owned() } else { files.join("\n") },
    ]
}

/// How many images were billed, or what else is known of the bill.
fn billed(outcome: &Outcome) -> String {
    match (outcome.billed, &outcome.usage.reserved, outcome.charge) {
        (Some(billed), ..) => billed.to_string(),
        (None, _, Charge::No) => "0".to_owned(),
        (None, Some(reserved), _) => format!("{reserved} (reserved)"),
        (None, None, Charge::Yes) => "yes".to_owned(),
        (None, None, _) => "?".to_owned(),
    }
}

/// Prints warnings, failed images and errors with their provider, and the command that resumes a purchase.
pub(super) fn notes(
    purchases: &[PurchaseResult],
    resume: &ResumeCommand,
    warnings: &mut PrintedWarnings,
    console: &Console,
) {
    for PurchaseResult { outcome, error, .. } in purchases {
        let provider = &outcome.provider;
        warnings.print(provider, &outcome.model, &outcome.warnings, console);
        for failure in &outcome.failures {
            let code = failure.code.as_ref().map(|code| format!(" (code {code})")).unwrap_or_default();
            let message = indented(&failure.message);
            console.note(&format!("failed: {provider}: image {}: {message}{code}", failure.index));
        }
        if let Some(error) = error {
            console.note(&format!("error: {}", indented(&error_text::line(provider, error))));
        }
        unfinished(outcome, error.as_ref(), resume, console);
    }
    let models = purchases.iter().find_map(|purchase| (!purchase.models.is_empty()).then_some(&purchase.models[..]));
    let errors = purchases.iter().filter_map(|purchase| purchase.error.as_ref());
    if let Some(hint) = violation_hint::hint(errors, models.unwrap_or_default()) {
        console.note(&format!("hint: {hint}"));
    }
    let hints = purchases.iter().filter_map(|purchase| {
        let provider = &purchase.outcome.provider;
        Some(format!("hint: {provider}: {}", error_text::hint(provider, purchase.error.as_ref()?)?))
    });
    // The purchases of `--exactly` fail alike.
    let hints: BTreeSet<_> = hints.collect();
    hints.iter().for_each(|hint| console.note(hint));
}

/// Prints how to resume an unfinished purchase, or where its record is.
fn unfinished(outcome: &Outcome, error: Option<&Error>, resume: &ResumeCommand, console: &Console) {
    let provider = &outcome.provider;
    let is_open = |error: &Error| {
        let is_task = !matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidRequest);
        error.task().is_some() && !error.task_has_ended() && is_task
    };
    let task = outcome.task.as_ref().filter(|_| error.is_some_and(is_open));
    let is_here = |failure: &ImageFailure| failure.kind == ErrorKind::Storage;
    let images = outcome.is_incomplete() || (outcome.record.is_some() && outcome.failures.iter().any(is_here));
    match resume.command(outcome) {
        _ if resume.mock && task.is_some() => {
            console.note(&format!("{provider}: the built-in mock has ended, so its task cannot be resumed"));
        }
        Some(command) if task.is_some() || (images && outcome.record.is_some()) => {
            console.note(&format!("{provider}: to fetch the rest, run: {command}"));
        }
        _ if images && outcome.sidecar.is_some() => {
            if let Some(sidecar) = &outcome.sidecar {
                let command = resume.sidecar(&sidecar.to_string());
                console.note(&format!("{provider}: to fetch the unsaved images, run: {command}"));
            }
        }
        _ => {
            if let Some(record) = &outcome.record {
                console.note(&format!("{provider}: recorded in {record}"));
            }
        }
    }
}

/// Indents the lines of a message after the first.
fn indented(message: &str) -> String {
    message.trim_end().replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use seedream::seedream_client::JobError;
    use seedream::seedream_core::TaskId;
    use seedream::{Error, ErrorKind, Task};

    use super::*;

    #[test]
    fn the_resume_command_has_every_flag_it_needs() {
        let task = Task::new("evolink", "https://a.example", TaskId::new("t-1").unwrap(), "m".into());
        let (_, mut outcome) = JobError::from(Error::new(ErrorKind::Timeout, "late")).into_parts();
        let resume = ResumeCommand { base_url: None, out: "out".into(), ledger: None, mock: false };
        assert_eq!(resume.command(&outcome), None);
        outcome.task = Some(task);
        assert_eq!(resume.command(&outcome).unwrap(), "seedream resume evolink:t-1");
        outcome.record = Some("pics/evolink-0.job.jsonl".into());
        assert_eq!(resume.command(&outcome).unwrap(), "seedream resume pics/evolink-0.job.jsonl");
        outcome.record = None;
        let resume = ResumeCommand {
            base_url: Some("http://127.0.0.1:1/x".into()),
            out: "it's here".into(),
            ledger: None,
            mock: false,
        };
        let command = resume.command(&outcome).unwrap();
        assert_eq!(command, r"seedream resume evolink:t-1 --base-url http://127.0.0.1:1/x --out 'it'\''s here'");
    }
}
