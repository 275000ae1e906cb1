//! What happens to a job, told while it happens: one moving line a provider, and notes for those who read them later.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use seedream::seedream_client::{JobError, JobEvent};
use seedream::{Error, ErrorKind, Job, Outcome};

use crate::output::Console;

/// Tells of one provider's jobs.
#[derive(Debug)]
pub(crate) struct Teller<'a> {
    console: &'a Console,
    provider: &'a str,
    line: Line,
    /// Whether every image is told of as soon as it is saved.
    one_by_one: bool,
    saved: usize,
    /// Whether the record could not be written.
    is_unrecorded: bool,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(console: &'a Console, provider: &'a str, one_by_one: bool) -> Self {
        let line = Line::new(console, provider);
        Self { console, provider, line, one_by_one, saved: 0, is_unrecorded: false }
    }

    /// Runs a job to its end.
    pub(crate) async fn follow(&mut self, job: Job) -> Result<Outcome, JobError> {
        let mut events = job.events();
        while let Some(event) = events.next().await {
            match event {
                JobEvent::Ended(ended) => return *ended,
                event => self.tell(&event),
            }
        }
        Err(JobError::from(Error::new(ErrorKind::Config, "the job ended without an outcome")))
    }

    pub(crate) fn tell(&mut self, event: &JobEvent) {
        let provider = self.provider;
        match event {
            JobEvent::Accepted { task, record } => {
                let id = &task.id;
                self.line.say("accepted");
                match record.as_ref().filter(|_| !self.is_unrecorded) {
                    Some(record) if !self.console.is_live() => {
                        let cancel = match task.can_cancel {
                            Some(true) => "; the provider says that it can be cancelled",
                            Some(false) => "; the provider says that it cannot be cancelled",
                            None => "",
                        };
                        self.note(&format!("task {id} was accepted and is kept in {record}{cancel}"));
                    }
                    Some(_) => {}
                    None => {
                        self.note(&format!("task {id} was accepted and is not recorded: write down {provider}:{id}"));
                    }
                }
            }
            JobEvent::Progress { status, percent } => {
                self.line.say(percent.map_or(status.clone(), |percent| format!("{status} {percent}%")));
            }
            JobEvent::Retrying { attempt, wait, kind } => {
                let seconds = wait.as_secs_f64();
                self.line.say(format!("{kind}: waiting {seconds:.1}s before attempt {attempt}"));
                if !self.console.is_live() {
                    self.note(&format!("{kind}: attempt {attempt} follows in {seconds:.1}s"));
                }
            }
            JobEvent::Waiting => {
                self.note("waiting for the answer, which may be paid; Ctrl-C again gives it up");
            }
            JobEvent::Saved(image) => {
                self.saved += 1;
                self.line.say(format!("{} saved", self.saved));
                if self.one_by_one {
                    self.note(&format!("saved {}", image.location));
                }
            }
            // The warnings of the outcome say why.
            JobEvent::NotRecorded(_) => self.is_unrecorded = true,
            _ => {}
        }
    }

    fn note(&self, text: &str) {
        self.console.note(&format!("{}: {text}", self.provider));
    }
}

/// The line of one provider. It goes when it is dropped.
#[derive(Debug)]
struct Line(ProgressBar);

impl Line {
    /// A line that says that the request is under way.
    fn new(console: &Console, provider: &str) -> Self {
        let bar = console.bars().add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:12} {msg} ({elapsed})") {
            bar.set_style(style.tick_strings(&["-", "\\", "|", "/", " "]));
        }
        bar.set_prefix(provider.to_owned());
        bar.set_message("sending");
        if console.is_live() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self(bar)
    }

    /// Says what is happening.
    fn say(&self, message: impl Into<String>) {
        let message: String = message.into();
        self.0.set_message(message.replace(|c: char| c.is_control(), " "));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
