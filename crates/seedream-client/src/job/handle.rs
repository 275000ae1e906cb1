//! A job that runs: its events, and the handle of one that runs apart.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, future::BoxFuture};
use seedream_core::{Charge, Error, ErrorKind};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
};

use super::{
    configuration::Job,
    control::Control,
    event::JobEvent,
    outcome::{JobError, Outcome},
    run,
};

impl Job {
    /// Runs the job in a task of its own: it survives its caller.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(self) -> JobHandle {
        JobHandle::spawn(self)
    }

    /// Runs the job and gives its events as they happen. The last event is [`JobEvent::Ended`].
    pub fn events(self) -> JobStream {
        JobStream::new(self)
    }
}

/// The events of a job, which runs while they are read. Dropped, it stops where it is; see [`Job::run`].
pub struct JobStream {
    running: Option<BoxFuture<'static, Result<Outcome, JobError>>>,
    events: UnboundedReceiver<JobEvent>,
    ended: Option<Box<Result<Outcome, JobError>>>,
}

impl JobStream {
    fn new(job: Job) -> Self {
        let (tell, events) = unbounded_channel();
        let running = run::run(job, move |event| drop(tell.send(event)));
        Self { running: Some(Box::pin(running)), events, ended: None }
    }

    /// The next event; `None` after [`JobEvent::Ended`].
    ///
    /// # Cancel safety
    /// It may be dropped and called again: no event is lost.
    #[expect(clippy::should_implement_trait, reason = "a stream has a `next` as well")]
    pub fn next(&mut self) -> impl Future<Output = Option<JobEvent>> + Send + Unpin {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context))
    }
}

impl fmt::Debug for JobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobStream").field("running", &self.running.is_some()).finish_non_exhaustive()
    }
}

impl Stream for JobStream {
    type Item = JobEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<JobEvent>> {
        if let Some(running) = &mut self.running
            && let Poll::Ready(ended) = running.as_mut().poll(context)
        {
            self.running = None;
            self.ended = Some(Box::new(ended));
        }
        // All that was told before the end comes before it; the sender goes with the job.
        match self.events.poll_recv(context) {
            Poll::Ready(Some(event)) => Poll::Ready(Some(event)),
            Poll::Ready(None) => Poll::Ready(self.ended.take().map(JobEvent::Ended)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A job that runs apart. Dropping the handle lets it run on; awaiting it gives its outcome.
#[derive(Debug)]
pub struct JobHandle {
    running: JoinHandle<Result<Outcome, JobError>>,
    control: Control,
    id: String,
}

impl JobHandle {
    fn spawn(job: Job) -> Self {
        let (control, id) = (job.control().clone(), job.id_or_random());
        let job = job.known_as(id.clone());
        Self { running: tokio::spawn(job.run()), control, id }
    }

    /// The id of the job.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What cancels the job while another task waits for it.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Cancels the job and waits for its end. A POST that is under way is waited for, since it may be billed; what it brings is saved.
    /// [`Control::cancel`] once more gives it up: its charge is unknown then.
    ///
    /// # Errors
    /// As [`Job::run`].
    ///
    /// # Cancel safety
    /// Dropped, the job is cancelled all the same, and ends by itself.
    pub async fn cancel(self) -> Result<Outcome, JobError> {
        self.control.cancel();
        self.await
    }
}

impl Future for JobHandle {
    type Output = Result<Outcome, JobError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.running).poll(context).map(|joined| {
            joined.unwrap_or_else(|error| {
                // A panic, or the end of the runtime: the record has what is known.
                let message = format!("the job ended without an outcome: {error}");
                Err(JobError::new(Error::new(ErrorKind::Config, message).with_charge(Charge::Unknown), &self.id))
            })
        })
    }
}
