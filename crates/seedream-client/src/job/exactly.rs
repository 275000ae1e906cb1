//! Exactly so many images: several purchases of one, since a group is a ceiling whose number the model chooses.

use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use seedream_core::{Charge, Count, Error, ErrorKind, ImageFailure, ImageRequest, Plan, Result};

use super::{
    configuration::Job,
    event::JobEvent,
    outcome::{JobError, Outcome},
};
use crate::output::SavedImage;

/// How many requests are under way at a time, where nothing else is said.
const AT_A_TIME: usize = 4;

/// A wish for exactly so many images, as requests of one image each.
///
/// Groups are not used where a model could make them: how many of a group come is the model's choice, a lost connection leaves
/// all of them in doubt instead of one, and a refusal inside may end it. One image a request costs the same.
///
/// Requests that are open, delivered or of unknown outcome never outnumber the images that are wanted, so nothing else can be
/// bought. A request whose outcome is not known, or that was accepted as a task, is not replaced. One that was refused at no cost
/// is replaced while the budget of attempts lasts; the default budget is the number of images, so that no request is repeated. Once
/// something that was paid for could not be kept, no other request is begun.
///
/// ```
/// # use seedream_client::{Client, Exactly};
/// # use seedream_core::ImageRequest;
/// # async fn example(client: Client) {
/// let job = client.job(ImageRequest::new("doubao-seedream-4-5", "a lighthouse")).save_to("out");
/// let four = Exactly::new(job, 4).attempts(6).run().await;
/// println!("{} of {}, billed {:?}", four.delivered(), four.requested, four.billed());
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is asked until `run`"]
pub struct Exactly {
    job: Job,
    wanted: u32,
    at_a_time: usize,
    attempts: u32,
}

/// What [`Exactly`] brought: what was requested, delivered and billed are three numbers.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExactlyOutcome {
    /// How many images were wanted.
    pub requested: u32,
    /// What each purchase brought, in the order in which they were begun.
    pub purchases: Vec<Result<Outcome, JobError>>,
}

impl Exactly {
    /// So many images of a job, whose own count does not matter. A seed is counted up from one image to the next: the same seed gives
    /// the same image.
    pub fn new(job: Job, images: u32) -> Self {
        Self { job, wanted: images, at_a_time: AT_A_TIME, attempts: images }
    }

    /// Sets how many requests are under way at a time, at least one; 4 otherwise.
    pub fn at_a_time(mut self, requests: usize) -> Self {
        self.at_a_time = requests.max(1);
        self
    }

    /// Sets how many requests are made at most; as many as images are wanted otherwise. The attempts that a client makes of one
    /// request do not count.
    pub fn attempts(mut self, requests: u32) -> Self {
        self.attempts = requests;
        self
    }

    /// Checks and encodes the request now, once for all that follows.
    ///
    /// # Errors
    /// The rules that it breaks, and a request that may make more than one image.
    pub fn prepare(mut self) -> Result<Self, JobError> {
        let id = self.job.id_or_random();
        self.job = self.first(&id)?;
        Ok(self)
    }

    /// What each request would send and cost; there are at most as many as [`Exactly::attempts`] says.
    ///
    /// # Errors
    /// As [`Exactly::prepare`].
    pub fn plan(&self) -> Result<Plan> {
        self.first(&self.job.id_or_random()).map_err(|error| error.into_parts().0)?.plan()
    }

    /// Asks until the images are there, the budget is used up, or the next request would fail like the last one.
    ///
    /// # Cancel safety
    /// As [`Job::run`], for every purchase that is under way.
    pub async fn run(self) -> ExactlyOutcome {
        self.run_with_events(|_, _| ()).await
    }

    /// As [`Exactly::run`], and gives each event as it happens, with the number of the purchase from 1.
    ///
    /// # Cancel safety
    /// As [`Job::run`], for every purchase that is under way.
    pub async fn run_with_events(self, seen: impl FnMut(u32, &JobEvent) + Send) -> ExactlyOutcome {
        let id = self.job.id_or_random();
        let first = match self.first(&id) {
            Ok(first) => first,
            // What breaks a rule is refused once and not as often as images are wanted.
            Err(error) => {
                let purchases = vec![Err(error)];
                return ExactlyOutcome { requested: self.wanted, purchases };
            }
        };
        let seen = Mutex::new(seen);
        let (mut progress, mut purchases) = (PurchaseCounts::default(), Vec::new());
        let mut open = FuturesUnordered::new();
        loop {
            while self.may_begin(&progress) {
                let number = progress.begun;
                (progress.begun, progress.under_way) = (number + 1, progress.under_way + 1);
                purchases.push(None);
                let purchase = counted(number).saturating_add(1);
                let job = first.purchase(purchase, &id, self.seeded(&first, number));
                let seen = &seen;
                open.push(async move {
                    let mut events = job.events();
                    while let Some(event) = events.next().await {
                        if let JobEvent::Ended(ended) = event {
                            return (number, *ended);
                        }
                        (seen.lock().unwrap_or_else(PoisonError::into_inner))(purchase, &event);
                    }
                    let error = Error::new(ErrorKind::Transport, "the job ended without an outcome");
                    (number, Err(JobError::new(error.with_charge(Charge::Unknown), "")))
                });
            }
            let Some((number, ended)) = open.next().await else {
                let purchases = purchases.into_iter().flatten().collect();
                return ExactlyOutcome { requested: self.wanted, purchases };
            };
            progress.end(&ended);
            purchases[number] = Some(ended);
        }
    }

    /// The job of one image, checked and encoded once for all of them.
    fn first(&self, id: &str) -> Result<Job, JobError> {
        if self.job.is_prepared() && self.job.request().is_some_and(|request| request.count == Some(Count::One)) {
            return Ok(self.job.purchase(1, id, None));
        }
        let Some(request) = self.job.request() else {
            let message = "a job that collects cannot be asked for a number of images";
            return Err(self.job.refused(Error::new(ErrorKind::Unsupported, message)));
        };
        let mut request = request.clone();
        request.count = Some(Count::One);
        let job = self.job.purchase(1, id, Some(request)).prepare()?;
        match job.plan() {
            Ok(plan) if plan.max_images > 1 => {
                let message = format!(
                    "exactly so many images are made by requests of one image, and each of these may make {}: leave out what asks for more",
                    plan.max_images
                );
                Err(job.refused(Error::new(ErrorKind::InvalidRequest, message).with_provider(plan.provider)))
            }
            Ok(_) => Ok(job),
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(job),
            Err(error) => Err(job.refused(error)),
        }
    }

    /// The request of one image where it differs from the first: it has a seed of its own.
    fn seeded(&self, first: &Job, number: usize) -> Option<ImageRequest> {
        let mut request = first.request().filter(|_| number > 0)?.clone();
        // Below zero a seed means "any", and the largest one that is taken is 2^31 - 1.
        let seed = request.seed.filter(|seed| *seed >= 0)?;
        let seed = seed.saturating_add(i64::try_from(number).unwrap_or(0)) % (1 << 31);
        request.seed = Some(seed);
        Some(request)
    }

    fn may_begin(&self, progress: &PurchaseCounts) -> bool {
        let promised = progress.delivered.saturating_add(progress.in_doubt).saturating_add(counted(progress.under_way));
        let allowed = counted(progress.begun) < self.attempts && progress.under_way < self.at_a_time;
        let control = self.job.control();
        allowed && !progress.hopeless && !control.is_halted() && !control.is_cancelled() && promised < self.wanted
    }
}

/// What is known while requests are under way.
#[derive(Debug, Default)]
struct PurchaseCounts {
    begun: usize,
    under_way: usize,
    delivered: u32,
    /// Requests without an image that may have bought one.
    in_doubt: u32,
    /// Whether the next request would meet what the last one met, or what it brings could not be kept.
    hopeless: bool,
}

impl PurchaseCounts {
    fn end(&mut self, ended: &Result<Outcome, JobError>) {
        self.under_way -= 1;
        let outcome = ended.as_ref().unwrap_or_else(|error| error.outcome());
        self.delivered = self.delivered.saturating_add(outcome.delivered);
        match ended {
            Err(error) if outcome.delivered == 0 => {
                let error = error.error();
                if error.charge() != Charge::No || error.task().is_some() {
                    self.in_doubt += 1;
                } else {
                    self.hopeless |= is_hopeless(error.kind());
                }
            }
            _ => {}
        }
    }
}

fn counted(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether every other request would be refused for the same reason. Moderation of an image is not among them: another one may
/// pass.
fn is_hopeless(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Config
            | ErrorKind::InvalidRequest
            | ErrorKind::Unsupported
            | ErrorKind::Authentication
            | ErrorKind::PermissionDenied
            | ErrorKind::Balance
            | ErrorKind::QuotaExhausted
            | ErrorKind::ModelNotFound
            | ErrorKind::Cancelled
            | ErrorKind::NotRecorded
            | ErrorKind::Storage
    )
}

impl ExactlyOutcome {
    /// What each purchase brought, failed or not.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.purchases.iter().map(|purchase| purchase.as_ref().unwrap_or_else(|error| error.outcome()))
    }

    /// The images that were saved.
    pub fn into_images(self) -> Vec<SavedImage> {
        let outcomes = self.purchases.into_iter();
        outcomes.flat_map(|purchase| purchase.unwrap_or_else(|error| error.into_parts().1).images).collect()
    }

    /// All purchases, where all images came that were requested and nothing failed.
    ///
    /// # Errors
    /// All of them, where an image is missing.
    pub fn require_all(self) -> Result<Self, Self> {
        if self.delivered() >= self.requested && self.failures().is_empty() { Ok(self) } else { Err(self) }
    }

    /// The images that were saved.
    pub fn images(&self) -> impl Iterator<Item = &SavedImage> {
        self.outcomes().flat_map(|outcome| &outcome.images)
    }

    /// The purchases that brought no image.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        self.purchases.iter().filter_map(|purchase| purchase.as_ref().err().map(JobError::error))
    }

    /// What failed, typed: one entry for each image that was refused or not saved, and for each purchase that brought none.
    pub fn failures(&self) -> Vec<ImageFailure> {
        let mut failures = Vec::new();
        for (index, purchase) in (0..).zip(&self.purchases) {
            match purchase {
                Err(error) if error.outcome().failures.is_empty() => {
                    let error = error.error();
                    let failure = ImageFailure::new(index, error.kind(), error.message());
                    failures.push(failure.with_code(error.code().map(str::to_owned)));
                }
                Ok(outcome) => failures.extend_from_slice(&outcome.failures),
                Err(error) => failures.extend_from_slice(&error.outcome().failures),
            }
        }
        failures
    }

    /// How many images came.
    pub fn delivered(&self) -> u32 {
        self.outcomes().map(|outcome| outcome.delivered).fold(0, u32::saturating_add)
    }

    /// How many images the provider says it bills; `None` where it does not say of all.
    pub fn billed(&self) -> Option<u64> {
        self.outcomes().map(|outcome| if outcome.charge == Charge::No { Some(0) } else { outcome.billed }).sum()
    }

    /// Whether it may have cost something.
    pub fn charge(&self) -> Charge {
        self.outcomes().map(|outcome| outcome.charge).max().unwrap_or(Charge::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run can move to another thread, whichever closure it has.
    #[test]
    fn a_run_is_send() {
        fn send<T: Send>(_: impl Fn(Exactly) -> T) {}
        send(|exactly| exactly.run_with_events(|_, _| ()));
        send(Exactly::run);
    }
}
