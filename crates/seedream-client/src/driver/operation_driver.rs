//! The loop of an operation.

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
    Error, ErrorKind, Event, Exchange, GeneratedImage, Generation, ImageFailure, Input, ModelId, Operation, Purpose,
    Record, Result, Step, StoredError, Then, Timestamp,
};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument as _;

use super::{
    operation_io::{OperationIo, unexpected},
    operation_trace::OperationTrace,
    relative_links::resolve_event,
    request_sender::RequestSender,
    response_reader::ExpectedBody,
};
use crate::{
    job::JobContext,
    provider::EventStream,
    record::{Intent, RecordEntry},
    transport::{Departure, SendBefore, later},
};

/// The events of an operation, which begins when the stream is first polled.
pub(crate) fn events(
    operation: Operation,
    sender: RequestSender,
    expect: ExpectedBody,
    model: &ModelId,
    context: JobContext,
    draft: Option<Box<Intent>>,
) -> EventStream {
    // In a box, since the stream moves it with every event.
    let driver = Box::new(OperationDriver {
        trace: OperationTrace::new(&sender, operation.task(), model),
        operation,
        io: OperationIo::new(sender, expect),
        context,
        draft,
        cancels: 0,
        start: None,
        then: None,
        events: VecDeque::new(),
    });
    EventStream::new(stream::unfold(driver, |mut driver| async move {
        let event = if driver.trace.listens() {
            // In a box, so that a task without a subscriber holds no room for a span.
            let span = driver.trace.span();
            Box::pin(driver.next().instrument(span)).await
        } else {
            driver.next().await
        };
        event.map(|event| (driver.trace.observe(event), driver))
    }))
}

struct OperationDriver {
    operation: Operation,
    io: OperationIo,
    trace: OperationTrace,
    context: JobContext,
    /// What each attempt is recorded with; `None` where nothing is recorded.
    draft: Option<Box<Intent>>,
    /// How many cancellations the operation was given.
    cancels: u32,
    /// Set at the first poll.
    start: Option<Instant>,
    /// What to do next; `None` at the start and after the end.
    then: Option<Then>,
    /// Events that the caller has not read.
    events: VecDeque<Event>,
}

impl OperationDriver {
    async fn next(&mut self) -> Option<Result<Event>> {
        if self.start.is_none() {
            self.start = Some(Instant::now());
            self.taken(NextStep::Input(Input::Begin)).await;
        }
        loop {
            // Events are given before anything else is done.
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            // Room for events is not kept while a task waits.
            self.events = VecDeque::new();
            // What needs room for a moment has it in a box: a task that waits holds none.
            let happened = match self.then.take()? {
                Then::Done(outcome) => return Some(outcome.map(Event::Finished)),
                Then::WaitUntil(until) => {
                    self.io.requested = None;
                    let until = self.at(until);
                    self.trace.waits(until);
                    // Nothing billable is under way, so cancelling takes effect at once.
                    self.unless_cancelled(until).await
                }
                Then::Read => self.read(None).await,
                // Said only where an input comes while something is under way, which no input of this loop does.
                Then::Continue => NextStep::Input(unexpected("nothing is under way")),
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
                            None => NextStep::Ended(Box::new(self.cancel())),
                        }
                    }
                },
            };
            self.taken(happened).await;
        }
    }

    /// Gives the operation what happened, and applies the step that follows.
    fn taken(&mut self, happened: NextStep) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let step = match happened {
            NextStep::Input(input) => {
                let now = self.now();
                self.operation.on(input, now)
            }
            NextStep::Ended(step) => *step,
        };
        Box::pin(self.take(step))
    }

    /// Keeps what must not be forgotten, before anything else is done.
    async fn take(&mut self, step: Step) {
        let Step { mut events, record, then } = step;
        for event in &mut events {
            resolve_event(event, || self.io.base());
        }
        let mut then = match then {
            Then::Done(outcome) => Then::Done(Box::new(self.io.read(*outcome))),
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
            then = Then::Done(Box::new(self.io.settle(*outcome).await));
        }
        if let Some(record) = record {
            Box::pin(self.context.keep(self.entry(record, &events, &then))).await;
        }
        self.events.extend(events);
        self.then = Some(then);
    }

    /// The entry of the record.
    fn entry(&self, record: Record, events: &[Event], then: &Then) -> RecordEntry {
        let done = if let Then::Done(outcome) = then { Some(&**outcome) } else { None };
        let failed = done.and_then(|outcome| outcome.as_ref().err()).map(StoredError::from);
        // Some gateways repeat the key that they were sent.
        let secrets = self.io.sender.endpoints.iter().filter_map(|place| place.secret());
        match record {
            Record::NotSent => RecordEntry::NotSent { error: failed },
            Record::Refused { kind, message, charge } => {
                let plain = || secrets.fold(Error::new(kind, message).with_charge(charge), Error::without);
                RecordEntry::Refused { error: failed.unwrap_or_else(|| StoredError::from(&plain())), charge }
            }
            Record::Accepted { task } => RecordEntry::Accepted { task: *task },
            Record::Answered => match done {
                Some(Ok(generation)) => {
                    let raw = String::from_utf8_lossy(&generation.raw).into_owned();
                    let raw = secrets.fold(raw, |raw, secret| raw.replace(secret, "…"));
                    RecordEntry::Answered { generation: generation.clone(), whole: true, raw: Some(raw) }
                }
                _ => {
                    let mut part = Generation::new(self.draft.as_ref().map_or("".into(), |draft| draft.model.clone()));
                    part.outcomes = events.iter().filter_map(of_image).collect();
                    RecordEntry::Answered { generation: part, whole: false, raw: None }
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
    async fn unless_cancelled(&mut self, until: Instant) -> NextStep {
        if !self.context.belongs_to_a_job() {
            sleep_until(until).await;
            return NextStep::Input(Input::Woke);
        }
        // In a box, so that a task that no job waits for holds no room for it.
        let waited = Box::pin(unless(self.context.cancelled(self.cancels), sleep_until(until))).await;
        match waited {
            Some(()) => NextStep::Input(Input::Woke),
            None => NextStep::Ended(Box::new(self.cancel())),
        }
    }

    /// Sends what buys, once it is on record.
    async fn submit(&mut self, exchange: Box<Exchange>) -> NextStep {
        let until = self.at(exchange.until);
        let before = match self.begin(exchange.place).await {
            Ok(before) => before,
            Err(refused) => return NextStep::Input(Input::Vetoed(refused)),
        };
        self.context.pays(true);
        let trace = self.trace.exchange(exchange.purpose, exchange.place, &exchange.request, &self.io.sender);
        let departure = Departure::before(before);
        attend(
            self.io.exchange(exchange, Some(until), &departure, trace),
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
        intent.endpoint =
            self.io.sender.endpoints.get(place).map(|place| place.base_url().to_owned()).unwrap_or_default();
        intent.client_request_id = self.io.sender.request_id.to_str().unwrap_or_default().to_owned();
        intent.begun_at = Timestamp::now();
        self.context.begin(intent).await
    }

    /// Asks for the task.
    async fn poll(&mut self, exchange: Box<Exchange>, until: Option<Instant>) -> NextStep {
        let trace = self.trace.exchange(exchange.purpose, exchange.place, &exchange.request, &self.io.sender);
        attend(
            self.io.exchange(exchange, until, &Departure::default(), trace),
            &self.context,
            &mut self.operation,
            &mut self.cancels,
            self.start,
            None,
        )
        .await
    }

    /// Reads the next event of the stream.
    async fn read(&mut self, until: Option<Instant>) -> NextStep {
        // A stream that always has more must not hide that the caller wants no more.
        while self.context.cancels() > self.cancels {
            let step = self.cancel();
            if !matches!(step.then, Then::Continue) {
                return NextStep::Ended(Box::new(step));
            }
        }
        let io = &mut self.io;
        let frame = async {
            match until {
                Some(until) => timeout_at(until, io.frame()).await.unwrap_or(Input::Woke),
                None => io.frame().await,
            }
        };
        let frame = attend(frame, &self.context, &mut self.operation, &mut self.cancels, self.start, None);
        Box::pin(frame).await
    }

    /// Waits until this poll's turn among those of all tasks of the client, and says until when it may then take; `None` where
    /// the job's time is up before.
    fn turn(&self, until: Duration) -> impl Future<Output = Option<Instant>> + use<> {
        let (requested, until, deadline) = (Instant::now(), self.at(until), self.at(self.operation.deadline()));
        let pacer = self.io.sender.pacer.clone();
        async move {
            timeout_at(deadline, pacer.take()).await.ok()?;
            Some(later(until, requested.elapsed()).min(deadline))
        }
    }
}

/// What happened, for the operation.
enum NextStep {
    /// It is an input of the operation.
    Input(Input),
    /// The caller cancelled, and the operation does not go on with it.
    Ended(Box<Step>),
}

/// Does something that may be billed. After a cancellation it is waited for where the operation says so; what has arrived is used before
/// anything is given up. A submit whose body has not left by then does not leave.
async fn attend(
    doing: impl Future<Output = Input>,
    context: &JobContext,
    operation: &mut Operation,
    cancels: &mut u32,
    start: Option<Instant>,
    submit: Option<&Departure>,
) -> NextStep {
    let mut doing = pin!(doing);
    loop {
        if let Either::Left((input, _)) = select(&mut doing, pin!(context.cancelled(*cancels))).await {
            return NextStep::Input(input);
        }
        *cancels = cancels.saturating_add(1);
        if submit.is_some_and(Departure::forbid) {
            let error = Error::new(ErrorKind::Cancelled, "cancelled before the request was sent");
            return NextStep::Input(Input::Vetoed(error));
        }
        let step = operation.on(Input::Cancelled, start.map_or(Duration::ZERO, |start| start.elapsed()));
        if !matches!(step.then, Then::Continue) {
            return NextStep::Ended(Box::new(step));
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
