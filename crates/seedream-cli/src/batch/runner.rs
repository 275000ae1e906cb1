//! Runs the lines of a ledger: what was bought is collected first, then the rest is sent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use indicatif::{ProgressBar, ProgressStyle};
use seedream::seedream_client::JobError;
use seedream::{ErrorKind, ImageProvider, Job, Outcome};
use seedream_ledger::{Ledger, LineWork, Taken, Worker};
use tokio::time::{Interval, MissedTickBehavior};

use super::{live_spend::LiveSpend, rows};
use crate::{
    args::RequestOptions, console::Console, exit::Exit, failure::Failure, output_place::OutputPlace,
    report::PurchaseResult, signals::Cancel,
};

/// Runs jobs until nothing is left to be done.
pub(crate) struct Runner<'a> {
    pub(crate) provider: Arc<dyn ImageProvider>,
    pub(crate) ledger: &'a Ledger,
    /// The batch whose spend the bar shows; `None` shows that of the whole ledger.
    pub(crate) batch: Option<&'a str>,
    pub(crate) worker: Worker,
    /// What the rows leave open; `None` where nothing is sent.
    pub(crate) options: Option<&'a RequestOptions>,
    pub(crate) place: OutputPlace,
    /// Whether metadata is written beside the images.
    pub(crate) has_sidecar: bool,
    pub(crate) cancel: &'a Cancel,
    pub(crate) concurrency: u32,
    pub(crate) per_minute: Option<u32>,
    /// How many purchases there are.
    pub(crate) total: u64,
    pub(crate) console: &'a Console,
}

/// How a run ended.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The exits of the jobs that this run did.
    pub(crate) exits: Vec<Exit>,
    /// Why lines were left out.
    pub(crate) stopped: Option<(Exit, String)>,
}

type Running<'a> = FuturesUnordered<BoxFuture<'a, (String, Result<Outcome, JobError>)>>;

impl Runner<'_> {
    /// Runs until nothing is left, the budget is used up, or something concerns all lines, such as a key that is refused.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(crate) async fn run(&self) -> Result<Run, Failure> {
        let (mut run, mut running, mut pace) = (Run::default(), Running::new(), self.pace());
        let bar = self.bar();
        let started = Instant::now();
        let (mut images, mut refused) = (0u64, None);
        let mut spend = LiveSpend::default();
        // Whether the pace allows another request.
        let mut is_due = pace.is_none();
        loop {
            let is_open = run.stopped.is_none() && !self.cancel.control().is_cancelled();
            let has_room = is_open && running.len() < self.concurrency as usize;
            let ended = if has_room && !is_due {
                // Requests that are under way go on while the next one waits.
                tokio::select! {
                    () = tick(&mut pace) => {
                        is_due = true;
                        continue;
                    }
                    Some(ended) = running.next() => Some(ended),
                }
            } else {
                if has_room {
                    match self.worker.take().await {
                        Ok(Taken::Collect(record)) => {
                            running.push(self.collect(record));
                            continue;
                        }
                        Ok(Taken::Send(work)) => {
                            is_due = pace.is_none();
                            running.push(self.send(work));
                            continue;
                        }
                        Ok(Taken::BudgetUsedUp(message)) if running.is_empty() => {
                            run.stopped = Some((Exit::Budget, message));
                        }
                        // A job that costs less than it could may make room.
                        Ok(_) => {}
                        Err(refusal) => {
                            refused = Some(refusal);
                            run.stopped = Some((Exit::Other, "the ledger cannot be written".to_owned()));
                        }
                    }
                }
                running.next().await
            };
            let Some((key, result)) = ended else { break };
            let result = PurchaseResult::new(result);
            let outcome = result.outcome();
            images += u64::from(outcome.delivered);
            if let Some(error) = result.error() {
                self.console.note(&format!("{key}: {error}"));
            }
            run.stopped = run.stopped.take().or_else(|| concerns_all(&result));
            run.exits.push(result.exit());
            let rate = images as f64 * 60.0 / started.elapsed().as_secs_f64().max(0.001);
            if self.console.is_live() {
                spend.refresh(self.ledger, self.batch).await;
            }
            bar.set_message(format!("{images} images, {rate:.0} a minute{}", spend.text()));
            bar.inc(1);
        }
        bar.finish_and_clear();
        match refused {
            Some(refusal) => Err(seedream_ledger::LedgerError::from(refusal).into()),
            None => Ok(run),
        }
    }

    fn collect(&self, record: String) -> BoxFuture<'_, (String, Result<Outcome, JobError>)> {
        let key = key_of(&record).to_owned();
        let job = Job::resumed(self.provider.clone(), record);
        self.run_job(key, job)
    }

    fn send(&self, work: LineWork) -> BoxFuture<'_, (String, Result<Outcome, JobError>)> {
        let columns = work.row.as_object().cloned().unwrap_or_default();
        let request = self.options.ok_or_else(|| Failure::other("nothing is sent here"));
        let request = request.and_then(|options| rows::request(&columns, options, self.console));
        match request {
            Ok(request) => {
                let job = Job::new(self.provider.clone(), request).id(work.job.clone()).numbered(work.purchase);
                let key = work.key.clone();
                // Held until the job has begun.
                async move {
                    let ran = self.run_job(key, job).await;
                    drop(work);
                    ran
                }
                .boxed()
            }
            // It was valid when it was planned: a reference file is gone, for example.
            Err(failure) => {
                let error = seedream::Error::new(ErrorKind::InvalidRequest, failure.message);
                std::future::ready((work.key.clone(), Err(JobError::from(error)))).boxed()
            }
        }
    }

    fn run_job(&self, key: String, job: Job) -> BoxFuture<'_, (String, Result<Outcome, JobError>)> {
        let job = job.output(self.place.of_line(&key)).store(Arc::new(self.worker.clone()));
        let job = job.controlled_by(self.cancel.control());
        let job = if self.has_sidecar { job } else { job.without_sidecar() };
        async move { (key, job.run().await) }.boxed()
    }

    fn pace(&self) -> Option<Interval> {
        let mut pace = tokio::time::interval(Duration::from_secs(60) / self.per_minute?);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(pace)
    }

    fn bar(&self) -> ProgressBar {
        let bar = self.console.bars().add(ProgressBar::new(self.total));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  ({elapsed})") {
            bar.set_style(style);
        }
        if self.console.is_live() {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        bar
    }
}

/// Waits until the pace allows another request.
async fn tick(pace: &mut Option<Interval>) {
    if let Some(pace) = pace {
        pace.tick().await;
    }
}

/// The key of a line from the id of its record: without the batch.
fn key_of(record: &str) -> &str {
    record.split_once('/').map_or(record, |(_, key)| key)
}

/// Why no other line is sent after this result, where the reason concerns all of them.
fn concerns_all(result: &PurchaseResult) -> Option<(Exit, String)> {
    let reason = match result.exit() {
        Exit::Key => "the provider refuses the key",
        Exit::Balance => "the balance or quota is used up",
        _ if result.is_unsaved() => "an image could not be saved",
        _ => return None,
    };
    Some((result.exit(), reason.to_owned()))
}
