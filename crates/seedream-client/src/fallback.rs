//! Several providers as one: the next is asked where the one before it refused, and never where it may have sold.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use seedream_core::{
    Attempt, Capabilities, Charge, Descriptor, Error, ErrorKind, Event, EventStream, Generation, ImageProvider,
    ImageRequest, ModelId, Plan, Result, Standing, Task, Warning, WarningKind,
};

use crate::drive;

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

    /// Whether the next provider may be asked behind this error, for whoever asks them himself.
    pub fn allows(&self, error: &Error) -> bool {
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
            ErrorKind::InvalidRequest => !error.violation_list().is_empty(),
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

/// One request on its way through the providers.
struct Chain {
    fallback: Fallback,
    request: ImageRequest,
    /// The place in the list that is asked now.
    at: usize,
    events: EventStream,
    /// Whether something was bought, or may have been.
    committed: bool,
    refused: Refused,
    over: bool,
}

/// Those who were asked in vain.
#[derive(Debug, Default)]
struct Refused {
    warnings: Vec<Warning>,
    attempts: Vec<Attempt>,
}

impl Refused {
    fn add(&mut self, provider: &dyn ImageProvider, error: &Error) {
        let id = provider.descriptor().id;
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
        self.note(provider.descriptor().id, &error);
        for (number, attempt) in (1..).zip(&mut self.attempts) {
            attempt.number = number;
        }
        error.with_attempts(self.attempts)
    }
}

impl Fallback {
    /// Asks from place `at` on, until one takes the request or there is nobody left to ask.
    async fn open(
        &self,
        request: &ImageRequest,
        mut at: usize,
        mut refused: Refused,
    ) -> Result<(usize, EventStream, Refused)> {
        loop {
            let provider = &self.providers[at];
            match provider.events(request.clone()).await {
                Ok(events) => return Ok((at, events, refused)),
                Err(error) if self.allows(&error) && at + 1 < self.providers.len() => {
                    refused.add(&**provider, &error);
                    at += 1;
                }
                Err(error) => return Err(refused.seal(&**provider, error)),
            }
        }
    }
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
                    generation.warnings.splice(0..0, self.refused.warnings.drain(..));
                    return Some(Ok(Event::Finished(generation)));
                }
                Some(Ok(event)) => {
                    self.committed |= !matches!(event, Event::Retrying { .. });
                    return Some(Ok(event));
                }
                Some(Err(error)) => {
                    let refused = std::mem::take(&mut self.refused);
                    match self.go_on(error, refused).await {
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

    async fn go_on(&mut self, error: Error, mut refused: Refused) -> Result<()> {
        let provider = self.fallback.providers[self.at].clone();
        let next = self.at + 1;
        if self.committed || next == self.fallback.providers.len() || !self.fallback.allows(&error) {
            return Err(refused.seal(&*provider, error));
        }
        refused.add(&*provider, &error);
        (self.at, self.events, self.refused) = self.fallback.open(&self.request, next, refused).await?;
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
        let sells = |rules: &Capabilities| matches!(rules.standing, Standing::Sold(_));
        let mut all = self.providers.iter().map(|provider| provider.capabilities(model));
        all.find(sells).unwrap_or_else(|| self.first().capabilities(model))
    }

    /// The plan of the first provider that would accept the request; those before it are warnings.
    fn plan(&self, request: &ImageRequest) -> Result<Plan> {
        let mut refused = Refused::default();
        for provider in self.providers.iter() {
            match provider.plan(request) {
                Ok(mut plan) => {
                    plan.warnings.splice(0..0, refused.warnings);
                    return Ok(plan);
                }
                Err(error) if self.allows(&error) => refused.add(&**provider, &error),
                Err(error) => return Err(error),
            }
        }
        // Every one of them refused, so the last one's reasons are given again.
        self.providers[self.providers.len() - 1].plan(request)
    }

    async fn events(&self, request: ImageRequest) -> Result<EventStream> {
        let (at, events, refused) = self.open(&request, 0, Refused::default()).await?;
        let chain = Chain { fallback: self.clone(), request, at, events, committed: false, refused, over: false };
        Ok(Box::pin(stream::unfold(chain, |mut chain| async move { chain.next().await.map(|event| (event, chain)) })))
    }

    async fn generate(&self, request: ImageRequest) -> Result<Generation> {
        drive::outcome(self.events(request).await?).await
    }

    /// Collects a task at the provider that it belongs to; of several accounts there, at the one that
    /// knows it.
    async fn resume(&self, task: Task) -> Result<Generation> {
        let mut last = None;
        for provider in self.providers.iter().filter(|provider| provider.descriptor().id == task.provider) {
            match provider.resume(task.clone()).await {
                // Another place, or another account: asking costs nothing.
                Err(error) if not_theirs(error.kind()) => last = Some(error),
                outcome => return outcome,
            }
        }
        Err(last.unwrap_or_else(|| {
            let message = format!("task {} belongs to {}, which is none of these providers", task.id, task.provider);
            Error::new(ErrorKind::Config, message).with_task(task).with_charge(Charge::Unknown)
        }))
    }
}
