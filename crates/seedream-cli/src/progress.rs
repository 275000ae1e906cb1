//! Progress of jobs: one line per provider on a terminal, messages otherwise.

mod status;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use seedream::seedream_client::{JobError, JobEvent};
use seedream::{Error, ErrorKind, Job, Outcome, Plan};

use self::status::{Status, seconds};
use crate::console::Console;

/// Reports the progress of one provider's jobs.
#[derive(Debug)]
pub(crate) struct ProgressReporter<'a> {
    console: &'a Console,
    provider: &'a str,
    line: ProgressLine,
    status: Status,
    begun: Instant,
    /// Whether each saved image is reported at once.
    report_images: bool,
    /// Whether writing the record failed.
    is_unrecorded: bool,
}

impl<'a> ProgressReporter<'a> {
    pub(crate) fn new(console: &'a Console, provider: &'a str, report_images: bool) -> Self {
        let (line, status) = (ProgressLine::new(console, provider), Status::default());
        Self { console, provider, line, status, begun: Instant::now(), report_images, is_unrecorded: false }
    }

    /// With the number and the price of the images that this many requests are to make.
    pub(crate) fn expecting(mut self, plan: &Plan, requests: u32) -> Self {
        self.status.expect(plan, requests);
        self
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
        let is_news = self.status.update(event, self.begun.elapsed());
        match event {
            JobEvent::Accepted { task, record } => {
                let id = &task.id;
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
            JobEvent::Waiting => {
                self.note("waiting for the response of a request that may be billed; press Ctrl-C again to abandon it");
            }
            JobEvent::Saved(image) if self.report_images => self.note(&format!("saved {}", image.location)),
            // The outcome has a warning with the reason.
            JobEvent::NotRecorded(_) => self.is_unrecorded = true,
            JobEvent::Progress { .. } | JobEvent::Retrying { .. } if is_news && !self.console.is_live() => {
                self.note(&self.status.short());
            }
            _ => {}
        }
        self.line.set(&self.status);
    }

    fn note(&self, text: &str) {
        self.console.note(&format!("{}: {text}", self.provider));
    }
}

/// The progress line of one provider, removed on drop.
#[derive(Debug)]
struct ProgressLine {
    bar: ProgressBar,
    /// The time that the whole is estimated to take, in milliseconds; 0 if it is unknown.
    estimate: Arc<AtomicU64>,
}

impl ProgressLine {
    /// Adds a line.
    fn new(console: &Console, provider: &str) -> Self {
        let bar = console.bars().add(ProgressBar::new_spinner());
        let estimate = Arc::new(AtomicU64::new(0));
        // The state may be cut off, what was spent and the time stay.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:11} {wide_msg} {time}") {
            let shown = estimate.clone();
            let style = style.with_key("time", move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = text.write_str(&seconds(state.elapsed()));
                let total = Duration::from_millis(shown.load(Ordering::Relaxed));
                if total > state.elapsed() {
                    let _ = write!(text, " of ~{}", seconds(total));
                }
            });
            bar.set_style(style.tick_strings(&["-", "\\", "|", "/", " "]));
        }
        bar.set_prefix(provider.to_owned());
        bar.set_message("sending");
        if console.is_live() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, estimate }
    }

    fn set(&self, status: &Status) {
        let total = status.estimate().map_or(0, |total| u64::try_from(total.as_millis()).unwrap_or(u64::MAX));
        self.estimate.store(total, Ordering::Relaxed);
        self.bar.set_message(status.short());
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
