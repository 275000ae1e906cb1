//! Results for people: a table as data, warnings and errors beside it.

use std::path::{Path, PathBuf};

use seedream::seedream_core::{Nearest, StatedBy};
use seedream::{Error, ErrorKind, Outcome};

use super::Row;
use crate::{
    output::Console,
    table::{Table, cell},
};

/// What a command that collects what is left has to repeat of this one.
#[derive(Debug)]
pub(crate) struct Again {
    /// The base URL that the user named.
    pub(crate) base_url: Option<String>,
    /// Where images go.
    pub(crate) out: PathBuf,
    /// Whether it was the embedded mock, which is gone with this process.
    pub(crate) mock: bool,
}

impl Again {
    /// The command that fetches what a sidecar names and does not have, to its own folder.
    fn sidecar(&self, sidecar: &str) -> String {
        format!("seedream resume {}{}", quoted(sidecar), self.place())
    }

    fn place(&self) -> String {
        self.base_url.as_ref().map(|url| format!(" --base-url {}", quoted(url))).unwrap_or_default()
    }

    /// The command that collects what is left of a purchase; `None` where nothing is.
    fn command(&self, outcome: &Outcome) -> Option<String> {
        let task = outcome.task.as_ref();
        let what = match (&outcome.record, task) {
            (Some(record), _) => record.clone(),
            (None, Some(task)) => format!("{}:{}", task.provider, task.id),
            (None, None) => return None,
        };
        let mut command = format!("seedream resume {}{}", quoted(&what), self.place());
        // A record is collected where it is.
        if outcome.record.is_none() && self.out != Path::new("out") {
            command.push_str(&format!(" --out {}", quoted(&self.out.to_string_lossy())));
        }
        Some(command)
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The table, and where images are that were delivered and could not be saved.
pub(super) fn of(rows: &[Row]) -> String {
    let mut table = Table::new(&["PROVIDER", "MODEL", "OUTCOME", "IMAGES", "SIZE", "BILLED", "TIME", "FILES"]);
    for entry in rows {
        table.row(row(entry));
    }
    let outcomes = rows.iter().map(|row| &row.outcome);
    let unsaved = outcomes.flat_map(|outcome| outcome.failures.iter().map(move |failure| (outcome, failure)));
    let mut lost = Table::new(&["NOT SAVED", "IMAGE", "UNTIL", "URL"]);
    let mut some = false;
    for (outcome, failure) in unsaved {
        if let Some(url) = &failure.url {
            some = true;
            let until = failure.expires_at.map(|until| until.to_string()).unwrap_or_default();
            lost.row(vec![outcome.provider.clone(), failure.index.to_string(), cell(until), cell(url)]);
        }
    }
    if some { format!("{table}\n{lost}") } else { table.to_string() }
}

fn row(row: &Row) -> Vec<String> {
    let outcome = &row.outcome;
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
        row.word().to_owned(),
        format!("{}/{requested}", outcome.delivered),
        cell(sizes.join(", ")),
        outcome.billed.map_or_else(|| "-".to_owned(), |billed| billed.to_string()),
        format!("{:.1}s", outcome.elapsed_ms as f64 / 1000.0),
        if files.is_empty() { "-".to_owned() } else { files.join("\n") },
    ]
}

/// Warnings, failures and errors, each with its provider, and how to collect what is left.
pub(super) fn notes(rows: &[Row], again: &Again, console: &Console) {
    for Row { outcome, cause, .. } in rows {
        let provider = &outcome.provider;
        for warning in &outcome.warnings {
            console.note(&format!("warning: {provider}: {}", indented(&warning.message)));
        }
        for failure in &outcome.failures {
            let code = failure.code.as_ref().map(|code| format!(" (code {code})")).unwrap_or_default();
            let message = indented(&failure.message);
            console.note(&format!("failed: {provider}: picture {}: {message}{code}", failure.index));
        }
        if let Some(told) = cause.as_ref().map(ToString::to_string) {
            let named = told.starts_with(&format!("{provider}: "));
            let told = if named { told } else { format!("{provider}: {told}") };
            console.note(&format!("error: {}", indented(&told)));
        }
        left(outcome, cause.as_ref(), again, console);
    }
    if let Some(hint) = hint(rows.iter().filter_map(|row| row.cause.as_ref())) {
        console.note(&hint);
    }
}

/// How to collect what is left, and where the rest is on record.
fn left(outcome: &Outcome, cause: Option<&Error>, again: &Again, console: &Console) {
    let provider = &outcome.provider;
    let is_open = |error: &Error| {
        let is_task = !matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidRequest);
        error.task().is_some() && !error.task_has_ended() && is_task
    };
    let task = outcome.task.as_ref().filter(|_| cause.is_some_and(is_open));
    let images = outcome.is_incomplete();
    match again.command(outcome) {
        _ if again.mock && task.is_some() => {
            console.note(&format!("{provider}: the task ends with the embedded mock: there is nothing to resume"));
        }
        Some(command) if task.is_some() || (images && outcome.record.is_some()) => {
            console.note(&format!("{provider}: collect what is left with: {command}"));
        }
        _ if images && outcome.sidecar.is_some() => {
            if let Some(sidecar) = &outcome.sidecar {
                let command = again.sidecar(&sidecar.to_string());
                console.note(&format!("{provider}: fetch what is not saved with: {command}"));
            }
        }
        _ => {
            if let Some(record) = &outcome.record {
                console.note(&format!("{provider}: the record is {record}"));
            }
        }
    }
}

/// What to do about requests that break rules; `None` where no flag helps.
pub(crate) fn hint<'a>(errors: impl IntoIterator<Item = &'a Error>) -> Option<String> {
    let violations: Vec<_> = errors.into_iter().flat_map(Error::violations).collect();
    let fits = violations.iter().filter_map(|violation| violation.nearest.as_ref());
    let fits = fits.into_iter().any(|nearest| !matches!(nearest, Nearest::OneOf(_)));
    let elsewhere =
        violations.iter().any(|violation| !matches!(violation.stated_by, StatedBy::Seller | StatedBy::User));
    let ways = [
        (fits, "--fit takes the nearest legal values"),
        (elsewhere, "--check lenient sends it with a warning, since the provider's own page is silent"),
        (fits || elsewhere, "--check off sends the request as it is"),
    ];
    let ways: Vec<_> = ways.into_iter().filter_map(|(helps, way)| helps.then_some(way)).collect();
    (!ways.is_empty()).then(|| format!("hint: {}", ways.join("; ")))
}

/// Further lines of a message stand behind its first.
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
    fn the_command_that_collects_what_is_left_is_whole() {
        let task = Task::new("evolink", "https://a.example", TaskId::new("t-1").unwrap(), "m".into());
        let (_, mut outcome) = JobError::from(Error::new(ErrorKind::Timeout, "late")).into_parts();
        let again = Again { base_url: None, out: "out".into(), mock: false };
        assert_eq!(again.command(&outcome), None);
        outcome.task = Some(task);
        assert_eq!(again.command(&outcome).unwrap(), "seedream resume evolink:t-1");
        outcome.record = Some("pics/evolink-0.job.jsonl".into());
        assert_eq!(again.command(&outcome).unwrap(), "seedream resume pics/evolink-0.job.jsonl");
        outcome.record = None;
        let again = Again { base_url: Some("http://127.0.0.1:1/x".into()), out: "it's here".into(), mock: false };
        let command = again.command(&outcome).unwrap();
        assert_eq!(command, r"seedream resume evolink:t-1 --base-url http://127.0.0.1:1/x --out 'it'\''s here'");
    }
}
