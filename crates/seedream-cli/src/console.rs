//! All printing: results to standard output, messages to standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::failure::Failure;

/// Standard output, standard error and the progress lines.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    bars: MultiProgress,
    live: bool,
}

impl Console {
    /// Shows progress lines only on a terminal that supports them and outside CI.
    pub(crate) fn new() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let live = io::stderr().is_terminal() && !set("CI") && !dumb;
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target), live }
    }

    /// The progress lines.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether progress lines are shown.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// How many columns the terminal has on which standard output is shown, if it is one.
    pub(crate) fn width(&self) -> Option<usize> {
        ::console::Term::stdout().size_checked().map(|(_, columns)| columns.into())
    }

    /// Prints a message to standard error. Write errors are ignored.
    pub(crate) fn note(&self, text: &str) {
        self.bars.suspend(|| drop(writeln!(io::stderr().lock(), "{}", printable(text))));
    }

    /// Prints text to standard output.
    ///
    /// # Errors
    /// Standard output cannot be written. A closed pipe is not an error.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        write(printable(text).trim_end().as_bytes())
    }

    /// Prints JSON to standard output.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::other(format!("cannot serialize the result as JSON: {error}")))?;
        write(text.as_bytes())
    }

    /// Prints one line to standard output, unchanged.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        write(line.as_bytes())
    }

    /// Prints a path to standard output, unchanged, also where it is no text.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(crate) fn path(&self, path: &Path) -> Result<(), Failure> {
        write(path.as_os_str().as_encoded_bytes())
    }
}

fn write(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::other(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Replaces control characters: text from a provider must not control the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\u{1b}[31mred\r\u{9b}2J\nb"), "a\u{fffd}[31mred\u{fffd}\u{fffd}2J\nb");
    }
}
