//! The text of a warning, with what to do about it on the command line.

use std::collections::BTreeSet;

use seedream::seedream_core::{Field, WarningKind};
use seedream::{Warning, dialect};

use crate::console::Console;

/// The most edits between a mistyped model id and the id that was meant.
const FEW_EDITS: usize = 3;

/// The warnings of a run, each printed once: those of a plan before the request is sent, and those of its response.
#[derive(Debug, Default)]
pub(crate) struct PrintedWarnings(BTreeSet<String>);

impl PrintedWarnings {
    /// Prints those that were not printed before.
    pub(crate) fn print(&mut self, provider: &str, model: &str, warnings: &[Warning], console: &Console) {
        for warning in warnings {
            let text = text(provider, model, warning).replace('\n', "\n  ");
            let line = format!("warning: {provider}: {text}");
            if self.0.insert(line.clone()) {
                console.note(&line);
            }
        }
    }
}

/// The message; for a number of images that the prompt decides also how to get exactly that number, for an unknown model also the nearest id and how to list the known ones.
pub(crate) fn text(provider: &str, model: &str, warning: &Warning) -> String {
    let message = warning.message.trim_end();
    if (warning.kind, warning.field) == (WarningKind::Advice, Some(Field::Count)) {
        return format!("{message}; --exactly N sends N requests of one image instead");
    }
    if warning.kind != WarningKind::UnknownModel {
        return message.to_owned();
    }
    let meant = nearest(provider, model).map(|id| format!("; did you mean `{id}`?")).unwrap_or_default();
    let end = if meant.is_empty() { ";" } else { "" };
    format!("{message}{meant}{end} known models: seedream models --provider {provider}")
}

/// The id or alias of the provider that differs by few edits.
fn nearest(provider: &str, model: &str) -> Option<String> {
    let dialect = dialect(provider).ok()?;
    let names = dialect.descriptor().models.iter().flat_map(|entry| [&entry.id].into_iter().chain(&entry.aliases));
    let edits = |name: &str| strsim::damerau_levenshtein(name, model);
    names
        .map(|name| (edits(name.as_str()), name))
        .filter(|(edits, _)| *edits <= FEW_EDITS)
        .min()
        .map(|(_, name)| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_model_gets_the_nearest_id_and_the_command_that_lists_all() {
        let warning = |kind| Warning::new(kind, None, "`x` is unknown");
        let unknown = |model| text("ark", model, &warning(WarningKind::UnknownModel));
        let list = "known models: seedream models --provider ark";
        assert_eq!(unknown("nosuch"), format!("`x` is unknown; {list}"));
        let near = "did you mean `doubao-seedream-4-0-250828`?";
        assert_eq!(unknown("dubao-seedream-4-0-250828"), format!("`x` is unknown; {near} {list}"));
        assert_eq!(text("ark", "nosuch", &warning(WarningKind::Cost)), "`x` is unknown");
    }
}
