//! Cancelling: what is under way is waited for, nothing is sent after it, and the machine alone says what it cost.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::StreamBody;
use seedream_client::{
    Client, Control, Departure, History, Intent, JobError, JobEvent, JobHandle, JobRecord, JobStore, Outcome,
    RecordEntry, Refusal, ResponseBody, SendBefore, Transport, TransportError,
};
use seedream_core::{
    Blobs, Charge, Dialect, Encoded, Error, ErrorKind, Input, Operation, Policy, Response, Strictness, Then, Timestamp,
    sse::Frame,
};

use super::{ACCEPTED, Act, DONE, EVENTS, Ledger, ONE, Shelf, Wire, after, client, kept, png, policed, wire, with};
use crate::tiny_dialects::{Tiny, TinyTasks, request};

/// What the machine says of these inputs.
fn machine(dialect: impl Dialect, inputs: impl IntoIterator<Item = Input>) -> Charge {
    let dialect: Arc<dyn Dialect> = Arc::new(dialect);
    let request = request();
    let checked = dialect.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
    let encoded = Encoded::new(&*dialect, checked).unwrap();
    let mut operation = Operation::submit(dialect, encoded, "https://tiny.example", Policy::default(), 7);
    let mut last = operation.on(Input::Begin, Duration::ZERO).then;
    for input in inputs {
        last = operation.on(input, Duration::ZERO).then;
    }
    let Then::Done(done) = last else { panic!("it goes on: {last:?}") };
    done.map_or_else(|error| error.charge(), |generation| generation.charge())
}

fn response(status: u16, body: &'static str) -> Input {
    let status = StatusCode::from_u16(status).unwrap();
    Input::Response(Response::new(status, HeaderMap::new(), body, Timestamp::UNIX_EPOCH))
}

fn head() -> Input {
    Input::Head(Response::new(StatusCode::OK, HeaderMap::new(), "", Timestamp::UNIX_EPOCH))
}

fn frame() -> Input {
    let data = r#"{"url":"https://a.example/0.png"}"#.to_owned();
    Input::Frame(Frame { event: None, data }, Blobs::default())
}

struct Ran {
    ended: Result<Outcome, JobError>,
    ledger: Ledger,
    shelf: Shelf,
}

/// Starts a job and cancels it at these moments.
async fn cancelled(wire: &Wire, dialect: impl Dialect, stream: bool, at: &[f64]) -> Ran {
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let job = with(client(dialect, wire).job(request().stream(stream)), &ledger, &shelf);
    let handle: JobHandle = job.spawn();
    let mut now = 0.0;
    for moment in at {
        after(moment - now).await;
        now = *moment;
        handle.control().cancel();
    }
    Ran { ended: handle.await, ledger, shelf }
}

fn charge(ended: &Result<Outcome, JobError>) -> Charge {
    let outcome = ended.as_ref().unwrap_or_else(|error| error.outcome());
    if let Err(error) = ended {
        assert_eq!(error.error().charge(), outcome.charge);
    }
    outcome.charge
}

fn late(seconds: u64, act: Act) -> Act {
    Act::Late(Duration::from_secs(seconds), Box::new(act))
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_waited_for_is_saved() {
    let wire = wire(|_, _| late(5, Act::ok(ONE)));
    let ran = cancelled(&wire, Tiny, false, &[1.0]).await;
    let by_machine = machine(Tiny, [Input::Cancelled, response(200, ONE)]);
    assert_eq!((charge(&ran.ended), by_machine, ran.shelf.images()), (Charge::Yes, Charge::Yes, vec![png()]));
    assert!(ran.ended.is_ok() && ran.ledger.is_over());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_waited_for_is_not_followed_by_another_attempt() {
    let wire = wire(|_, _| late(5, Act::status(429)));
    let ran = cancelled(&wire, Tiny, false, &[1.0]).await;
    let by_machine = machine(Tiny, [Input::Cancelled, response(429, "no")]);
    assert_eq!((charge(&ran.ended), by_machine, wire.posts()), (Charge::No, Charge::No, 1));
    assert_eq!(ran.ended.unwrap_err().error().kind(), ErrorKind::Cancelled);
    assert_eq!(ran.ledger.log(), ["intent", "refused", "ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_time_gives_up_what_is_under_way() {
    let wire = wire(|_, _| Act::Silence);
    let ran = cancelled(&wire, Tiny, false, &[1.0, 2.0]).await;
    let by_machine = machine(Tiny, [Input::Cancelled, Input::Cancelled]);
    assert_eq!((charge(&ran.ended), by_machine, wire.posts()), (Charge::Unknown, Charge::Unknown, 1));
    assert!(!ran.ledger.is_over(), "its record stays");
    let resumed = client(Tiny, &wire).resume(ran.ended.unwrap_err().outcome().record.as_ref().unwrap());
    let error = with(resumed, &ran.ledger, &ran.shelf).run().await.unwrap_err();
    assert_eq!((error.error().kind(), error.error().charge()), (ErrorKind::Cancelled, Charge::Unknown), "as it ended");
    assert_eq!(wire.times("POST").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_its_next_attempt_ends_at_once() {
    let wire = wire(|_, _| Act::status(429));
    let ran = cancelled(&wire, Tiny, false, &[0.1]).await;
    let by_machine = machine(Tiny, [response(429, "no"), Input::Cancelled]);
    assert_eq!((charge(&ran.ended), by_machine, wire.posts()), (Charge::No, Charge::No, 1));
    assert_eq!(ran.ledger.log(), ["intent", "refused", "ended"]);
    assert!(ran.ledger.is_over());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_waited_or_asked_for_stays_on_record() {
    for (at, polls) in [(0.1, 0), (40.0, 1)] {
        let wire = wire(|line, _| if line.starts_with("POST") { Act::ok(ACCEPTED) } else { Act::Silence });
        let ran = cancelled(&wire, TinyTasks, false, &[at]).await;
        let by_machine = machine(TinyTasks, [response(200, ACCEPTED), Input::Cancelled]);
        assert_eq!((charge(&ran.ended), by_machine), (Charge::Unknown, Charge::Unknown));
        let error = ran.ended.unwrap_err();
        assert_eq!(error.outcome().task.as_ref().unwrap().id.as_str(), "job-1");
        assert_eq!((wire.posts(), wire.times("GET").len() >= polls), (1, true));
        assert!(!ran.ledger.is_over() && error.outcome().record.is_some());
        assert_eq!(ran.shelf.names(), [""; 0], "the record is what is left of it, and no metadata");
        // Another process collects it.
        let wire = super::wire(|_, _| Act::ok(DONE));
        let resumed = client(TinyTasks, &wire).resume(error.outcome().record.as_ref().unwrap());
        let outcome = with(resumed, &ran.ledger, &ran.shelf).run().await.unwrap();
        assert_eq!((outcome.images.len(), wire.posts(), ran.ledger.is_over()), (1, 0, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_to_its_end_and_what_came_of_one_that_is_given_up_is_kept() {
    let begun = EVENTS.split_inclusive("\n\n").next().unwrap();
    let wire = wire(move |_, _| Act::Endless(begun.into()));
    let ran = cancelled(&wire, Tiny, true, &[1.0, 2.0]).await;
    let by_machine = machine(Tiny, [head(), frame(), Input::Cancelled, Input::Cancelled]);
    assert_eq!((charge(&ran.ended), by_machine, ran.shelf.images()), (Charge::Yes, Charge::Yes, vec![png()]));

    let wire =
        super::wire(move |_, _| late(3, Act::Response(200, EVENTS.split_inclusive("\n\n").map(Into::into).collect())));
    let ran = cancelled(&wire, Tiny, true, &[1.0]).await;
    assert_eq!((ran.ended.unwrap().images.len(), ran.shelf.images().len()), (2, 2));
}

/// Between the record and the first byte: while a store takes its time, and while a connection is made.
#[tokio::test(start_paused = true)]
async fn what_has_not_left_does_not_leave() {
    let wire = wire(|_, _| Act::Connect(Duration::from_secs(5), Box::new(Act::ok(ONE))));
    let ran = cancelled(&wire, Tiny, false, &[1.0]).await;
    let vetoed = || Input::Vetoed(Error::new(ErrorKind::Cancelled, "cancelled"));
    assert_eq!((charge(&ran.ended), machine(Tiny, [vetoed()]), wire.posts()), (Charge::No, Charge::No, 0));
    assert_eq!(ran.ended.unwrap_err().error().kind(), ErrorKind::Cancelled);
    assert_eq!(ran.ledger.log(), ["intent", "not_sent", "ended"]);
    assert!(ran.ledger.is_over());

    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let job = kept(&client(Tiny, &wire), &ledger, &shelf);
    job.control().cancel();
    let error = job.run().await.unwrap_err();
    assert_eq!((error.error().kind(), ledger.log(), wire.posts()), (ErrorKind::Cancelled, vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_handle_cancels_and_waits_for_the_end() {
    let wire = wire(|_, _| late(5, Act::ok(ONE)));
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let handle = kept(&client(Tiny, &wire), &ledger, &shelf).spawn();
    after(1.0).await;
    assert_eq!((handle.cancel().await.unwrap().images.len(), wire.posts()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn it_is_told_that_a_response_is_waited_for() {
    let wire = wire(|_, _| late(5, Act::ok(ONE)));
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let job = kept(&client(Tiny, &wire), &ledger, &shelf);
    let control = job.control().clone();
    let cancels = async {
        after(1.0).await;
        control.cancel();
    };
    let (events, ()) = futures_util::future::join(job.events().collect::<Vec<_>>(), cancels).await;
    assert_eq!(events.iter().filter(|event| matches!(event, JobEvent::Waiting)).count(), 1, "{events:?}");
    assert!(matches!(events.last(), Some(JobEvent::Ended(ended)) if ended.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_download_is_given_up_at_the_second_time_and_the_record_has_its_url() {
    let wire = Wire::new(|line, _| if line.starts_with("POST") { Act::ok(ONE) } else { Act::Silence });
    let ran = cancelled(&wire, Tiny, false, &[1.0, 2.0]).await;
    let error = ran.ended.unwrap_err();
    assert_eq!((error.error().kind(), error.outcome().charge), (ErrorKind::Cancelled, Charge::Yes));
    assert!(error.outcome().failures[0].url.is_some());
    let answered = ran.ledger.entries().into_iter().any(|entry| matches!(entry, RecordEntry::Answered { .. }));
    assert!(answered);
}

/// The first byte of an attempt leaves within the time that its record gives it, or not at all.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_connects_too_late_is_recorded_as_not_sent_and_tried_again_with_a_new_intent() {
    let wire = wire(|_, number| match number {
        0 => Act::Connect(Duration::from_secs(11), Box::new(Act::ok(ONE))),
        _ => Act::ok(ONE),
    });
    let ledger = Ledger::default().send_before(SendBefore::after(Duration::from_secs(10)));
    let (events, shelf) = (ledger.clone(), Shelf::default());
    let job = kept(&client(Tiny, &wire), &ledger, &shelf);
    let waits = async {
        after(10.1).await;
        // The store gives the next attempt its own time.
        let _ = events.send_before(SendBefore::after(Duration::from_secs(10)));
    };
    let (outcome, ()) = futures_util::future::join(job.run(), waits).await;
    let outcome = outcome.unwrap();
    assert_eq!(ledger.log(), ["intent", "not_sent", "intent", "answered", "image", "ended"]);
    assert_eq!((wire.posts(), ledger.intents().len(), outcome.charge), (1, 2, Charge::Yes));
    let sent = wire.times("POST")[0];
    assert!(sent > Duration::from_secs(10) && sent < Duration::from_secs(11), "{sent:?}");
    assert_eq!(outcome.attempts.len(), 2);
    assert!(outcome.attempts[0].outcome.starts_with("not sent"), "{:?}", outcome.attempts);

    // A store that never gives enough time: all attempts are on record, and none was sent.
    let ledger = Ledger::default().send_before(SendBefore::after(Duration::ZERO));
    let mut policy = Policy::default();
    policy.max_submits = 2;
    let error = kept(&policed(Tiny, &wire, policy), &ledger, &shelf).run().await.unwrap_err();
    assert_eq!((error.error().kind(), error.error().charge(), wire.posts()), (ErrorKind::Timeout, Charge::No, 1));
    assert_eq!(ledger.log(), ["intent", "not_sent", "intent", "not_sent", "ended"]);
    assert!(ledger.is_over());
}

/// A response that always has more until so many images came, whose caller cancels while it is read.
#[derive(Debug)]
struct Torrent {
    control: Control,
    images: usize,
    /// At which images it is cancelled.
    cancels: &'static [usize],
}

#[async_trait]
impl Transport for Torrent {
    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        assert!(request.extensions().get::<Departure>().is_some_and(Departure::leave));
        let (control, cancels) = (self.control.clone(), self.cancels);
        let frames = (0..self.images).map(move |number| {
            if cancels.contains(&number) {
                control.cancel();
            }
            Ok(http_body::Frame::data(Bytes::from_static(b"data: {\"url\":\"https://a.example/0.png\"}\n\n")))
        });
        Ok(http::Response::new(ResponseBody::new(StreamBody::new(futures_util::stream::iter(frames)))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_always_has_more_is_given_up_all_the_same() {
    for (cancels, images, expected) in [(&[3, 5][..], 500, 3..20), (&[3], 50, 50..51)] {
        let control = Control::default();
        let transport = Arc::new(Torrent { control: control.clone(), images, cancels });
        let client = Client::builder(Tiny).transport(transport).seed(1).build().unwrap();
        let outcome = client.job(request().stream(true)).controlled_by(&control).run().await.unwrap();
        assert!(
            expected.contains(&outcome.delivered),
            "{} images were read, cancelled at {cancels:?}",
            outcome.delivered
        );
        assert_eq!(outcome.charge, Charge::Yes);
        let given_up = outcome.warnings.iter().any(|warning| warning.message.contains("cancelled by the caller"));
        assert_eq!(given_up, cancels.len() == 2, "{:?}", outcome.warnings);
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_paid_for_is_said_to_be_waited_for() {
    for (act, at, told) in [(Act::status(429), [0.1, 5.0], 0), (Act::Silence, [1.0, 2.0], 1)] {
        let wire = wire(move |_, _| act.clone());
        let (ledger, shelf) = (Ledger::default(), Shelf::default());
        let job = kept(&client(Tiny, &wire), &ledger, &shelf);
        let control = job.control().clone();
        let cancels = async {
            after(at[0]).await;
            control.cancel();
            after(at[1] - at[0]).await;
            control.cancel();
        };
        let (events, ()) = futures_util::future::join(job.events().collect::<Vec<_>>(), cancels).await;
        assert_eq!(events.iter().filter(|event| matches!(event, JobEvent::Waiting)).count(), told, "{events:?}");
    }
}

/// A store that takes five seconds before it has recorded an attempt.
#[derive(Clone, Debug)]
struct Slow(Ledger);

#[async_trait]
impl JobStore for Slow {
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        after(5.0).await;
        self.0.begin(intent).await
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        self.0.unfinished().await
    }

    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        self.0.open(id).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_its_time_is_not_said_to_be_paid_for() {
    let wire = wire(|_, _| Act::ok(ONE));
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let job = kept(&client(Tiny, &wire), &ledger, &shelf).store(Arc::new(Slow(ledger.clone())));
    let control = job.control().clone();
    let cancels = async {
        after(1.0).await;
        control.cancel();
    };
    let (events, ()) = futures_util::future::join(job.events().collect::<Vec<_>>(), cancels).await;
    let [JobEvent::Ended(ended)] = &events[..] else { panic!("{events:?}") };
    let error = ended.as_ref().as_ref().unwrap_err();
    assert_eq!((error.error().kind(), error.error().charge(), wire.posts()), (ErrorKind::Cancelled, Charge::No, 0));
    assert_eq!((ledger.log(), ledger.is_over()), (vec!["intent", "not_sent", "ended"], true));
}

#[tokio::test(start_paused = true)]
async fn a_control_tells_when_it_is_cancelled() {
    let control = Control::default();
    assert!(control.until_cancelled().now_or_never().is_none() && !control.is_cancelled());
    let (told, ()) = futures_util::future::join(control.until_cancelled().map(|()| control.is_cancelled()), async {
        after(1.0).await;
        control.cancel();
    })
    .await;
    assert!(told && control.until_cancelled().now_or_never().is_some());
}

/// A task that showed an image before it was given up.
#[tokio::test(start_paused = true)]
async fn an_image_that_a_running_task_showed_is_saved_and_charged_and_the_task_stays() {
    let some = DONE.replace("done", "some");
    let wire = wire(move |line, _| if line.starts_with("POST") { Act::ok(ACCEPTED) } else { Act::ok(some.clone()) });
    let ran = cancelled(&wire, TinyTasks, false, &[10.0]).await;
    let outcome = ran.ended.unwrap();
    assert_eq!((outcome.delivered, outcome.charge, ran.shelf.images()), (1, Charge::Yes, vec![png()]));
    let task = outcome.task.as_ref().map(|task| task.id.as_str());
    assert_eq!((task, outcome.error.unwrap().kind, ran.ledger.is_over()), (Some("job-1"), ErrorKind::Cancelled, false));
}
