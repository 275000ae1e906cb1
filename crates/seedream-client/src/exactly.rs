//! Exactly so many pictures: several requests of one, since a group is a ceiling whose number the model chooses.

use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use seedream_core::{
    Charge, Count, Error, ErrorKind, Event, GeneratedImage, Generation, ImageFailure, ImageProvider, ImageRequest,
    ModelId, Result,
};

/// How many requests are under way at a time, where nothing else is said.
const AT_A_TIME: usize = 4;

/// A wish for exactly so many pictures, as requests of one picture each.
///
/// Groups are not used where a model could make them: how many of a group come is the model's choice, a lost connection leaves
/// all of them in doubt instead of one, and a refusal inside may end it. One picture a request costs the same.
///
/// Never are more requests open, delivered or in doubt than pictures are wanted, so nothing can be bought that was not asked
/// for. A request whose outcome is not known, or that was accepted as a task, is not replaced. One that was refused at no cost
/// is replaced while the budget of attempts lasts; the default budget is the number of pictures, so that nothing is asked twice.
///
/// ```
/// # use seedream_client::{Client, Exactly};
/// # use seedream_core::ImageRequest;
/// # async fn example(client: Client) {
/// let four = Exactly::new(ImageRequest::new("doubao-seedream-4-5", "a lighthouse"), 4).attempts(6).run(&client).await;
/// println!("{} of {}, billed {:?}", four.delivered(), four.requested, four.billed());
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is asked until `run`"]
pub struct Exactly {
    request: ImageRequest,
    wanted: u32,
    at_a_time: usize,
    attempts: u32,
}

/// What came of [`Exactly`]: what was requested, delivered and billed are three numbers.
#[derive(Debug)]
#[non_exhaustive]
pub struct Collected {
    /// How many pictures were wanted.
    pub requested: u32,
    /// What became of each request, in the order in which they were begun. An error may hold a task that can still be collected.
    pub requests: Vec<Result<Generation>>,
    model: ModelId,
}

impl Exactly {
    /// So many pictures of a request, whose own count does not matter. A seed is counted up from one picture to the next: the
    /// same seed gives the same picture.
    pub fn new(request: ImageRequest, pictures: u32) -> Self {
        Self { request, wanted: pictures, at_a_time: AT_A_TIME, attempts: pictures }
    }

    /// Sets how many requests are under way at a time, at least one; 4 otherwise.
    pub fn at_a_time(mut self, requests: usize) -> Self {
        self.at_a_time = requests.max(1);
        self
    }

    /// Sets how many requests are made at most; as many as pictures are wanted otherwise. The attempts that a client makes of one
    /// request do not count.
    pub fn attempts(mut self, requests: u32) -> Self {
        self.attempts = requests;
        self
    }

    /// Asks until the pictures are there, the budget is used up, or the next request would fail like the last one.
    pub async fn run(&self, provider: &dyn ImageProvider) -> Collected {
        self.watched(provider, |_, _| ()).await
    }

    /// As [`Exactly::run`], and tells what happens as it happens, with the number of the request from 0: pictures can be saved
    /// and tasks be stored before the last one is there. The last event and errors are in the result only.
    pub async fn watched(&self, provider: &dyn ImageProvider, seen: impl FnMut(usize, &Event) + Send) -> Collected {
        let requests = match provider.plan(&self.nth(0)) {
            // What breaks a rule is refused once and not as often as pictures are wanted.
            Err(error) => vec![Err(error)],
            Ok(_) => {
                let seen = Mutex::new(seen);
                let told = |number: usize, event: &Event| {
                    (seen.lock().unwrap_or_else(PoisonError::into_inner))(number, event);
                };
                let ask = |number, request| followed(provider, request, move |event| told(number, event));
                self.driven(ask, Result::as_ref, |_| true).await
            }
        };
        Collected { requested: self.wanted, requests, model: self.request.model.clone() }
    }

    /// Begins requests by the rules of this wish, where the caller sees each of them through: `ask` gets its number from 0, `outcome`
    /// says what came of it, and `goes_on` whether another may be begun after it: none should be where an image could not be kept.
    /// Nothing is checked beforehand.
    pub async fn driven<T, F: Future<Output = T>>(
        &self,
        ask: impl Fn(usize, ImageRequest) -> F,
        outcome: impl Fn(&T) -> Result<&Generation, &Error>,
        goes_on: impl Fn(&T) -> bool,
    ) -> Vec<T> {
        let (mut run, mut asked) = (Run::default(), Vec::new());
        let mut open = FuturesUnordered::new();
        loop {
            while self.may_begin(&run) {
                let number = run.begun;
                (run.begun, run.under_way) = (number + 1, run.under_way + 1);
                asked.push(None);
                let request = ask(number, self.nth(number));
                open.push(async move { (number, request.await) });
            }
            let Some((number, ended)) = open.next().await else {
                return asked.into_iter().flatten().collect();
            };
            run.end(outcome(&ended));
            run.hopeless |= !goes_on(&ended);
            asked[number] = Some(ended);
        }
    }

    fn may_begin(&self, run: &Run) -> bool {
        let promised = run.delivered.saturating_add(run.in_doubt).saturating_add(counted(run.under_way));
        let allowed = counted(run.begun) < self.attempts && run.under_way < self.at_a_time;
        allowed && !run.hopeless && promised < self.wanted
    }

    /// The request for one picture.
    fn nth(&self, number: usize) -> ImageRequest {
        let mut request = self.request.clone();
        request.count = Some(Count::One);
        let number = i64::try_from(number).unwrap_or(0);
        // Below zero a seed means "any", and the largest one that is taken is 2^31 - 1.
        request.seed = request.seed.map(|seed| if seed < 0 { seed } else { seed.saturating_add(number) % (1 << 31) });
        request
    }
}

/// Sees a request through, and tells of everything but its end.
async fn followed(
    provider: &dyn ImageProvider,
    request: ImageRequest,
    told: impl Fn(&Event) + Send,
) -> Result<Generation> {
    let mut events = provider.events(request).await?;
    while let Some(event) = events.next().await {
        match event? {
            Event::Finished(generation) => return Ok(generation),
            event => told(&event),
        }
    }
    let error = Error::new(ErrorKind::Transport, "the request ended without an outcome");
    Err(error.with_charge(Charge::Unknown))
}

/// What is known while requests are under way.
#[derive(Debug, Default)]
struct Run {
    begun: usize,
    under_way: usize,
    delivered: u32,
    /// Requests without a picture that may have bought one.
    in_doubt: u32,
    /// Whether the next request would meet what the last one met, or what it brings could not be kept.
    hopeless: bool,
}

impl Run {
    fn end(&mut self, outcome: Result<&Generation, &Error>) {
        self.under_way -= 1;
        match outcome {
            Ok(generation) => {
                self.delivered = self.delivered.saturating_add(counted(generation.images().count()));
            }
            Err(error) if error.charge() != Charge::No || error.task().is_some() => self.in_doubt += 1,
            Err(error) => self.hopeless |= is_hopeless(error.kind()),
        }
    }
}

fn counted(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether every other request would be refused for the same reason. Moderation of a picture is not among them: another one may
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
    )
}

impl Collected {
    /// The pictures.
    pub fn images(&self) -> impl Iterator<Item = &GeneratedImage> {
        self.requests.iter().flatten().flat_map(Generation::images)
    }

    /// The requests that brought no picture.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        self.requests.iter().filter_map(|outcome| outcome.as_ref().err())
    }

    /// What failed, typed: one entry for each picture that was refused, and for each request that brought none.
    pub fn failures(&self) -> Vec<ImageFailure> {
        self.outcomes().into_iter().filter_map(Result::err).collect()
    }

    /// How many pictures came.
    pub fn delivered(&self) -> u32 {
        counted(self.images().count())
    }

    /// How many pictures the provider says it bills; `None` where it does not say of all.
    pub fn billed(&self) -> Option<u64> {
        let of = |outcome: &Result<Generation>| match outcome {
            Ok(generation) => generation.billed(),
            Err(error) if error.charge() == Charge::No => Some(0),
            Err(error) => error.generation().and_then(Generation::billed),
        };
        self.requests.iter().map(of).sum()
    }

    /// Whether it may have cost something.
    pub fn charge(&self) -> Charge {
        let of = |outcome: &Result<Generation>| match outcome {
            Ok(generation) => generation.charge(),
            Err(error) => error.charge(),
        };
        self.requests.iter().map(of).max().unwrap_or(Charge::No)
    }

    /// All of it as one outcome, numbered through in the order of the requests, for whoever saves it. Of usage only what is billed
    /// is summed; raw answers stay with their requests.
    pub fn to_generation(&self) -> Generation {
        let mut whole = Generation::new(self.model.clone());
        for generation in self.requests.iter().flatten() {
            whole.model = generation.model.clone();
            whole.reported_model = whole.reported_model.or_else(|| generation.reported_model.clone());
            whole.created = whole.created.or(generation.created);
            for warning in &generation.warnings {
                if !whole.warnings.contains(warning) {
                    whole.warnings.push(warning.clone());
                }
            }
        }
        whole.outcomes = self.outcomes();
        whole.usage.generated_images = self.billed();
        whole
    }

    fn outcomes(&self) -> Vec<Result<GeneratedImage, ImageFailure>> {
        let mut outcomes = Vec::new();
        for request in &self.requests {
            match request {
                Ok(generation) => outcomes.extend(generation.outcomes.iter().cloned()),
                Err(error) => match error.generation().filter(|generation| !generation.outcomes.is_empty()) {
                    Some(generation) => outcomes.extend(generation.outcomes.iter().cloned()),
                    None => {
                        let failure = ImageFailure::new(0, error.kind(), error.message());
                        outcomes.push(Err(failure.with_code(error.code().map(str::to_owned))));
                    }
                },
            }
        }
        for (index, outcome) in (0..).zip(&mut outcomes) {
            match outcome {
                Ok(image) => image.index = index,
                Err(failure) => failure.index = index,
            }
        }
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run can be handed to another thread, whatever it is told.
    #[test]
    fn a_run_is_send() {
        fn send<T: Send>(_: impl Fn(&'static Exactly, &'static dyn ImageProvider) -> T) {}
        send(|exactly, provider| exactly.watched(provider, |_, _| ()));
        send(|exactly, provider| exactly.run(provider));
    }
}
