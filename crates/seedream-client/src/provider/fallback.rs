//! Several providers as one: a request goes to the next only if the one before declined it without charging.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream;
use seedream_core::{
    Capabilities, Charge, Descriptor, Error, ErrorKind, Event, ImageRequest, ModelId, Result, Standing, Task,
};

use super::{
    declined_providers::Declined,
    event_stream::EventStream,
    image_provider::ImageProvider,
    prepared::{Prepared, PreparedForm},
};
use crate::{
    client::Client,
    job::{Job, JobContext},
};

/// Providers in the order in which they are tried.
///
/// The next one is tried only where the error of the one before it costs nothing ([`Charge::No`]), no task was accepted, and it
/// is about that provider and not about the request:
///
/// - nothing was sent ([`ErrorKind::Transport`], [`ErrorKind::Timeout`]);
/// - the account cannot buy there ([`ErrorKind::Authentication`], [`ErrorKind::PermissionDenied`], [`ErrorKind::Balance`],
///   [`ErrorKind::QuotaExhausted`], [`ErrorKind::ModelNotFound`]);
/// - it is busy, after all attempts of its own policy ([`ErrorKind::RateLimited`], [`ErrorKind::Overloaded`]);
/// - its rules do not allow the request ([`ErrorKind::Unsupported`], and [`ErrorKind::InvalidRequest`] with violations that were
///   found here: a provider's own 400 may be moderation under an unknown code).
///
/// Content that one provider rejected is not shown to another unless [`Fallback::after_rejected_content`] says so. Each provider
/// has its own deadline. A provider that declined, and why, is a warning of the generation ([`WarningKind::FellBack`](seedream_core::WarningKind::FellBack)); where all
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
    /// [`ErrorKind::Config`] without a provider.
    pub fn new(providers: Vec<Arc<dyn ImageProvider>>) -> Result<Self> {
        if providers.is_empty() {
            return Err(Error::new(ErrorKind::Config, "there is no provider to try"));
        }
        Ok(Self { providers: providers.into(), after_rejected_content: false })
    }

    /// Sets whether what one provider's moderation rejected, at no cost, is shown to the next one. Off: that is the user's decision.
    #[must_use]
    pub fn after_rejected_content(mut self, allow: bool) -> Self {
        self.after_rejected_content = allow;
        self
    }

    /// A job: the request with a record before each POST, its images saved, one outcome. See [`Job`].
    pub fn job(&self, request: ImageRequest) -> Job {
        Job::new(Arc::new(self.clone()), request)
    }

    /// A job that continues the record of one that did not end: it collects what was bought, and never sends a POST.
    pub fn resume(&self, record: &str) -> Job {
        Job::resumed(Arc::new(self.clone()), record)
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

/// Whether an error of a poll may only mean that another account submitted the task.
fn not_theirs(kind: ErrorKind) -> bool {
    use ErrorKind::{Authentication, Config, PermissionDenied, TaskNotFound};
    matches!(kind, Authentication | Config | PermissionDenied | TaskNotFound)
}

/// One request or task on its way through the providers.
struct FallbackChain {
    fallback: Fallback,
    wanted: ChainRequest,
    context: JobContext,
    /// The position in the list of the provider that is tried now.
    at: usize,
    events: EventStream,
    /// Whether something was bought, or may have been.
    committed: bool,
    declined: Declined,
    over: bool,
}

/// What providers are tried for.
#[derive(Clone)]
enum ChainRequest {
    Request(Box<ImageRequest>),
    Task(Box<Task>),
}

impl Fallback {
    /// Opens the request or task at a provider, or at the next one where that refuses it before anything is sent.
    fn open_at(
        &self,
        wanted: &ChainRequest,
        mut at: usize,
        context: &JobContext,
        mut declined: Declined,
    ) -> Result<OpenedProvider> {
        loop {
            let provider = &self.providers[at];
            // A client says itself that it is asked.
            let before = context.served();
            context.serve(None);
            let opened = match wanted {
                ChainRequest::Request(request) => {
                    provider.prepare((**request).clone()).and_then(|prepared| provider.open(prepared, context.clone()))
                }
                ChainRequest::Task(task) => provider.open_task((**task).clone(), context.clone()),
            };
            if opened.is_err() {
                context.serve(before.as_ref());
            }
            match opened {
                Ok(events) => return Ok(OpenedProvider { at, events, declined }),
                Err(error) => match self.next(wanted, at, &error) {
                    Some(next) => {
                        declined.add(&provider.descriptor().id, &error);
                        at = next;
                    }
                    None => return Err(declined.seal(&provider.descriptor().id, error)),
                },
            }
        }
    }

    /// The provider that may be asked after this error of the one at a place.
    fn next(&self, wanted: &ChainRequest, at: usize, error: &Error) -> Option<usize> {
        let mut rest = at + 1..self.providers.len();
        match wanted {
            ChainRequest::Request(_) => self.allows(error).then(|| rest.next()).flatten(),
            // Another place, or another account: asking costs nothing.
            ChainRequest::Task(task) if not_theirs(error.kind()) => {
                rest.find(|at| self.providers[*at].descriptor().id == task.provider)
            }
            ChainRequest::Task(_) => None,
        }
    }

    fn chain(&self, wanted: ChainRequest, opened: OpenedProvider, context: JobContext) -> EventStream {
        let OpenedProvider { at, events, declined } = opened;
        let fallback = self.clone();
        let chain = FallbackChain { fallback, wanted, context, at, events, committed: false, declined, over: false };
        EventStream::new(stream::unfold(
            chain,
            |mut chain| async move { chain.next().await.map(|event| (event, chain)) },
        ))
    }
}

/// The events of the provider that was tried first.
struct OpenedProvider {
    at: usize,
    events: EventStream,
    declined: Declined,
}

impl FallbackChain {
    async fn next(&mut self) -> Option<Result<Event>> {
        if self.over {
            return None;
        }
        loop {
            match self.events.next().await {
                Some(Ok(Event::Finished(mut generation))) => {
                    self.over = true;
                    if matches!(self.wanted, ChainRequest::Request(_)) {
                        generation.warnings.splice(0..0, self.declined.warnings.drain(..));
                    }
                    return Some(Ok(Event::Finished(generation)));
                }
                Some(Ok(event)) => {
                    self.committed |= !matches!(event, Event::Retrying { .. } | Event::Progress { .. });
                    return Some(Ok(event));
                }
                Some(Err(error)) => {
                    let declined = std::mem::take(&mut self.declined);
                    match self.go_on(error, declined) {
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

    fn go_on(&mut self, error: Error, mut declined: Declined) -> Result<()> {
        let provider = self.fallback.providers[self.at].clone();
        let next = if self.committed { None } else { self.fallback.next(&self.wanted, self.at, &error) };
        let Some(next) = next else { return Err(declined.seal(&provider.descriptor().id, error)) };
        declined.add(&provider.descriptor().id, &error);
        let opened = self.fallback.open_at(&self.wanted, next, &self.context, declined)?;
        (self.at, self.events, self.declined) = (opened.at, opened.events, opened.declined);
        Ok(())
    }
}

#[async_trait]
impl ImageProvider for Fallback {
    /// The first provider's.
    fn descriptor(&self) -> &Descriptor {
        self.first().descriptor()
    }

    /// Those of the first provider that sells the model, of the first one where none does.
    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let sells = |rules: &Capabilities| matches!(rules.standing, Standing::Sold);
        let mut all = self.providers.iter().map(|provider| provider.capabilities(model));
        all.find(sells).unwrap_or_else(|| self.first().capabilities(model))
    }

    /// Prepares it for the first provider that accepts it; those before it are warnings of the plan.
    fn prepare(&self, request: ImageRequest) -> Result<Prepared> {
        let mut declined = Declined::default();
        for (place, provider) in self.providers.iter().enumerate() {
            match provider.prepare(request.clone()) {
                Ok(inner) => {
                    let inner = Box::new(inner);
                    return Ok(Prepared::new(request, PreparedForm::Chosen { place, declined, inner }));
                }
                Err(error) if self.allows(&error) && place + 1 < self.providers.len() => {
                    declined.add(&provider.descriptor().id, &error);
                }
                Err(error) => return Err(declined.seal(&provider.descriptor().id, error)),
            }
        }
        // `new` refuses an empty list.
        Err(Error::new(ErrorKind::Config, "there is no provider to try"))
    }

    fn open(&self, prepared: Prepared, context: JobContext) -> Result<EventStream> {
        let wanted = ChainRequest::Request(Box::new(prepared.request().clone()));
        let opened = match prepared.form {
            PreparedForm::Chosen { place, declined, inner } => {
                OpenedProvider { at: place, events: self.providers[place].open(*inner, context.clone())?, declined }
            }
            _ => self.open_at(&wanted, 0, &context, Declined::default())?,
        };
        Ok(self.chain(wanted, opened, context))
    }

    /// Collects a task at the provider that it belongs to; of several accounts there, at the one that has it.
    fn open_task(&self, task: Task, context: JobContext) -> Result<EventStream> {
        let theirs = self.providers.iter().position(|provider| provider.descriptor().id == task.provider);
        let Some(at) = theirs else {
            let message = format!("task {} belongs to {}, which is not one of these providers", task.id, task.provider);
            return Err(Error::new(ErrorKind::Config, message).with_task(task).with_charge(Charge::Unknown));
        };
        let wanted = ChainRequest::Task(Box::new(task));
        let opened = self.open_at(&wanted, at, &context, Declined::default())?;
        Ok(self.chain(wanted, opened, context))
    }

    fn client(&self, provider: &str) -> Option<Client> {
        self.providers.iter().find_map(|child| child.client(provider))
    }
}
