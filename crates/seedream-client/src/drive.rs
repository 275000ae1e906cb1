//! Drives an [`Operation`]: sends what it says, waits as long as it says, and reports what came of it.
//!
//! Nothing runs in the background: whoever drops the stream stops everything at once, and nothing is sent any more.

mod answer;
mod keep;
mod link;
mod links;
mod turns;
mod watch;

use std::{collections::VecDeque, time::Duration};

use futures_util::stream;
use seedream_core::{
    Charge, Error, ErrorKind, Event, EventStream, Exchange, Input, ModelId, Operation, Purpose, Result, Then,
};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use url::Url;

pub(crate) use self::{
    answer::Expect,
    link::{Link, Lost},
    turns::Turns,
};
use self::{
    answer::{Frames, Opened},
    keep::Kept,
    links::{resolve_event, resolve_outcome},
    watch::Watch,
};

/// The events of an operation, which begins when the stream is first polled.
pub(crate) fn events(operation: Operation, link: Link, expect: Expect, model: &ModelId) -> EventStream {
    // In a box, since the stream moves it with every event.
    let drive = Box::new(Drive {
        kept: Kept::new(link.spool.clone()),
        watch: Watch::new(&link, operation.task(), model),
        operation,
        link,
        expect,
        start: None,
        then: None,
        events: VecDeque::new(),
        frames: None,
        asked: None,
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
    link: Link,
    expect: Expect,
    /// Set at the first poll.
    start: Option<Instant>,
    /// What to do next; `None` at the start and behind the end.
    then: Option<Then>,
    /// What the caller has not been told yet.
    events: VecDeque<Event>,
    /// The stream that is being read.
    frames: Option<Box<Frames>>,
    /// Where the last request went, from which the links of its answer are seen.
    asked: Option<Box<Asked>>,
    /// The pictures that arrived in the answers themselves.
    kept: Kept,
    watch: Watch,
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
            self.step(Input::Begin);
        }
        loop {
            // What happened is told before anything else is done: a task is to be stored before it is asked for.
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            // Room for events is not kept while a task waits.
            self.events = VecDeque::new();
            let input = match self.then.take()? {
                Then::Done(outcome) => {
                    // Some gateways repeat the key that they were sent.
                    let secrets = self.link.places.iter().filter_map(|place| place.secret());
                    let mut outcome = outcome.map_err(|error| secrets.fold(error, Error::without));
                    outcome =
                        resolve_outcome(outcome, || self.asked.as_deref().and_then(|asked| asked.url(&self.link)));
                    if let Some(frames) = self.frames.take() {
                        let (seen, blobs) = frames.into_seen();
                        outcome = self.kept.stream(seen, blobs, outcome);
                    }
                    if !self.kept.is_settled(&outcome) {
                        // In a box, as an exchange is.
                        outcome = Box::pin(self.kept.settle(outcome)).await;
                    }
                    return Some(self.link.told(outcome).map(Event::Finished));
                }
                Then::WaitUntil(until) => {
                    self.asked = None;
                    tokio::time::sleep_until(self.at(until)).await;
                    Input::Woke
                }
                Then::Read => Box::pin(self.frame()).await,
                // Said only where an input comes while something is under way, which no input of this loop does.
                Then::Continue => nothing("nothing is under way"),
                Then::ReadUntil(until) => {
                    let until = self.at(until);
                    Box::pin(async { timeout_at(until, self.frame()).await.unwrap_or(Input::Woke) }).await
                }
                Then::Send(exchange) => {
                    let until = match exchange.purpose {
                        Purpose::Submit => Some(self.at(exchange.until)),
                        Purpose::Poll => self.turn(exchange.until).await,
                    };
                    // In a box, so that a task that waits does not hold the room that an exchange needs.
                    Box::pin(self.exchange(exchange, until)).await
                }
            };
            self.step(input);
        }
    }

    fn step(&mut self, input: Input) {
        let now = self.start.map_or(Duration::ZERO, |start| start.elapsed());
        let step = self.operation.on(input, now);
        self.events.extend(step.events);
        for event in &mut self.events {
            resolve_event(event, || self.asked.as_deref().and_then(|asked| asked.url(&self.link)));
        }
        self.then = Some(step.then);
    }

    fn at(&self, moment: Duration) -> Instant {
        later(self.start.unwrap_or_else(Instant::now), moment)
    }

    /// The next event of the stream.
    async fn frame(&mut self) -> Input {
        let Some(frames) = &mut self.frames else { return nothing("no stream is open") };
        let mut input = frames.next().await;
        self.kept.note(&mut input).await;
        input
    }

    /// Sends one request and reads its answer, or the beginning of it where it is a stream.
    async fn exchange(&mut self, exchange: Box<Exchange>, until: Option<Instant>) -> Input {
        let Exchange { request, purpose, place, .. } = *exchange;
        let Some(until) = until else {
            return Input::NotSent(Error::new(ErrorKind::Timeout, "no turn came in time"));
        };
        self.asked = Some(Box::new(Asked { place, path: request.uri().clone() }));
        let mut trace = self.watch.exchange(purpose, place, &request, &self.link);
        let sent = self.link.send(place, request, until).instrument(trace.span()).await;
        trace.sent(&sent);
        let span = trace.span();
        let incoming = match sent {
            Ok(incoming) => incoming.watched(trace),
            Err(Lost::NotSent(error)) => return Input::NotSent(error),
            Err(Lost::Sent(error)) => return Input::Broken { partial: None, error },
        };
        let expect = if purpose == Purpose::Submit { self.expect } else { Expect::Poll };
        let Opened { mut input, frames } = answer::open(incoming, expect).instrument(span).await;
        self.frames = frames.map(Box::new);
        self.kept.note(&mut input).await;
        input
    }

    /// Waits until this poll's turn among those of all tasks of the client, and says until when it may then take; `None` where
    /// the job's time is up before.
    async fn turn(&mut self, until: Duration) -> Option<Instant> {
        let (asked, deadline) = (Instant::now(), self.at(self.operation.deadline()));
        timeout_at(deadline, self.link.turns.take()).await.ok()?;
        Some(later(self.at(until), asked.elapsed()).min(deadline))
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
