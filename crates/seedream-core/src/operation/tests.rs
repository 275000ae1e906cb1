use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::*;
use crate::{
    Acceptance, Capabilities, Descriptor, Effective, Event, Family, GeneratedImage, Generation, ImageData,
    ImageRequest, ImagesRule, ModelEntry, ModelId, Outcome, PixelRule, Reply, SizeRule, Source, Strictness,
    TaskDialect, TaskId, TaskState, Timestamp, WarningKind,
};

/// A provider whose answers are words: `pictures 2`, `task t-1`, `rate_limited`, `wait 40`, `failed`.
#[derive(Debug)]
struct Words;

static DESCRIPTOR: Descriptor = Descriptor {
    id: "words",
    name: "words",
    document: "test",
    pages: &[],
    base_urls: &["https://words.example"],
    key_variables: &[],
    key_optional: false,
    base_url_variables: &[],
    default_model: "m",
    models: &[ModelEntry {
        id: "m",
        family: Family::Seedream4,
        aliases: &[],
        source: Source::documented("test", "models"),
    }],
};

fn pictures(model: &ModelId, count: &str) -> Generation {
    let mut generation = Generation::new(model.clone());
    let image = |index| GeneratedImage::new(index, ImageData::Bytes(Bytes::from_static(b"x")));
    generation.outcomes = (0..count.parse().unwrap()).map(|index| Ok(image(index))).collect();
    generation
}

fn understood(reply: &Reply) -> Error {
    let kind = match std::str::from_utf8(&reply.body).unwrap() {
        "rate_limited" => ErrorKind::RateLimited,
        "overloaded" => ErrorKind::Overloaded,
        "quota" => ErrorKind::QuotaExhausted,
        _ if reply.status.is_success() => ErrorKind::MalformedResponse,
        _ => ErrorKind::Server,
    };
    Error::from_reply(kind, "refused", reply).with_charge(Charge::No)
}

impl Dialect for Words {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let source = Source::documented("test", "all");
        let size = SizeRule::only_pixels(PixelRule::new(1, 100, 2), "1x1", source.clone());
        let mut rules = Capabilities::new(&DESCRIPTOR, DESCRIPTOR.resolve(model), size, (&[], source.clone()));
        rules.images = ImagesRule::up_to(15, source);
        rules
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        Ok(http::Request::post("/make").body(request.request().prompt.clone().into()).unwrap())
    }

    fn decode(&self, request: &Checked, reply: &Reply) -> Result<Outcome> {
        let text = std::str::from_utf8(&reply.body).unwrap();
        match text.split_once(' ') {
            Some(("pictures", count)) if reply.status.is_success() => {
                pictures(request.model(), count).or_no_images().map(Outcome::Done)
            }
            Some(("task", id)) if reply.status.is_success() => {
                Ok(Outcome::Accepted(Acceptance::new(TaskId::new(id).unwrap())))
            }
            // What an adapter says is not believed where the wire says otherwise.
            _ => Err(understood(reply)),
        }
    }

    fn effective(&self, request: &Checked) -> Effective {
        Effective { body: serde_json::Map::new(), max_images: request.ceiling() }
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        Some(self)
    }
}

impl TaskDialect for Words {
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>> {
        Ok(http::Request::get(format!("/tasks/{}", task.id)).body(Bytes::new()).unwrap())
    }

    fn decode_poll(&self, task: &Task, reply: &Reply) -> Result<TaskState> {
        if !reply.status.is_success() {
            return Err(understood(reply));
        }
        let text = std::str::from_utf8(&reply.body).unwrap();
        Ok(match text.split_once(' ') {
            Some(("pictures", count)) => TaskState::Done(pictures(&task.model, count)),
            Some(("wait", progress)) => TaskState::running("processing", progress.parse().ok()),
            _ => TaskState::Failed(Error::new(ErrorKind::TaskFailed, "it failed")),
        })
    }
}

fn submit(policy: Policy) -> Operation {
    let request = ImageRequest::new("m", "p");
    let checked = Words.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
    Operation::submit(Arc::new(Words), checked, "https://words.example", policy, 7)
}

fn reply(status: u16, body: &'static str) -> Input {
    Input::Reply(Reply::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body, Timestamp::UNIX_EPOCH))
}

fn with_header(input: Input, name: &'static str, value: &'static str) -> Input {
    let Input::Reply(mut reply) = input else { panic!("a reply") };
    reply.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    Input::Reply(reply)
}

fn broken(partial: Option<Input>) -> Input {
    let partial = partial.map(|input| match input {
        Input::Reply(reply) => reply,
        _ => panic!("a reply"),
    });
    Input::Broken { partial, error: Error::new(ErrorKind::Transport, "connection reset") }
}

fn not_sent() -> Input {
    Input::NotSent(Error::new(ErrorKind::Transport, "connection refused"))
}

/// What a whole run came to.
struct Run {
    submits: usize,
    polls: usize,
    events: Vec<Event>,
    result: Result<Generation>,
    took: Duration,
}

/// Plays inputs against an operation; waits end at once, on a clock of our own.
fn play(mut operation: Operation, inputs: impl IntoIterator<Item = Input>) -> Run {
    let mut inputs = inputs.into_iter();
    let (mut submits, mut polls, mut events, mut now) = (0, 0, Vec::new(), Duration::ZERO);
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
                assert!(exchange.until > now);
                inputs.next().expect("an answer to every request")
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
            Then::Done(result) => return Run { submits, polls, events, result: *result, took: now },
        };
    }
}

#[test]
fn a_refusal_that_passes_is_sent_again_and_everything_else_is_not() {
    for (first, submits, charge) in [
        (reply(429, "rate_limited"), 3, Charge::No),
        (reply(503, "overloaded"), 3, Charge::No),
        (not_sent(), 3, Charge::No),
        (Input::NotSent(Error::new(ErrorKind::Config, "no certificates")), 1, Charge::No),
        (reply(429, "quota"), 1, Charge::No),
        (reply(400, "bad"), 1, Charge::No),
        // A code that passes by itself, on an answer that the table calls final.
        (reply(400, "overloaded"), 1, Charge::No),
        (reply(403, "rate_limited"), 1, Charge::No),
        (reply(307, "moved"), 1, Charge::No),
        // The adapter claims that these cost nothing; the status says otherwise.
        (reply(408, "slow"), 1, Charge::Unknown),
        (reply(499, "gone"), 1, Charge::Unknown),
        (reply(500, "rate_limited"), 1, Charge::Unknown),
        (reply(502, "bad gateway"), 1, Charge::Unknown),
        (reply(200, "not to be read"), 1, Charge::Unknown),
        (broken(None), 1, Charge::Unknown),
        (broken(Some(reply(200, "nothing"))), 1, Charge::Unknown),
        (broken(Some(reply(400, "bad"))), 1, Charge::No),
        (with_header(reply(429, "rate_limited"), "x-should-retry", "false"), 1, Charge::No),
    ] {
        let shown = format!("{first:?}");
        let again = || [reply(429, "rate_limited"), reply(429, "rate_limited")];
        let run = play(submit(Policy::default()), std::iter::once(first).chain(again()));
        let error = run.result.unwrap_err();
        assert_eq!((run.submits, error.charge()), (submits, charge), "{shown}: {error}");
        assert_eq!((error.attempts().len(), error.provider()), (submits, Some("words")));
    }
}

#[test]
fn what_arrived_before_a_cut_is_kept_and_not_bought_again() {
    let run = play(submit(Policy::default()), [broken(Some(reply(200, "pictures 2")))]);
    let generation = run.result.unwrap();
    assert_eq!((run.submits, generation.images().count()), (1, 2));
    assert_eq!(generation.warnings[0].kind, WarningKind::Incomplete);
    assert_eq!(run.events.len(), 2, "each picture is told");
}

#[test]
fn an_acceptance_that_was_cut_is_still_an_acceptance() {
    let run = play(submit(Policy::default()), [broken(Some(reply(200, "task t-1"))), reply(200, "pictures 1")]);
    assert_eq!((run.submits, run.polls), (1, 1));
    assert!(run.result.is_ok());
}

#[test]
fn retry_after_is_waited_for_if_the_deadline_allows() {
    let wait = |seconds| with_header(reply(429, "rate_limited"), "retry-after", seconds);
    let run = play(submit(Policy::default()), [wait("7"), reply(200, "pictures 1")]);
    assert_eq!((run.submits, run.took), (2, Duration::from_secs(7)));
    let run = play(submit(Policy::default()), [wait("700")]);
    let error = run.result.unwrap_err();
    assert_eq!((run.submits, error.retry_after()), (1, Some(Duration::from_secs(700))));
    assert!(error.is_safe_to_retry());
}

#[test]
fn an_ambiguous_submit_is_only_sent_again_where_that_is_asked_for() {
    let policy = Policy { resend_ambiguous: true, ..Policy::default() };
    let run = play(submit(policy.clone()), [broken(None), reply(200, "pictures 1")]);
    assert_eq!(run.submits, 2);
    // What comes after it does not make the lost one free.
    for last in [not_sent(), reply(400, "bad")] {
        let run = play(submit(policy.clone()), [broken(None), last, not_sent()]);
        assert_eq!(run.result.unwrap_err().charge(), Charge::Unknown);
    }
}

#[test]
fn whatever_happens_to_polls_the_task_is_submitted_once() {
    let polls = [
        reply(200, "wait 10"),
        not_sent(),
        broken(None),
        reply(500, "bad"),
        reply(429, "rate_limited"),
        reply(200, "wait 60"),
        reply(200, "pictures 3"),
    ];
    let run = play(submit(Policy::default()), std::iter::once(reply(200, "task t-1")).chain(polls));
    assert_eq!((run.submits, run.polls), (1, 7));
    assert_eq!(run.result.unwrap().images().count(), 3);
    assert!(matches!(&run.events[0], Event::Submitted(task) if task.id.as_str() == "t-1"));
}

#[test]
fn a_deadline_and_a_final_refusal_of_a_poll_keep_the_task() {
    let forever = std::iter::repeat_with(|| reply(200, "wait 1"));
    let run = play(submit(Policy::default()), std::iter::once(reply(200, "task t-1")).chain(forever));
    let error = run.result.unwrap_err();
    assert_eq!((error.kind(), error.charge(), run.took.as_secs()), (ErrorKind::Timeout, Charge::Unknown, 600));
    assert_eq!(error.task().unwrap().endpoint, "https://words.example");
    assert!(error.message().ends_with("the last poll said: it is processing"), "{error}");
    assert!(!error.is_safe_to_retry());

    // Right after acceptance it may not be known everywhere yet.
    let answers = [reply(200, "task t-1"), reply(404, "where?"), reply(200, "pictures 1")];
    assert!(play(submit(Policy::default()), answers).result.is_ok());
    let gone = std::iter::repeat_with(|| reply(404, "gone"));
    let run = play(submit(Policy::default()), std::iter::once(reply(200, "task t-1")).chain(gone));
    assert_eq!(run.polls, 4);
    let error = run.result.unwrap_err();
    assert_eq!((error.charge(), error.task().is_some()), (Charge::Unknown, true));
}

#[test]
fn a_resumed_task_is_asked_for_at_once_and_never_submitted() {
    let task = Task::new("words", "https://words.example", TaskId::new("t-1").unwrap(), "m".into());
    let operation = Operation::resume(Arc::new(Words), task.clone(), Policy::default(), 1).unwrap();
    let run = play(operation, [reply(200, "pictures 1")]);
    assert_eq!((run.submits, run.polls, run.took), (0, 1, Duration::ZERO));

    let foreign = Task { provider: "others".into(), ..task };
    let error = Operation::resume(Arc::new(Words), foreign, Policy::default(), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn cancelling_says_what_may_have_been_paid() {
    for (before, charge, keeps_task) in [
        (vec![], Charge::No, false),
        (vec![reply(200, "task t-1")], Charge::Unknown, true),
        (vec![reply(429, "rate_limited")], Charge::No, false),
    ] {
        let mut operation = submit(Policy::default());
        if !before.is_empty() {
            operation.on(Input::Begin, Duration::ZERO);
        }
        for input in before {
            operation.on(input, Duration::ZERO);
        }
        let Then::Done(result) = operation.on(Input::Cancelled, Duration::ZERO).then else { panic!("over") };
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.charge(), error.task().is_some()), (ErrorKind::Cancelled, charge, keeps_task));
    }
    let mut operation = submit(Policy::default());
    operation.on(Input::Begin, Duration::ZERO);
    let Then::Done(result) = operation.on(Input::Cancelled, Duration::ZERO).then else { panic!("over") };
    assert_eq!(result.unwrap_err().charge(), Charge::Unknown, "the request is on its way");
}
