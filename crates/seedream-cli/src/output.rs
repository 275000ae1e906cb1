//! The only place that prints: standard output is data, everything else is standard error.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::exit::Failure;

/// Where a run prints to.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    bars: MultiProgress,
    live: bool,
}

impl Console {
    /// Progress moves only where somebody watches: not in a pipe, in CI, or on a terminal that cannot move its cursor.
    pub(crate) fn new() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let live = io::stderr().is_terminal() && !set("CI") && !dumb;
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target), live }
    }

    /// The lines that move.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether lines move.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Tells the user something, on standard error. A standard error that is gone is no reason to stop.
    pub(crate) fn note(&self, text: &str) {
        self.bars.suspend(|| drop(writeln!(io::stderr().lock(), "{}", printable(text))));
    }

    /// Prints text as data.
    ///
    /// # Errors
    /// Standard output cannot be written to, for another reason than that nobody reads it any more.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        write(printable(text).trim_end())
    }

    /// Prints JSON as data.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::other(format!("the result cannot be written as JSON: {error}")))?;
        write(&text)
    }

    /// Prints one line of data as it is.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        write(line)
    }
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::other(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// The text without what could move the cursor or change colours: much of it was written by a provider.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_cannot_write_to_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mred\r\u{9b}2J\nb"), "a\u{fffd}[31mred\u{fffd}\u{fffd}2J\nb");
    }
}
