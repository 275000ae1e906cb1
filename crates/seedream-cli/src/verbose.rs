//! `--verbose`: prints each span of the client to standard error when it ends.

use std::io;

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt::{self, MakeWriter, format::FmtSpan},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::console::Console;

/// Starts printing the spans of the seedream crates. Spans of other libraries might contain secrets.
pub(crate) fn enable(console: &Console) {
    let spans = fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(ConsoleWriter(console.clone()))
        .with_filter(Targets::new().with_target("seedream", LevelFilter::TRACE));
    // This fails only if another subscriber is installed, which this program does not do.
    drop(tracing_subscriber::registry().with(spans).try_init());
}

/// Writes lines through the console.
#[derive(Clone)]
struct ConsoleWriter(Console);

impl io::Write for ConsoleWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.note(String::from_utf8_lossy(text).trim_end());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for ConsoleWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
