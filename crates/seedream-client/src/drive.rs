//! Drives an [`Operation`]: sends what it says, waits as long as it says, and reports what came of it.
//!
//! Nothing runs in the background: whoever drops the stream stops everything at once, and nothing is sent any more.

mod keep;
mod link;
mod links;
mod response;
mod turns;
mod watch;

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::{
    future::{Either, select},
    stream,
};
use seedream_core::{
    Charge, Error, ErrorKind, ErrorReport, Event, EventStream, Exchange, GeneratedImage, Generation, ImageFailure,
    Input, ModelId, Operation, Purpose, Record, Result, Step, Then, Timestamp,
};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument as _;
use url::Url;

use self::{
    keep::Kept,
    links::{resolve_event, resolve_outcome},
    response::{Frames, Opened},
    watch::Watch,
};
pub(crate) use self::{
    link::{Link, Lost},
    response::Expect,
    turns::Turns,
};
use crate::{Departure, Entry, Intent, JobContext, SendBefore, trace::Trace};

/// The events of an operation, which begins when the stream is first polled.
pub(crate) fn events(
    operation: Operation,
    link: Link,
    expect: Expect,
    model: &ModelId,
    context: JobContext,
    draft: Option<Box<Intent>>,
) -> EventStream {
    // In a box, since the stream moves it with every event.
    let drive = Box::new(Drive {
        watch: Watch::new(&link, operation.task(), model),
        operation,
        wire: Wire { kept: Kept::new(link.spool.clone()), link, expect, frames: None, asked: None },
        context,
        draft,
        cancels: 0,
        start: None,
        then: None,
        events: VecDeque::new(),
    });
    Box::pin(stream::unfold(drive, |mut drive| async move {
        let event = if drive.watch.listens() {
            // In a box, so that a task that nobody watches holds no room for a span.
            let span = drive.watch.span();
            Box::pin(drive.next().instrument(span)).await
        } else {
            drive.next().await
        };
        event.map(|event| (drive.watch.told(event), drive))
    }))
}

struct Drive {
    operation: Operation,
    wire: Wire,
    watch: Watch,
    context: JobContext,
    /// What each attempt is recorded with; `None` where nothing is.
    draft: Option<Box<Intent>>,
    /// How often the operation was told that the caller wants no more.
    cancels: u32,
    /// Set at the first poll.
    start: Option<Instant>,
    /// What to do next; `None` at the start and behind the end.
    then: Option<Then>,
    /// What the caller has not been told yet.
    events: VecDeque<Event>,
}

/// What an operation's requests go out and come in through.
struct Wire {
    link: Link,
    expect: Expect,
    /// The stream that is being read.
    frames: Option<Box<Frames>>,
    /// Where the last request went, from which the links of its response are seen.
    asked: Option<Box<Asked>>,
    /// The images that arrived in the responses themselves.
    kept: Kept,
}

/// Where a request went.
struct Asked {
    place: usize,
    path: http::Uri,
}

impl Asked {
    fn url(&self, link: &Link) -> Option<Url> {
        Url::parse(&link.places.get(self.place)?.uri(&self.path).ok()?.to_string()).ok()
    }
}

impl Drive {
    async fn next(&mut self) -> Option<Result<Event>> {
        if self.start.is_none() {
            self.start = Some(Instant::now());
            self.taken(Happened::Input(Input::Begin)).await;
        }
        loop {
            // What happened is told before anything else is done.
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            // Room for events is not kept while a task waits.
            self.events = VecDeque::new();
            // What needs room for a moment has it in a box: a task that waits holds none.
            let happened = match self.then.take()? {
                Then::Done(outcome) => return Some(outcome.map(Event::Finished)),
                Then::WaitUntil(until) => {
                    self.wire.asked = None;
                    let until = self.at(until);
                    // Nothing that was paid for is under way: whoever wants no more waits for nothing.
                    self.unless_cancelled(until).await
                }
                Then::Read => self.read(None).await,
                // Said only where an input comes while something is under way, which no input of this loop does.
                Then::Continue => Happened::Input(nothing("nothing is under way")),
                Then::ReadUntil(until) => self.read(Some(self.at(until))).await,
                Then::Send(exchange) => match exchange.purpose {
                    Purpose::Submit => Box::pin(self.submit(exchange)).await,
                    Purpose::Poll => {
                        let turn = self.turn(exchange.until);
                        let until = if self.context.belongs_to_a_job() {
                            Box::pin(unless(self.context.cancelled(self.cancels), turn)).await
                        } else {
                            Some(turn.await)
                        };
                        match until {
                            Some(until) => Box::pin(self.poll(exchange, until)).await,
                            None => Happened::Ended(Box::new(self.cancel())),
                        }
                    }
                },
            };
            self.taken(happened).await;
        }
    }

    /// What happened, and what is to be kept of it.
    fn taken(&mut self, happened: Happened) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let step = match happened {
            Happened::Input(input) => {
                let now = self.now();
                self.operation.on(input, now)
            }
            Happened::Ended(step) => *step,
        };
        Box::pin(self.take(step))
    }

    /// Keeps what must not be forgotten, before anything else is done.
    async fn take(&mut self, step: Step) {
        let Step { mut events, record, then } = step;
        for event in &mut events {
            resolve_event(event, || self.wire.base());
        }
        let mut then = match then {
            Then::Done(outcome) => Then::Done(Box::new(self.wire.read(*outcome))),
            then => then,
        };
        if matches!(then, Then::WaitUntil(_) | Then::Done(_)) {
            self.context.pays(false);
        }
        let mut record = record.filter(|_| self.context.belongs_to_a_job());
        // What came is on record before anything else is waited for.
        if let Some(came) = record.take_if(|record| matches!(record, Record::Answered)) {
            Box::pin(self.context.keep(self.entry(came, &events, &then))).await;
        }
        if let Then::Done(outcome) = then {
            self.context.has_tried(match &*outcome {
                Ok(_) => self.operation.attempts(),
                Err(error) => error.attempts(),
            });
            then = Then::Done(Box::new(Box::pin(self.wire.settle(*outcome)).await));
        }
        if let Some(record) = record {
            Box::pin(self.context.keep(self.entry(record, &events, &then))).await;
        }
        self.events.extend(events);
        self.then = Some(then);
    }

    /// What the record is told.
    fn entry(&self, record: Record, events: &[Event], then: &Then) -> Entry {
        let done = if let Then::Done(outcome) = then { Some(&**outcome) } else { None };
        let failed = done.and_then(|outcome| outcome.as_ref().err()).map(ErrorReport::from);
        // Some gateways repeat the key that they were sent.
        let secrets = self.wire.link.places.iter().filter_map(|place| place.secret());
        match record {
            Record::NotSent => Entry::NotSent { error: failed },
            Record::Refused { kind, message, charge } => {
                let plain = || secrets.fold(Error::new(kind, message).with_charge(charge), Error::without);
                Entry::Refused { error: failed.unwrap_or_else(|| ErrorReport::from(&plain())), charge }
            }
            Record::Accepted { task } => Entry::Accepted { task: *task },
            Record::Answered => match done {
                Some(Ok(generation)) => {
                    let raw = String::from_utf8_lossy(&generation.raw).into_owned();
                    let raw = secrets.fold(raw, |raw, secret| raw.replace(secret, "…"));
                    Entry::Answered { generation: generation.clone(), whole: true, raw: Some(raw) }
                }
                _ => {
                    let mut part = Generation::new(self.draft.as_ref().map_or("".into(), |draft| draft.model.clone()));
                    part.outcomes = events.iter().filter_map(of_image).collect();
                    Entry::Answered { generation: part, whole: false, raw: None }
                }
            },
        }
    }

    fn now(&self) -> Duration {
        self.start.map_or(Duration::ZERO, |start| start.elapsed())
    }

    fn at(&self, moment: Duration) -> Instant {
        later(self.start.unwrap_or_else(Instant::now), moment)
    }

    /// Tells the operation that the caller wants no more.
    fn cancel(&mut self) -> Step {
        self.cancels = self.cancels.saturating_add(1);
        let now = self.now();
        self.operation.on(Input::Cancelled, now)
    }

    /// Waits for a moment, at once no more where the caller cancels.
    async fn unless_cancelled(&mut self, until: Instant) -> Happened {
        if !self.context.belongs_to_a_job() {
            sleep_until(until).await;
            return Happened::Input(Input::Woke);
        }
        // In a box, so that a task that no job waits for holds no room for it.
        let waited = Box::pin(unless(self.context.cancelled(self.cancels), sleep_until(until))).await;
        match waited {
            Some(()) => Happened::Input(Input::Woke),
            None => Happened::Ended(Box::new(self.cancel())),
        }
    }

    /// Sends what buys, once it is on record.
    async fn submit(&mut self, exchange: Box<Exchange>) -> Happened {
        let until = self.at(exchange.until);
        let before = match self.begin(exchange.place).await {
            Ok(before) => before,
            Err(refused) => return Happened::Input(Input::Vetoed(refused)),
        };
        self.context.pays(true);
        let trace = self.watch.exchange(exchange.purpose, exchange.place, &exchange.request, &self.wire.link);
        let departure = Departure::before(before);
        attend(
            self.wire.exchange(exchange, Some(until), &departure, trace),
            &self.context,
            &mut self.operation,
            &mut self.cancels,
            self.start,
            Some(&departure),
        )
        .await
    }

    /// The attempt goes on record.
    async fn begin(&mut self, place: usize) -> Result<Option<SendBefore>> {
        let Some(draft) = &self.draft else { return Ok(None) };
        let mut intent = (**draft).clone();
        intent.endpoint = self.wire.link.places.get(place).map(|place| place.base_url().to_owned()).unwrap_or_default();
        intent.client_request_id = self.wire.link.request_id.to_str().unwrap_or_default().to_owned();
        intent.begun_at = Timestamp::now();
        self.context.begin(intent).await
    }

    /// Asks for the task.
    async fn poll(&mut self, exchange: Box<Exchange>, until: Option<Instant>) -> Happened {
        let trace = self.watch.exchange(exchange.purpose, exchange.place, &exchange.request, &self.wire.link);
        attend(
            self.wire.exchange(exchange, until, &Departure::default(), trace),
            &self.context,
            &mut self.operation,
            &mut self.cancels,
            self.start,
            None,
        )
        .await
    }

    /// Reads the next event of the stream.
    async fn read(&mut self, until: Option<Instant>) -> Happened {
        // A stream that always has more must not hide that the caller wants no more.
        while self.context.cancels() > self.cancels {
            let step = self.cancel();
            if !matches!(step.then, Then::Continue) {
                return Happened::Ended(Box::new(step));
            }
        }
        let wire = &mut self.wire;
        let frame = async {
            match until {
                Some(until) => timeout_at(until, wire.frame()).await.unwrap_or(Input::Woke),
                None => wire.frame().await,
            }
        };
        let frame = attend(frame, &self.context, &mut self.operation, &mut self.cancels, self.start, None);
        Box::pin(frame).await
    }

    /// Waits until this poll's turn among those of all tasks of the client, and says until when it may then take; `None` where
    /// the job's time is up before.
    fn turn(&self, until: Duration) -> impl Future<Output = Option<Instant>> + use<> {
        let (asked, until, deadline) = (Instant::now(), self.at(until), self.at(self.operation.deadline()));
        let turns = self.wire.link.turns.clone();
        async move {
            timeout_at(deadline, turns.take()).await.ok()?;
            Some(later(until, asked.elapsed()).min(deadline))
        }
    }
}

/// What came of something that was done.
enum Happened {
    /// It is told to the operation.
    Input(Input),
    /// The caller cancelled, and the operation does not go on with it.
    Ended(Box<Step>),
}

/// Does something that may be paid for. A caller who cancels waits for it where the operation says so; what has arrived is taken before
/// anything is given up. A submit whose body has not left by then does not leave.
async fn attend(
    doing: impl Future<Output = Input>,
    context: &JobContext,
    operation: &mut Operation,
    cancels: &mut u32,
    start: Option<Instant>,
    submit: Option<&Departure>,
) -> Happened {
    let mut doing = pin!(doing);
    loop {
        if let Either::Left((input, _)) = select(&mut doing, pin!(context.cancelled(*cancels))).await {
            return Happened::Input(input);
        }
        *cancels = cancels.saturating_add(1);
        if submit.is_some_and(Departure::forbid) {
            let error = Error::new(ErrorKind::Cancelled, "cancelled before the request was sent");
            return Happened::Input(Input::Vetoed(error));
        }
        let step = operation.on(Input::Cancelled, start.map_or(Duration::ZERO, |start| start.elapsed()));
        if !matches!(step.then, Then::Continue) {
            return Happened::Ended(Box::new(step));
        }
    }
}

/// What comes, unless something else comes first.
async fn unless<T>(other: impl Future<Output = ()>, doing: impl Future<Output = T>) -> Option<T> {
    match select(pin!(other), pin!(doing)).await {
        Either::Left(_) => None,
        Either::Right((value, _)) => Some(value),
    }
}

/// The image or the failure that an event tells of.
fn of_image(event: &Event) -> Option<Result<GeneratedImage, ImageFailure>> {
    match event {
        Event::Image(image) => Some(Ok(image.clone())),
        Event::ImageFailed(failure) => Some(Err(failure.clone())),
        _ => None,
    }
}

impl Wire {
    /// The URL of the request to which the last response belongs.
    fn base(&self) -> Option<Url> {
        self.asked.as_deref().and_then(|asked| asked.url(&self.link))
    }

    /// The end of an operation, with all that came.
    fn read(&mut self, outcome: Result<Generation>) -> Result<Generation> {
        // Some gateways repeat the key that they were sent.
        let secrets = self.link.places.iter().filter_map(|place| place.secret());
        let outcome = match outcome {
            Ok(generation) => Ok(secrets.fold(generation, Generation::without)),
            Err(error) => Err(secrets.fold(error, Error::without)),
        };
        let mut outcome = resolve_outcome(outcome, || self.base());
        if let Some(frames) = self.frames.take() {
            let (seen, blobs) = frames.into_seen();
            outcome = self.kept.stream(seen, blobs, outcome);
        }
        outcome
    }

    /// The same as the caller is told it: what is not needed is removed, and what could not be read is kept.
    async fn settle(&mut self, mut outcome: Result<Generation>) -> Result<Generation> {
        if !self.kept.is_settled(&outcome) {
            outcome = self.kept.settle(outcome).await;
        }
        self.link.told(outcome)
    }

    /// The next event of the stream.
    async fn frame(&mut self) -> Input {
        let Some(frames) = &mut self.frames else { return nothing("no stream is open") };
        let mut input = frames.next().await;
        self.kept.note(&mut input).await;
        input
    }

    /// Sends one request and reads its response, or the beginning of it where it is a stream.
    async fn exchange(
        &mut self,
        exchange: Box<Exchange>,
        until: Option<Instant>,
        departure: &Departure,
        mut trace: Trace,
    ) -> Input {
        let Exchange { request, purpose, place, .. } = *exchange;
        let Some(until) = until else {
            return Input::NotSent(Error::new(ErrorKind::Timeout, "no turn came in time"));
        };
        self.asked = Some(Box::new(Asked { place, path: request.uri().clone() }));
        let sent = self.link.send(place, request, until, departure).instrument(trace.span()).await;
        trace.sent(&sent);
        let span = trace.span();
        let incoming = match sent {
            Ok(incoming) => incoming.watched(trace),
            Err(Lost::NotSent(error)) => return Input::NotSent(error),
            Err(Lost::Sent(error)) => return Input::Broken { partial: None, error },
        };
        let expect = if purpose == Purpose::Submit { self.expect } else { Expect::Poll };
        let Opened { mut input, frames } = response::open(incoming, expect).instrument(span).await;
        self.frames = frames.map(Box::new);
        self.kept.note(&mut input).await;
        input
    }
}

/// What is told where there is nothing to go on with: never an end in good order.
fn nothing(message: &str) -> Input {
    Input::Broken { partial: None, error: Error::new(ErrorKind::Config, message) }
}

/// A moment after another; centuries, which no clock can hold, are a year.
pub(crate) fn later(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait).unwrap_or_else(|| start + Duration::from_secs(86_400 * 365))
}

/// The last event of a stream, with the others thrown away.
pub(crate) async fn outcome(mut events: EventStream) -> Result<seedream_core::Generation> {
    use futures_util::StreamExt as _;

    while let Some(event) = events.next().await {
        if let Event::Finished(generation) = event? {
            return Ok(generation);
        }
    }
    let message = "the operation ended without an outcome";
    Err(Error::new(ErrorKind::Config, message).with_charge(Charge::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_no_clock_can_hold_is_a_year_away() {
        let now = Instant::now();
        assert_eq!(later(now, Duration::from_secs(3)) - now, Duration::from_secs(3));
        assert_eq!(later(now, Duration::MAX) - now, Duration::from_secs(31_536_000));
    }
}
