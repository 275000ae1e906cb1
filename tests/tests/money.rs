//! The money property: under any wire weather a request is bought at most once, nothing that arrived is lost, and an error is never
//! more optimistic about money than the wire was.
//!
//! The model of the wire here knows nothing of the operation: each kind of weather says itself whether it may have been billed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use seedream::adapters::{Ark, Evolink};
use seedream::seedream_core::{Dialect, Encoded, Input, Operation, Policy, Purpose, Response, Then, Timestamp};
use seedream::{Charge, Error, ErrorKind, Event, ImageRequest, Strictness};

/// What one exchange came to.
#[derive(Clone, Debug)]
enum Weather {
    /// No byte of the body left.
    NotSent,
    /// The connection broke after the body had begun to leave, before a response.
    Silence,
    /// A response arrived whole.
    Answer(Answer),
    /// A response was cut off at some byte.
    Cut(Answer, prop::sample::Index),
}

/// A response: status, body, and what it costs.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    body: String,
    bill: Bill,
}

/// What an exchange costs, by the word of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bill {
    /// Nothing.
    Never,
    /// Nobody can know.
    Maybe,
    /// These images.
    Pictures(usize),
    /// A task was accepted.
    Task,
}

impl Weather {
    /// Whether a submit that met this weather may be on the bill.
    fn may_be_billed(&self) -> bool {
        match self {
            Self::NotSent => false,
            Self::Silence => true,
            Self::Answer(raw) | Self::Cut(raw, _) => raw.bill != Bill::Never,
        }
    }

    fn input(&self) -> Input {
        let error = || Error::new(ErrorKind::Transport, "connection lost");
        let response = |raw: &Answer, body: &str| {
            let status = StatusCode::from_u16(raw.status).expect("a status");
            Response::new(status, HeaderMap::new(), Bytes::from(body.to_owned()), Timestamp::UNIX_EPOCH)
        };
        match self {
            Self::NotSent => Input::NotSent(error()),
            Self::Silence => Input::Broken { partial: None, error: error() },
            Self::Answer(raw) => Input::Response(response(raw, &raw.body)),
            Self::Cut(raw, at) => {
                let body = &raw.body[..at.index(raw.body.len() + 1).min(raw.body.len().saturating_sub(1))];
                Input::Broken { partial: Some(response(raw, body)), error: error() }
            }
        }
    }

    /// The images that arrived whole.
    fn pictures(&self) -> usize {
        match self {
            Self::Answer(Answer { bill: Bill::Pictures(count), .. }) => *count,
            Self::Cut(raw @ Answer { bill: Bill::Pictures(_), .. }, at) => {
                let end = at.index(raw.body.len() + 1).min(raw.body.len().saturating_sub(1));
                // A URL has arrived with its closing quote.
                raw.body[..end].matches(".png\"").count()
            }
            _ => 0,
        }
    }
}

fn raw(status: u16, body: impl Into<String>, bill: Bill) -> Answer {
    Answer { status, body: body.into(), bill }
}

fn error_body(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"no","param":"","type":""}}}}"#)
}

/// Answers that any provider of the family can give to a submit.
fn refusals() -> Vec<Answer> {
    let mut all: Vec<_> = [400, 401, 402, 403, 404, 409, 413, 422, 307, 301]
        .map(|status| raw(status, error_body("InvalidParameter"), Bill::Never))
        .into();
    all.extend([
        raw(429, error_body("ModelAccountIpmRateLimitExceeded"), Bill::Never),
        raw(429, error_body("rate_limit_exceeded"), Bill::Never),
        raw(429, "", Bill::Never),
        raw(429, error_body("SetLimitExceeded"), Bill::Never),
        raw(503, error_body("ServerOverloaded"), Bill::Never),
        raw(503, "<html>503</html>", Bill::Maybe),
        raw(500, error_body("InternalServiceError"), Bill::Maybe),
        raw(502, "<html>502</html>", Bill::Maybe),
        raw(504, "", Bill::Maybe),
        raw(408, "", Bill::Maybe),
        raw(499, "", Bill::Maybe),
        raw(200, "", Bill::Maybe),
        raw(200, "<html>sign in</html>", Bill::Maybe),
        raw(200, r#"{"unheard":"of"}"#, Bill::Maybe),
        raw(200, error_body("InternalServiceError"), Bill::Maybe),
        // A code that passes by itself, on a response that leaves open whether the work was done.
        raw(500, error_body("ServerOverloaded"), Bill::Maybe),
        raw(408, error_body("rate_limit_exceeded"), Bill::Maybe),
        raw(200, error_body("ServerOverloaded"), Bill::Maybe),
    ]);
    all
}

fn pictures(count: usize) -> String {
    let items: Vec<_> =
        (0..count).map(|n| format!(r#"{{"size":"2048x2048","url":"https://pictures.example/{n}.png"}}"#)).collect();
    format!(r#"{{"data":[{}],"created":1757469561,"usage":{{"generated_images":{count}}}}}"#, items.join(","))
}

/// Weather for a submit; `good` is what a success looks like.
fn weather(good: impl Strategy<Value = Answer> + 'static) -> impl Strategy<Value = Weather> {
    let any = prop_oneof![3 => prop::sample::select(refusals()), 2 => good].boxed();
    prop_oneof![
        2 => Just(Weather::NotSent),
        1 => Just(Weather::Silence),
        4 => any.clone().prop_map(Weather::Answer),
        2 => (any, any_index()).prop_map(|(raw, at)| Weather::Cut(raw, at)),
    ]
}

fn any_index() -> impl Strategy<Value = prop::sample::Index> {
    any::<prop::sample::Index>()
}

/// How a task is found.
#[derive(Clone, Debug)]
enum Poll {
    Weather(Weather),
    Running,
    Completed(usize),
    Failed,
}

impl Poll {
    fn input(&self) -> Input {
        let ok = |body: String| Weather::Answer(raw(200, body, Bill::Never)).input();
        match self {
            Self::Weather(weather) => weather.input(),
            Self::Running => ok(r#"{"id":"task-unified-1-a","status":"processing","progress":40}"#.into()),
            Self::Completed(count) => {
                let urls: Vec<_> = (0..*count).map(|n| format!(r#""https://pictures.example/{n}.png""#)).collect();
                ok(format!(r#"{{"id":"task-unified-1-a","status":"completed","results":[{}]}}"#, urls.join(",")))
            }
            Self::Failed => {
                ok(r#"{"id":"task-unified-1-a","status":"failed","error":{"code":"service_error","message":"no"}}"#
                    .into())
            }
        }
    }
}

fn poll() -> impl Strategy<Value = Poll> {
    prop_oneof![
        3 => weather(Just(raw(500, "", Bill::Maybe))).prop_map(Poll::Weather),
        3 => Just(Poll::Running),
        1 => (1_usize..4).prop_map(Poll::Completed),
        1 => Just(Poll::Failed),
    ]
}

/// What a run came to, seen from the wire.
struct Run {
    submits: Vec<Weather>,
    polls: Vec<Poll>,
    bodies: Vec<Bytes>,
    told_of_task: bool,
    result: Result<seedream::Generation, Error>,
}

/// Plays weather against an operation, on a clock of our own; when the list is used up it begins again.
fn play(dialect: Arc<dyn Dialect>, policy: Policy, submits: &[Weather], polls: &[Poll], seed: u64) -> Run {
    let request = ImageRequest::new(&dialect.descriptor().default_model, "3 images of a lighthouse").count(3);
    let checked = dialect.capabilities(&request.model).check(&request, Strictness::Strict).expect("a legal request");
    let prepared = Encoded::new(&*dialect, checked).expect("an encoded request");
    let mut operation = Operation::submit(dialect, prepared, "https://api.example", policy, seed);
    if seed % 2 == 1 {
        // Whatever there is to fall back to, nothing is bought twice.
        operation = operation.with_mirrors(["https://mirror.example".to_owned()]);
    }
    let mut run = Run {
        submits: Vec::new(),
        polls: Vec::new(),
        bodies: Vec::new(),
        told_of_task: false,
        result: Err(Error::new(ErrorKind::Config, "not over")),
    };
    let (mut input, mut now) = (Input::Begin, Duration::ZERO);
    for _ in 0..10_000 {
        let step = operation.on(input, now);
        run.told_of_task |= step.events.iter().any(|event| matches!(event, Event::Submitted(_)));
        input = match step.then {
            Then::Send(exchange) if exchange.purpose == Purpose::Submit => {
                let weather = submits[run.submits.len() % submits.len()].clone();
                run.bodies.push(exchange.request.into_body());
                run.submits.push(weather.clone());
                weather.input()
            }
            Then::Send(_) => {
                let poll = polls[run.polls.len() % polls.len()].clone();
                run.polls.push(poll.clone());
                poll.input()
            }
            Then::WaitUntil(until) => {
                assert!(until > now, "time goes forward");
                now = until;
                Input::Woke
            }
            Then::ReadUntil(_) => Input::StreamEnd,
            Then::Read | Then::Continue => panic!("nothing here is a stream, or cancelled"),
            Then::Done(result) => {
                run.result = *result;
                return run;
            }
        };
    }
    panic!("the operation does not end");
}

/// What must hold of any run.
fn holds(run: &Run) -> Result<(), TestCaseError> {
    let billed = run.submits.iter().filter(|weather| weather.may_be_billed()).count();
    prop_assert!(billed <= 1, "{billed} submits may be on the bill: {:?}", run.submits);
    prop_assert!(run.bodies.windows(2).all(|pair| pair[0] == pair[1]), "the same request is sent again, byte for byte");
    let arrived = run.submits.iter().map(Weather::pictures).max().unwrap_or(0);
    let arrived = match run.polls.last() {
        Some(Poll::Completed(count)) => *count,
        _ => arrived,
    };
    let free = matches!(run.polls.last(), Some(Poll::Failed));
    match &run.result {
        Ok(generation) => prop_assert!(generation.images().count() >= arrived, "{arrived} pictures had arrived"),
        Err(error) => {
            prop_assert_eq!(arrived, 0, "pictures were lost: {}", error);
            if billed > 0 && !free {
                prop_assert!(error.charge() >= Charge::Unknown, "{:?} is called free: {}", run.submits, error);
            }
            if run.told_of_task && !free {
                prop_assert!(error.task().is_some(), "the task is lost: {error}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_synchronous_request_is_bought_at_most_once(
        submits in prop::collection::vec(
            weather((1_usize..4).prop_map(|count| raw(200, pictures(count), Bill::Pictures(count)))), 1..6),
        seed in any::<u64>(),
    ) {
        holds(&play(Arc::new(Ark), Policy::default(), &submits, &[Poll::Running], seed))?;
    }

    #[test]
    fn a_task_is_bought_at_most_once_and_never_lost(
        submits in prop::collection::vec(
            weather(Just(raw(200, r#"{"id":"task-unified-1-a","status":"pending","task_info":{"estimated_time":45}}"#, Bill::Task))),
            1..6),
        polls in prop::collection::vec(poll(), 1..12),
        seed in any::<u64>(),
    ) {
        holds(&play(Arc::new(Evolink), Policy::default(), &submits, &polls, seed))?;
    }
}

/// The property has teeth: a policy that sends ambiguous requests again buys twice, and that is seen.
#[test]
fn the_property_sees_a_second_purchase() {
    let mut policy = Policy::default();
    policy.resend_ambiguous = true;
    let bought_twice = play(Arc::new(Ark), policy, &[Weather::Silence], &[Poll::Running], 7);
    assert!(bought_twice.submits.len() > 1);
    assert!(holds(&bought_twice).is_err());
}
