//! Progress of jobs: one progress line per provider on a terminal, messages otherwise.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use seedream::seedream_client::{JobError, JobEvent};
use seedream::{Error, ErrorKind, Job, Outcome};

use crate::console::Console;

/// Reports the progress of one provider's jobs.
#[derive(Debug)]
pub(crate) struct ProgressReporter<'a> {
    console: &'a Console,
    provider: &'a str,
    line: ProgressLine,
    /// Whether each saved image is reported at once.
    report_images: bool,
    saved: usize,
    /// Whether writing the record failed.
    is_unrecorded: bool,
}

impl<'a> ProgressReporter<'a> {
    pub(crate) fn new(console: &'a Console, provider: &'a str, report_images: bool) -> Self {
        let line = ProgressLine::new(console, provider);
        Self { console, provider, line, report_images, saved: 0, is_unrecorded: false }
    }

    /// Runs a job to its end.
    pub(crate) async fn run(&mut self, job: Job) -> Result<Outcome, JobError> {
        let mut events = job.events();
        while let Some(event) = events.next().await {
            match event {
                JobEvent::Ended(ended) => return *ended,
                event => self.report(&event),
            }
        }
        Err(JobError::from(Error::new(ErrorKind::Config, "the job ended without an outcome")))
    }

    /// Reports one event.
    pub(crate) fn report(&mut self, event: &JobEvent) {
        let provider = self.provider;
        match event {
            JobEvent::Accepted { task, record } => {
                let id = &task.id;
                self.line.set("accepted");
                match record.as_ref().filter(|_| !self.is_unrecorded) {
                    Some(record) if !self.console.is_live() => {
                        let cancel = match task.can_cancel {
                            Some(true) => "; the provider can cancel it",
                            Some(false) => "; the provider cannot cancel it",
                            None => "",
                        };
                        self.note(&format!("task {id} accepted and recorded in {record}{cancel}"));
                    }
                    Some(_) => {}
                    None => {
                        self.note(&format!(
                            "task {id} accepted but not recorded; note it down to run: seedream resume {provider}:{id}"
                        ));
                    }
                }
            }
            JobEvent::Progress { status, percent } => {
                self.line.set(percent.map_or(status.clone(), |percent| format!("{status} {percent}%")));
            }
            JobEvent::Retrying { attempt, wait, kind } => {
                let cause = kind.as_str().replace('_', " ");
                let text = format!("{cause}, retrying in {:.1} s (attempt {attempt})", wait.as_secs_f64());
                if !self.console.is_live() {
                    self.note(&text);
                }
                self.line.set(text);
            }
            JobEvent::Waiting => {
                self.note("waiting for the response of a request that may be billed; press Ctrl-C again to abandon it");
            }
            JobEvent::Saved(image) => {
                self.saved += 1;
                self.line.set(format!("{} saved", self.saved));
                if self.report_images {
                    self.note(&format!("saved {}", image.location));
                }
            }
            // The outcome has a warning with the reason.
            JobEvent::NotRecorded(_) => self.is_unrecorded = true,
            _ => {}
        }
    }

    fn note(&self, text: &str) {
        self.console.note(&format!("{}: {text}", self.provider));
    }
}

/// The progress line of one provider, removed on drop.
#[derive(Debug)]
struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// Adds a line.
    fn new(console: &Console, provider: &str) -> Self {
        let bar = console.bars().add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:12} {wide_msg} {elapsed:>4}") {
            bar.set_style(style.tick_strings(&["-", "\\", "|", "/", " "]));
        }
        bar.set_prefix(provider.to_owned());
        bar.set_message("sending");
        if console.is_live() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self(bar)
    }

    /// Sets the text.
    fn set(&self, message: impl Into<String>) {
        let message: String = message.into();
        self.0.set_message(message.replace(|c: char| c.is_control(), " "));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
