//! One moving line a provider.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Console;

/// The line of one provider. It goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Line(ProgressBar);

impl Line {
    /// A line that says that the request is under way.
    pub(crate) fn new(console: &Console, provider: &'static str) -> Self {
        let bar = console.bars().add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:12} {msg} ({elapsed})") {
            bar.set_style(style.tick_strings(&["-", "\\", "|", "/", " "]));
        }
        bar.set_prefix(provider);
        bar.set_message("sending");
        if console.is_live() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self(bar)
    }

    /// Says what is happening.
    pub(crate) fn say(&self, message: impl Into<String>) {
        let message: String = message.into();
        self.0.set_message(message.replace(|c: char| c.is_control(), " "));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
