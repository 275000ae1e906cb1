//! A small test provider, scripted inputs and a manual clock.

mod cancelling;
mod inputs;
mod records;
mod streams;
mod submits;
mod tasks;
mod words_dialect;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    Blobs, Charge, Dialect, Encoded, Error, ErrorKind, Event, Generation, ImageRequest, Response, Result, Strictness,
    Task, TaskId, Timestamp, WarningKind, sse::Frame,
};
pub(crate) use words_dialect::Words;

const HOME: &str = "https://words.example";

fn of(words: Words, request: &ImageRequest, policy: Policy) -> Operation {
    let checked = words.capabilities(&request.model).check(request, Strictness::Strict).unwrap();
    let prepared = Encoded::new(&words, checked).unwrap();
    Operation::submit(Arc::new(words), prepared, HOME, policy, 7)
}

fn submit(policy: Policy) -> Operation {
    of(Words::ALL, &ImageRequest::new("m", "p"), policy)
}

fn resume() -> Operation {
    let task = Task::new("words", HOME, TaskId::new("t-1").unwrap(), "m".into());
    Operation::resume(Arc::new(Words::ALL), task, Policy::default(), 1).unwrap()
}

fn made(status: u16, body: &'static str) -> Response {
    Response::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body, Timestamp::UNIX_EPOCH)
}

fn response(status: u16, body: &'static str) -> Input {
    Input::Response(made(status, body))
}

fn with_header(input: Input, name: &'static str, value: &'static str) -> Input {
    let Input::Response(mut response) = input else { panic!("a response") };
    response.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    Input::Response(response)
}

fn head() -> Input {
    Input::Head(made(200, ""))
}

fn frame(data: &str) -> Input {
    Input::Frame(Frame { event: None, data: data.to_owned() }, Blobs::default())
}

fn broken(partial: Option<Response>) -> Input {
    Input::Broken { partial, error: Error::new(ErrorKind::Transport, "connection reset") }
}

fn not_sent() -> Input {
    Input::NotSent(Error::new(ErrorKind::Transport, "connection refused"))
}

/// The store cannot record the attempt before it is sent.
fn vetoed() -> Input {
    Input::Vetoed(Error::new(ErrorKind::Storage, "the disk is full"))
}

/// An operation after these inputs, all at time zero, and its last step.
fn after(mut operation: Operation, inputs: impl IntoIterator<Item = Input>) -> (Operation, Then) {
    let step = inputs.into_iter().map(|input| operation.on(input, Duration::ZERO)).last().expect("an input");
    (operation, step.then)
}

fn ended(then: Then) -> Result<Generation> {
    match then {
        Then::Done(result) => *result,
        other => panic!("it goes on: {other:?}"),
    }
}

/// The result of a run.
struct Run {
    submits: usize,
    polls: usize,
    /// The endpoint of each request.
    places: Vec<usize>,
    events: Vec<Event>,
    result: Result<Generation>,
    took: Duration,
}

/// Plays inputs against an operation; waits end at once.
fn play(mut operation: Operation, inputs: impl IntoIterator<Item = Input>) -> Run {
    let mut inputs = inputs.into_iter();
    let (mut submits, mut polls, mut places) = (0, 0, Vec::new());
    let (mut events, mut now) = (Vec::new(), Duration::ZERO);
    let mut input = Input::Begin;
    loop {
        let step = operation.on(input, now);
        events.extend(step.events);
        input = match step.then {
            Then::Send(exchange) => {
                match exchange.purpose {
                    Purpose::Submit => submits += 1,
                    Purpose::Poll => polls += 1,
                }
                places.push(exchange.place);
                assert!(exchange.until > now);
                inputs.next().expect("a response to every request")
            }
            Then::WaitUntil(until) => {
                assert!(until > now, "a wait goes forward");
                now = until;
                Input::Woke
            }
            Then::Read => inputs.next().expect("more of the stream"),
            Then::ReadUntil(until) => inputs.next().unwrap_or_else(|| {
                now = until;
                Input::Woke
            }),
            Then::Continue => panic!("nothing was cancelled"),
            Then::Done(result) => return Run { submits, polls, places, events, result: *result, took: now },
        };
    }
}
