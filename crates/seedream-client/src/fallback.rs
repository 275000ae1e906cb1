//! Several providers as one: the next is asked where the one before it refused, and never where it may have sold.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use seedream_core::{
    Attempt, Capabilities, Charge, Descriptor, Error, ErrorKind, Event, EventStream, ImageRequest, ModelId, Result,
    Standing, Task, Warning, WarningKind,
};

use crate::{Client, ImageProvider, Job, JobContext, Prepared, provider::Form};

/// Providers in the order in which they are asked.
///
/// The next one is asked only where the error of the one before it costs nothing ([`Charge::No`]), no task was accepted, and it
/// is about that provider and not about what was asked:
///
/// - nothing was sent ([`ErrorKind::Transport`], [`ErrorKind::Timeout`]);
/// - the account cannot buy there ([`ErrorKind::Authentication`], [`ErrorKind::PermissionDenied`], [`ErrorKind::Balance`],
///   [`ErrorKind::QuotaExhausted`], [`ErrorKind::ModelNotFound`]);
/// - it is busy, after all attempts of its own policy ([`ErrorKind::RateLimited`], [`ErrorKind::Overloaded`]);
/// - its rules do not allow the request ([`ErrorKind::Unsupported`], and [`ErrorKind::InvalidRequest`] with violations that were
///   found here: a provider's own 400 may be moderation under a code that nobody knows).
///
/// Content that one provider refused is not shown to another unless [`Fallback::after_rejected_content`] says so. Each provider
/// has its own deadline. Who was asked in vain, and why, is a warning of the generation ([`WarningKind::FellBack`]); where all
/// refuse, the error is the last one's and its attempts are those of all.
#[derive(Clone, Debug)]
pub struct Fallback {
    providers: Arc<[Arc<dyn ImageProvider>]>,
    after_rejected_content: bool,
}

impl Fallback {
    /// Providers, the first one first.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where there is none.
    pub fn new(providers: Vec<Arc<dyn ImageProvider>>) -> Result<Self> {
        if providers.is_empty() {
            return Err(Error::new(ErrorKind::Config, "there is no provider to ask"));
        }
        Ok(Self { providers: providers.into(), after_rejected_content: false })
    }

    /// Sets whether what one provider's moderation refused, at no cost, is shown to the next one. Off: that is the user's decision.
    #[must_use]
    pub fn after_rejected_content(mut self, allow: bool) -> Self {
        self.after_rejected_content = allow;
        self
    }

    fn first(&self) -> &Arc<dyn ImageProvider> {
        // `new` refuses an empty list.
        &self.providers[0]
    }

    /// Whether the next provider may be asked after this error.
    fn allows(&self, error: &Error) -> bool {
        let class = match error.kind() {
            ErrorKind::Transport
            | ErrorKind::Timeout
            | ErrorKind::Authentication
            | ErrorKind::PermissionDenied
            | ErrorKind::Balance
            | ErrorKind::QuotaExhausted
            | ErrorKind::ModelNotFound
            | ErrorKind::RateLimited
            | ErrorKind::Overloaded
            | ErrorKind::Unsupported => true,
            ErrorKind::InvalidRequest => !error.violations().is_empty(),
            ErrorKind::ContentRejected { .. } => self.after_rejected_content,
            _ => false,
        };
        class && error.charge() == Charge::No && error.task().is_none()
    }
}

/// Whether an account that is refused so may just not be the one that submitted the task.
fn not_theirs(kind: ErrorKind) -> bool {
    use ErrorKind::{Authentication, Config, PermissionDenied, TaskNotFound};
    matches!(kind, Authentication | Config | PermissionDenied | TaskNotFound)
}

/// One request or task on its way through the providers.
struct Chain {
    fallback: Fallback,
    work: Work,
    context: JobContext,
    /// The place in the list that is asked now.
    at: usize,
    events: EventStream,
    /// Whether something was bought, or may have been.
    committed: bool,
    refused: Refused,
    over: bool,
}

/// What providers are asked for.
#[derive(Clone)]
enum Work {
    Request(Box<ImageRequest>),
    Task(Box<Task>),
}

/// Those who were asked in vain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refused {
    pub(crate) warnings: Vec<Warning>,
    attempts: Vec<Attempt>,
}

impl Refused {
    fn add(&mut self, provider: &dyn ImageProvider, error: &Error) {
        let id = &provider.descriptor().id;
        let message = format!("{id} was asked first and did not take it ({}): {}", error.kind(), error.message());
        self.warnings.push(Warning::new(WarningKind::FellBack, None, message));
        self.note(id, error);
    }

    fn note(&mut self, id: &str, error: &Error) {
        if error.attempts().is_empty() {
            let outcome = format!("{id}: not sent: {}", error.message());
            self.attempts.push(Attempt::new(0, std::time::Duration::ZERO, "", outcome));
        }
        self.attempts.extend(error.attempts().iter().cloned().map(|mut attempt| {
            attempt.outcome = format!("{id}: {}", attempt.outcome);
            attempt
        }));
    }

    /// The last provider's error, with the attempts of all where there was more than one.
    fn seal(mut self, provider: &dyn ImageProvider, error: Error) -> Error {
        if self.warnings.is_empty() {
            return error;
        }
        self.note(&provider.descriptor().id, &error);
        for (number, attempt) in (1..).zip(&mut self.attempts) {
            attempt.number = number;
        }
        error.with_attempts(self.attempts)
    }
}

impl Fallback {
    /// Opens the work at a place, or at the next one where that refuses it before anything is sent.
    fn open_at(&self, work: &Work, mut at: usize, context: &JobContext, mut refused: Refused) -> Result<Opened> {
        loop {
            let provider = &self.providers[at];
            // A client says itself that it is asked.
            let before = context.served();
            context.serve(None);
            let opened = match work {
                Work::Request(request) => {
                    provider.prepare((**request).clone()).and_then(|prepared| provider.open(prepared, context.clone()))
                }
                Work::Task(task) => provider.open_task((**task).clone(), context.clone()),
            };
            if opened.is_err() {
                context.serve(before.as_ref());
            }
            match opened {
                Ok(events) => return Ok(Opened { at, events, refused }),
                Err(error) => match self.next(work, at, &error) {
                    Some(next) => {
                        refused.add(&**provider, &error);
                        at = next;
                    }
                    None => return Err(refused.seal(&**provider, error)),
                },
            }
        }
    }

    /// The provider that may be asked after this error of the one at a place.
    fn next(&self, work: &Work, at: usize, error: &Error) -> Option<usize> {
        let mut rest = at + 1..self.providers.len();
        match work {
            Work::Request(_) => self.allows(error).then(|| rest.next()).flatten(),
            // Another place, or another account: asking costs nothing.
            Work::Task(task) if not_theirs(error.kind()) => {
                rest.find(|at| self.providers[*at].descriptor().id == task.provider)
            }
            Work::Task(_) => None,
        }
    }

    fn chain(&self, work: Work, opened: Opened, context: JobContext) -> EventStream {
        let Opened { at, events, refused } = opened;
        let fallback = self.clone();
        let chain = Chain { fallback, work, context, at, events, committed: false, refused, over: false };
        Box::pin(stream::unfold(chain, |mut chain| async move { chain.next().await.map(|event| (event, chain)) }))
    }
}

/// The events of the provider that was asked first.
struct Opened {
    at: usize,
    events: EventStream,
    refused: Refused,
}

impl Chain {
    async fn next(&mut self) -> Option<Result<Event>> {
        if self.over {
            return None;
        }
        loop {
            match self.events.next().await {
                Some(Ok(Event::Finished(mut generation))) => {
                    self.over = true;
                    if matches!(self.work, Work::Request(_)) {
                        generation.warnings.splice(0..0, self.refused.warnings.drain(..));
                    }
                    return Some(Ok(Event::Finished(generation)));
                }
                Some(Ok(event)) => {
                    self.committed |= !matches!(event, Event::Retrying { .. } | Event::Progress { .. });
                    return Some(Ok(event));
                }
                Some(Err(error)) => {
                    let refused = std::mem::take(&mut self.refused);
                    match self.go_on(error, refused) {
                        Ok(()) => {}
                        Err(error) => {
                            self.over = true;
                            return Some(Err(error));
                        }
                    }
                }
                None => {
                    self.over = true;
                    return None;
                }
            }
        }
    }

    fn go_on(&mut self, error: Error, mut refused: Refused) -> Result<()> {
        let provider = self.fallback.providers[self.at].clone();
        let next = if self.committed { None } else { self.fallback.next(&self.work, self.at, &error) };
        let Some(next) = next else { return Err(refused.seal(&*provider, error)) };
        refused.add(&*provider, &error);
        let opened = self.fallback.open_at(&self.work, next, &self.context, refused)?;
        (self.at, self.events, self.refused) = (opened.at, opened.events, opened.refused);
        Ok(())
    }
}

#[async_trait]
impl ImageProvider for Fallback {
    /// The first provider's.
    fn descriptor(&self) -> &Descriptor {
        self.first().descriptor()
    }

    /// Those of the first provider that sells the model, of the first one where nobody does.
    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let sells = |rules: &Capabilities| matches!(rules.standing, Standing::Sold);
        let mut all = self.providers.iter().map(|provider| provider.capabilities(model));
        all.find(sells).unwrap_or_else(|| self.first().capabilities(model))
    }

    /// Prepares it for the first provider that accepts it; those before it are warnings of the plan.
    fn prepare(&self, request: ImageRequest) -> Result<Prepared> {
        let mut refused = Refused::default();
        for (place, provider) in self.providers.iter().enumerate() {
            match provider.prepare(request.clone()) {
                Ok(inner) => {
                    let inner = Box::new(inner);
                    return Ok(Prepared::new(request, Form::Chosen { place, refused, inner }));
                }
                Err(error) if self.allows(&error) && place + 1 < self.providers.len() => {
                    refused.add(&**provider, &error);
                }
                Err(error) => return Err(refused.seal(&**provider, error)),
            }
        }
        // `new` refuses an empty list.
        Err(Error::new(ErrorKind::Config, "there is no provider to ask"))
    }

    fn open(&self, prepared: Prepared, context: JobContext) -> Result<EventStream> {
        let work = Work::Request(Box::new(prepared.request().clone()));
        let opened = match prepared.form {
            Form::Chosen { place, refused, inner } => {
                Opened { at: place, events: self.providers[place].open(*inner, context.clone())?, refused }
            }
            _ => self.open_at(&work, 0, &context, Refused::default())?,
        };
        Ok(self.chain(work, opened, context))
    }

    /// Collects a task at the provider that it belongs to; of several accounts there, at the one that knows it.
    fn open_task(&self, task: Task, context: JobContext) -> Result<EventStream> {
        let theirs = self.providers.iter().position(|provider| provider.descriptor().id == task.provider);
        let Some(at) = theirs else {
            let message = format!("task {} belongs to {}, which is none of these providers", task.id, task.provider);
            return Err(Error::new(ErrorKind::Config, message).with_task(task).with_charge(Charge::Unknown));
        };
        let work = Work::Task(Box::new(task));
        let opened = self.open_at(&work, at, &context, Refused::default())?;
        Ok(self.chain(work, opened, context))
    }

    fn client(&self, provider: &str) -> Option<Client> {
        self.providers.iter().find_map(|child| child.client(provider))
    }

    fn job(&self, request: ImageRequest) -> Job {
        Job::new(Arc::new(self.clone()), request)
    }

    fn resume(&self, record: &str) -> Job {
        Job::resumed(Arc::new(self.clone()), record)
    }
}
