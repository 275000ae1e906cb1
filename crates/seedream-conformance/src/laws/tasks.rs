//! A task is collected in whatever way it ends, asked for gently, and by another process too; whatever goes wrong on the way, it is
//! not lost.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;
use seedream_client::{Client, JobError, ResponseBody, Transport, TransportError};
use seedream_core::{Charge, Error, ErrorKind, Exchange as Sent, Input, Purpose, Response, Strictness, Task};
use seedream_fixtures::{OperationKind, RecordedExchange, ResponseMode};
use serde_json::Value;

use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    fixture::documented_response::{DocumentedCharge, DocumentedResponse, broken, made_up},
    fixture::json_leaves::leaves,
    fixture::task_id_in_response,
    harness::difference::Differences,
    harness::{
        simulation::{SimulatedRun, Simulation},
        task_fixtures::TaskFixtures,
    },
};

/// What a check finds in an adapter, given what its provider's tasks look like.
type TaskCheck = fn(&Subject, &TaskFixtures) -> Result<(), CaseFailure>;

/// The ways of a task that no single response shows.
const WAYS: [(&str, TaskCheck); 9] = [
    ("stuck", stuck),
    ("flapping", flapping),
    ("gentle", gentle),
    ("patient", patient),
    ("cancelled", cancelled),
    ("another-process", another_process),
    ("another-provider", another_provider),
    ("hostile-ids", hostile_ids),
    ("cut-acceptance", cut_acceptance),
];

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    if !subject.provider().is_some_and(|provider| provider.mode == ResponseMode::Task) {
        return vec![Case::skipped(Law::Tasks, subject, "the document knows no tasks: a response has the images")];
    }
    let way = |(name, check): (&str, TaskCheck)| {
        let judged = subject.clone();
        let id = format!("{}/{name}", subject.id());
        Case::new(Law::Tasks, id, None, move || check(&judged, &TaskFixtures::of(&judged)?))
    };
    let end = |case: &'static RecordedExchange| {
        let judged = subject.clone();
        Case::of(Law::Tasks, subject, case, move || ends_as_shown(&judged, case))
    };
    let polled = |case: &&'static RecordedExchange| {
        case.operation == OperationKind::Poll && case.response.is_some() && case.expect.is_some()
    };
    WAYS.into_iter().map(way).chain(subject.exchanges().filter(polled).map(end)).collect()
}

/// The task is kept, as something that may be billed.
fn kept(d: &mut Differences, kind: ErrorKind, run: &SimulatedRun) {
    let seen = run.result.as_ref().err();
    d.same("ended as", &Some(kind), &seen.map(Error::kind));
    d.same("charge", &Some(Charge::Unknown), &seen.map(Error::charge));
    d.holds(seen.is_some_and(|error| error.task().is_some()), || "the task is lost".to_owned());
}

/// How often a task is asked for that runs, before the response in question: providers may need a moment until they know a new task
/// everywhere, and an adapter may give them that.
const RUNNING: usize = 4;

/// A response to a poll, between some that say it runs and one that has the images.
fn ends_as_shown(subject: &Subject, case: &'static RecordedExchange) -> Result<(), CaseFailure> {
    let shown = TaskFixtures::of(subject)?;
    let Some(documented) = DocumentedResponse::of(case)? else { return Ok(()) };
    let run = shown.run(subject, |poll, _| match poll {
        ..RUNNING => shown.running.whole(),
        RUNNING => documented.whole(),
        _ => shown.done.whole(),
    })?;
    let mut d = Differences::default();
    let error = case.expect.as_ref().and_then(|expect| expect.error.as_ref());
    let (status, polls) = (documented.response.status, run.polls.len());
    match (documented.charge, error) {
        (DocumentedCharge::Images(count), _) => {
            let seen = run.result.as_ref().map(|generation| generation.images().count());
            d.same("images", &Ok(count), &seen.map_err(ToString::to_string));
        }
        (DocumentedCharge::Task, _) => shown.collected(&mut d, &run),
        // The poll failed and not the task: it is asked for again.
        (_, Some(_)) if status == 429 || status.is_server_error() => {
            shown.collected(&mut d, &run);
            d.same("polls", &(RUNNING + 2), &polls);
        }
        (_, Some(expected)) => {
            let seen = run.result.as_ref().err();
            let kind = expected.kind.as_deref();
            d.stated("error.kind", kind.as_ref(), seen.map(|e| e.kind().as_str()).as_ref());
            d.stated("error.code", expected.code.as_deref().as_ref(), seen.and_then(Error::code).as_ref());
            let free = status.is_success() && expected.charge.as_deref() == Some("no");
            let charge = if free { Charge::No } else { Charge::Unknown };
            d.same("charge", &Some(charge), &seen.map(Error::charge));
            let held = seen.is_some_and(|error| error.task().is_some());
            d.holds(held || free, || "the task may be billed, and is lost".to_owned());
            d.same("polls", &(RUNNING + 1), &polls);
        }
        (_, None) => {}
    }
    d.into_result()
}

/// A task that never ends is given up at the deadline, and kept.
fn stuck(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let run = shown.run(subject, |_, _| shown.running.whole())?;
    let mut d = Differences::default();
    kept(&mut d, ErrorKind::Timeout, &run);
    let (polls, ended) = (run.polls.len(), run.ended);
    d.holds(polls <= 100, || format!("a task that is stuck was asked for {polls} times"));
    d.holds(ended <= Duration::from_secs(660), || format!("given up only after {ended:?}"));
    d.into_result()
}

/// Polls that fail in every way do not end a task.
fn flapping(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let run = shown.run(subject, |poll, _| match poll {
        0 | 6 => shown.running.whole(),
        1 => vec![Input::Response(made_up(502, "text/html", "<html>502</html>"))],
        2 => vec![broken(None)],
        3 => vec![Input::NotSent(Error::new(ErrorKind::Transport, "connection refused"))],
        4 => vec![Input::Response(made_up(200, "application/json", ""))],
        5 => shown.done.cut(shown.done.response.body.len() / 3),
        7 => vec![Input::Response(made_up(429, "application/json", ""))],
        _ => shown.done.whole(),
    })?;
    let mut d = Differences::default();
    shown.collected(&mut d, &run);
    d.same("polls", &9, &run.polls.len());
    d.into_result()
}

/// How long the gentle task takes.
const TASK: Duration = Duration::from_secs(45);

/// How often it is polled at most, and how long after its end it is collected at the latest.
const POLLS: usize = 12;
const LATE: Duration = Duration::from_secs(20);

/// A task of 45 s is polled at most twelve times and collected soon, whatever estimate the provider gives; an estimate that the
/// provider does not give is not invented.
fn gentle(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let run = shown.run(subject, |_, now| if now < TASK { shown.running.whole() } else { shown.done.whole() })?;
    let mut d = Differences::default();
    shown.collected(&mut d, &run);
    let (polls, ended) = (run.polls.len(), run.ended);
    let estimate = run.task().and_then(|task| task.estimated_seconds);
    let pace = || match estimate {
        Some(seconds) => {
            format!(
                "the pace is that of the client (`Pace` of seedream-core) for the estimate of {seconds} s that the adapter read"
            )
        }
        None => "the pace is that of the client (`Pace` of seedream-core), for the adapter read no estimate".to_owned(),
    };
    d.holds(polls <= POLLS, || {
        format!("a task of 45 s was polled {polls} times, at most {POLLS} are allowed; {}", pace())
    });
    let latest = TASK + LATE;
    d.holds(ended <= latest, || format!("collected after {ended:?}, at most {latest:?} are allowed; {}", pace()));
    let body: Value = serde_json::from_slice(&shown.created.response.body).unwrap_or_default();
    let stated = estimate.is_none_or(|seconds| states_number(&body, seconds));
    d.holds(stated, || {
        format!(
            "the adapter reads an estimate of {} s, which the response does not state",
            estimate.unwrap_or_default()
        )
    });
    d.into_result()
}

/// Whether a number stands anywhere in a body, as a number or a text.
fn states_number(body: &Value, number: u32) -> bool {
    leaves(body).iter().filter_map(|at| body.pointer(at)).any(|leaf| {
        let text = leaf.as_str().and_then(|text| text.trim().parse::<f64>().ok());
        leaf.as_f64().or(text).is_some_and(|stated| (stated - f64::from(number)).abs() < 1.0)
    })
}

/// A provider that asks to wait half a minute is not polled earlier.
fn patient(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let wait = Duration::from_secs(30);
    let mut slow_down = made_up(429, "application/json", "");
    slow_down.headers.insert(http::header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    let slow_down = |poll| if poll == 1 { vec![Input::Response(slow_down.clone())] } else { shown.running.whole() };
    let run = shown.run(subject, |poll, _| if poll < 3 { slow_down(poll) } else { shown.done.whole() })?;
    let mut d = Differences::default();
    shown.collected(&mut d, &run);
    let waited = run.polls.get(2).zip(run.polls.get(1)).map(|(after, before)| after.0.saturating_sub(before.0));
    d.holds(waited >= Some(wait), || format!("asked to wait {wait:?}, waited {waited:?}"));
    d.into_result()
}

/// When the caller cancels.
const PATIENCE: Duration = Duration::from_secs(10);

/// A caller that cancels keeps the task: by the operation alone, and by a job of the client, which is what programs cancel.
fn cancelled(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let simulation = shown.submit(subject)?.cancelled_at(PATIENCE);
    let run = simulation.against(|sent, _| response_to(shown, sent, &shown.running))?;
    let mut d = Differences::default();
    kept(&mut d, ErrorKind::Cancelled, &run);
    let error = cancelled_job(subject, shown)?;
    d.same("the job ended as", &ErrorKind::Cancelled, &error.error().kind());
    d.same("charge of the job", &Charge::Unknown, &error.outcome().charge);
    let task = error.outcome().task.as_ref();
    d.same("task of the job", &run.task().map(|task| &task.id), &task.map(|task| &task.id));
    d.into_result()
}

/// What a job ends with that is cancelled while its task runs.
fn cancelled_job(subject: &Subject, shown: &TaskFixtures) -> Result<JobError, CaseFailure> {
    let harness = |what: &str, error: &dyn std::fmt::Display| CaseFailure::harness(format!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| harness("no runtime", &error))?;
    let request = convert_exchange::checked(&**subject.dialect(), shown.created.exchange)?.request().clone();
    let (driver, dialect) = (subject.hooks(), subject.dialect());
    let accepts =
        AcceptingTransport { created: shown.created.response.clone(), running: shown.running.response.clone() };
    let client = Client::builder(dialect.clone())
        .base_url(&*dialect.descriptor().base_urls[0])
        .key("a-key")
        .strictness(Strictness::Off)
        .transport((driver.transport)(Arc::new(accepts)))
        .build()
        .map_err(|error| harness("no client", &error))?;
    runtime.block_on(async {
        let running = client.job(request).spawn();
        tokio::time::sleep(PATIENCE).await;
        match running.cancel().await {
            Err(error) => Ok(error),
            Ok(_) => Err(CaseFailure::new("a job that was cancelled brought images of a task that runs")),
        }
    })
}

/// AcceptingTransport a task that runs for ever.
#[derive(Debug)]
struct AcceptingTransport {
    created: Response,
    running: Response,
}

#[async_trait]
impl Transport for AcceptingTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let response = if request.method() == http::Method::POST { &self.created } else { &self.running };
        let body = ResponseBody::from(response.body.clone());
        let mut recorded = http::Response::new(body);
        (*recorded.status_mut(), *recorded.headers_mut()) = (response.status, response.headers.clone());
        Ok(recorded)
    }
}

fn response_to(shown: &TaskFixtures, sent: &Sent, poll: &DocumentedResponse) -> Vec<Input> {
    match sent.purpose {
        Purpose::Submit => shown.created.whole(),
        Purpose::Poll => poll.whole(),
    }
}

/// What the caller was told of is enough to collect it elsewhere, and nothing is bought there.
fn another_process(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let told = shown.run(subject, |_, _| shown.done.whole())?;
    let Some(task) = told.task() else { return Err(CaseFailure::new("no event says that a task was accepted")) };
    let broken = |error: serde_json::Error| CaseFailure::new(format!("the task cannot be stored: {error}"));
    let stored = serde_json::to_string(task).map_err(broken)?;
    let restored: Task = serde_json::from_str(&stored).map_err(broken)?;
    let resumed =
        Simulation::resume(subject, restored, 0).map_err(|error| CaseFailure::new(format!("refused: {error}")))?;
    let run = resumed
        .against(|_, now| if now < Duration::from_secs(5) { shown.running.whole() } else { shown.done.whole() })?;
    let mut d = Differences::default();
    let seen = |run: &SimulatedRun| run.result.as_ref().map(|g| g.outcomes.clone()).map_err(ToString::to_string);
    d.same("outcomes", &seen(&told), &seen(&run));
    d.same("submits", &0, &run.submits.len());
    let paths = |run: &SimulatedRun| run.polls.first().map(|(_, path)| path.clone());
    d.same("asked for at", &paths(&told), &paths(&run));
    d.into_result()
}

/// A task of another provider is refused without a request.
fn another_provider(subject: &Subject, _shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let mut task = convert_exchange::task(&**subject.dialect())?;
    task.provider = "another".into();
    let kind = Simulation::resume(subject, task, 0).err().map(|error| error.kind());
    let mut d = Differences::default();
    d.same("refused as", &Some(ErrorKind::Config), &kind);
    d.into_result()
}

/// Ids that would leave their path.
const HOSTILE: [&str; 9] =
    ["", "..", "../../v1/credits", "a/b", "a?b=c", "a#b", "a b", "%2e%2e%2f", "https://elsewhere.example/"];

/// An id that could leave its path is never polled, and the error still says that a task was accepted.
fn hostile_ids(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let long = "x".repeat(5000);
    for id in HOSTILE.into_iter().chain([long.as_str()]) {
        let response = named(shown, id)?;
        let simulation = shown.submit(subject)?;
        let run = simulation.against(|sent, _| match sent.purpose {
            Purpose::Submit => vec![Input::Response(response.clone())],
            Purpose::Poll => shown.done.whole(),
        })?;
        let name = id.chars().take(30).collect::<String>();
        d.same(&format!("`{name}`: polls"), &Vec::new(), &run.polls);
        let error = run.result.as_ref().err();
        d.same(&format!("`{name}`: charge"), &Some(Charge::Unknown), &error.map(Error::charge));
        let kept = error.and_then(Error::body).is_some_and(|body| *body == response.body);
        d.holds(kept, || format!("`{name}`: the response is not kept"));
    }
    d.into_result()
}

/// The acceptance of a task that has another id.
fn named(shown: &TaskFixtures, id: &str) -> Result<Response, CaseFailure> {
    let renamed = task_id_in_response::renamed(&shown.created.response, shown.id(), id);
    renamed.ok_or_else(|| CaseFailure::harness("the created task's id is nowhere in its response"))
}

/// An acceptance that is cut off after the id is collected; cut off before it, nothing is bought again.
fn cut_acceptance(subject: &Subject, shown: &TaskFixtures) -> Result<(), CaseFailure> {
    let (response, id) = (&shown.created.response, shown.id());
    let mut d = Differences::default();
    for at in (0..response.body.len()).step_by(3) {
        let (must, may) =
            (task_id_in_response::must_be_known(response, id, at), task_id_in_response::may_be_known(response, id, at));
        let simulation = shown.submit(subject)?;
        let run = simulation.against(|sent, _| match sent.purpose {
            Purpose::Submit => shown.created.cut(at),
            Purpose::Poll => shown.done.whole(),
        })?;
        let collected = run.result.is_ok();
        d.holds(if collected { may } else { !must }, || {
            format!("cut at byte {at}: collected {collected}, the id had arrived {must}")
        });
        d.same(&format!("cut at byte {at}: submits"), &1, &run.submits.len());
        let charge = run.result.as_ref().err().map_or(Charge::Yes, Error::charge);
        d.holds(charge >= Charge::Unknown, || format!("cut at byte {at}: called free"));
    }
    d.into_result()
}
