//! Runs a job to its end.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use futures_util::future::Either;

use super::{
    configuration::{Job, JobStart},
    context::JobContext,
    event::JobEvent,
    outcome::{JobError, Outcome},
    resume,
    running::RunningJob,
};
use crate::{
    output::ImageLabel,
    provider::Prepared,
    record::{JobStore, NoStore},
};

impl Job {
    /// Runs the job to its end. Any saved or delivered image makes it `Ok`.
    ///
    /// # Errors
    /// Why no image came; [`JobError::outcome`] has the outcome as far as it is known.
    ///
    /// # Cancel safety
    /// Dropping the future stops the job where it is: what was accepted or came in a response is on record, and [`Job::resumed`](crate::Job::resumed)
    /// delivers it; a POST that is under way may be billed, which the record says. [`Job::spawn`] does not end with its caller.
    pub async fn run(self) -> Result<Outcome, JobError> {
        run(self, |_| ()).await
    }
}

pub(super) async fn run(job: Job, tell: impl FnMut(JobEvent) + Send) -> Result<Outcome, JobError> {
    let started = Instant::now();
    let (id, purchase) = (job.id_or_random(), job.purchase);
    let job = job.known_as(id.clone()).prepare()?;
    let Job { provider, start, is_named, store, output, sidecar, at, control, .. } = job;
    let mut outcome = Outcome::new(&id, purchase);
    outcome.provider = provider.descriptor().id.clone().into();
    let start = match start {
        JobStart::Record(record) => {
            let options = resume::ResumeOptions { provider, store, output, sidecar, at, control, started };
            return resume::resume(&record, options, tell).await;
        }
        JobStart::Task(task) => Either::Right(task),
        JobStart::Prepared(prepared) => Either::Left(prepared),
        JobStart::Request(request) => Either::Left(Box::new(Prepared::unchecked(*request))),
    };
    let store: Arc<dyn JobStore> = store.unwrap_or_else(|| Arc::new(NoStore));
    let context = JobContext::new((id.clone(), is_named), purchase, store, output.as_deref(), control.clone());
    let label = ImageLabel { provider: outcome.provider.clone(), job: id, purchase, ..ImageLabel::default() };
    let mut running = RunningJob {
        provider,
        context,
        control,
        output,
        label,
        started,
        outcome,
        tell: Mutex::new(tell),
        sidecar: sidecar.then_some((None, None)),
    };
    match start {
        Either::Left(prepared) => running.submit(*prepared).await,
        Either::Right(task) => running.collect(*task).await,
    }
}
