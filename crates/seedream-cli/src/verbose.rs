//! `--verbose`: the client's spans on standard error, each when it ends.

use std::io;

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt::{self, MakeWriter, format::FmtSpan},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::output::Console;

/// Shows the spans of this program from here on.
///
/// Only of this program: the libraries below it know nothing of its secrets, and what they show changes with their versions.
pub(crate) fn watch(console: &Console) {
    let spans = fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(Lines(console.clone()))
        .with_filter(Targets::new().with_target("seedream", LevelFilter::TRACE));
    // There is no other, since this is the program itself; and if there were, nothing but these lines would be missing.
    drop(tracing_subscriber::registry().with(spans).try_init());
}

/// Writes lines where the console writes its own.
#[derive(Clone)]
struct Lines(Console);

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.note(String::from_utf8_lossy(text).trim_end());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
