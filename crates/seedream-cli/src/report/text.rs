//! Results for people: a table as data, warnings and errors beside it.

use std::path::PathBuf;

use seedream::{Error, Nearest, StatedBy};

use super::Outcome;
use crate::{
    output::Console,
    run::Accepted,
    table::{Table, cell},
};

/// What a command that collects a task has to repeat of this one.
#[derive(Debug)]
pub(crate) struct Again {
    /// The base URL that the user named.
    pub(crate) base_url: Option<String>,
    /// Where pictures go.
    pub(crate) out: PathBuf,
    /// Whether it was the embedded mock, which is gone with this process.
    pub(crate) mock: bool,
}

impl Again {
    /// The command that collects a task.
    fn command(&self, left: &Accepted) -> String {
        let what = match &left.file {
            Some(file) => file.to_string_lossy().into_owned(),
            None => format!("{}:{}", left.task.provider, left.task.id),
        };
        let mut command = format!("seedream resume {}", quoted(&what));
        if let Some(url) = &self.base_url {
            command.push_str(&format!(" --base-url {}", quoted(url)));
        }
        if self.out.as_os_str() != "out" {
            command.push_str(&format!(" --out {}", quoted(&self.out.to_string_lossy())));
        }
        command
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

/// The table, and where pictures are that were delivered and could not be saved.
pub(super) fn of(outcomes: &[Outcome]) -> String {
    let mut table = Table::new(&["PROVIDER", "MODEL", "OUTCOME", "IMAGES", "SIZE", "BILLED", "TIME", "FILES"]);
    for outcome in outcomes {
        table.row(row(outcome));
    }
    let unsaved = outcomes.iter().flat_map(|outcome| outcome.failures.iter().map(move |failure| (outcome, failure)));
    let mut lost = Table::new(&["NOT SAVED", "IMAGE", "UNTIL", "URL"]);
    let mut some = false;
    for (outcome, failure) in unsaved {
        if let Some(url) = &failure.url {
            some = true;
            let until = failure.expires_at.map(|until| until.to_string()).unwrap_or_default();
            lost.row(vec![outcome.provider.into(), failure.index.to_string(), cell(until), cell(url)]);
        }
    }
    if some { format!("{table}\n{lost}") } else { table.to_string() }
}

fn row(outcome: &Outcome) -> Vec<String> {
    let model = match (&outcome.model, &outcome.reported_model) {
        (Some(model), Some(reported)) if model != reported => format!("{model} ({reported})"),
        (model, reported) => model.clone().or_else(|| reported.clone()).unwrap_or_default(),
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
    let files: Vec<_> = outcome.images.iter().map(|image| cell(&image.path)).collect();
    vec![
        outcome.provider.to_owned(),
        cell(model),
        outcome.word().to_owned(),
        format!("{}/{requested}", outcome.delivered),
        cell(sizes.join(", ")),
        outcome.billed.map_or_else(|| "-".to_owned(), |billed| billed.to_string()),
        format!("{:.1}s", outcome.elapsed_ms as f64 / 1000.0),
        if files.is_empty() { "-".to_owned() } else { files.join("\n") },
    ]
}

/// Warnings, failures and errors, each with its provider, and how to collect what is left.
pub(super) fn notes(outcomes: &[Outcome], again: &Again, console: &Console) {
    for outcome in outcomes {
        let provider = outcome.provider;
        for warning in &outcome.warnings {
            console.note(&format!("warning: {provider}: {}", indented(&warning.message)));
        }
        for failure in &outcome.failures {
            let code = failure.code.as_ref().map(|code| format!(" (code {code})")).unwrap_or_default();
            let message = indented(&failure.message);
            console.note(&format!("failed: {provider}: picture {}: {message}{code}", failure.index));
        }
        if let Some(told) = outcome.cause.as_ref().map(ToString::to_string) {
            let named = told.starts_with(&format!("{provider}: "));
            let told = if named { told } else { format!("{provider}: {told}") };
            let what = if outcome.counts_as.is_none() { "passed on" } else { "error" };
            console.note(&format!("{what}: {}", indented(&told)));
        }
        let ended = outcome.cause.as_ref().is_some_and(Error::task_has_ended);
        let Some(left) = outcome.left.as_ref().filter(|_| !ended) else { continue };
        let id = &left.task.id;
        if again.mock {
            console.note(&format!("{provider}: task {id} ends with the embedded mock: there is nothing to resume"));
        } else {
            console.note(&format!("{provider}: collect task {id} with: {}", again.command(left)));
        }
    }
    if let Some(hint) = hint(outcomes.iter().filter_map(|outcome| outcome.cause.as_ref())) {
        console.note(&hint);
    }
}

/// What to do about requests that break rules; `None` where no flag helps.
pub(crate) fn hint<'a>(errors: impl IntoIterator<Item = &'a Error>) -> Option<String> {
    let violations: Vec<_> = errors.into_iter().flat_map(Error::violation_list).collect();
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
    use seedream::{Task, TaskId};

    use super::*;

    #[test]
    fn the_command_that_collects_a_task_is_whole() {
        let task = Task::new("evolink", "https://a.example", TaskId::new("t-1").unwrap(), "m".into());
        let mut left = Accepted { task, file: Some("out/evolink-t-1.task.json".into()) };
        let again = Again { base_url: None, out: "out".into(), mock: false };
        assert_eq!(again.command(&left), "seedream resume out/evolink-t-1.task.json");
        left.file = None;
        let again = Again { base_url: Some("http://127.0.0.1:1/x".into()), out: "it's here".into(), mock: false };
        let command = again.command(&left);
        assert_eq!(command, r"seedream resume evolink:t-1 --base-url http://127.0.0.1:1/x --out 'it'\''s here'");
    }
}
