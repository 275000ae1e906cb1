//! Tasks: accepted once, collected patiently, and never sent to a host that nobody configured.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use seedream_client::{Client, ImageProvider as _, Reached, ResponseBody, Transport, TransportError};
use seedream_core::{Charge, ErrorKind, Event, Policy, Task, TaskId};
use tokio::time::Instant;

use crate::{
    scripted_transport::{Act, Script},
    tiny_dialects::{KEY, Tiny, TinyTasks, request, texts},
};

const ACCEPTED: Act = Act::Answer(200, &[], r#"{"id":"job-1","eta":4}"#);
const RUNNING: Act = Act::Answer(200, &[], r#"{"status":"running"}"#);
const DONE: Act = Act::Answer(200, &[], r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#);

fn client(script: &Script) -> Client {
    let mut policy = Policy::default();
    policy.deadline = Duration::from_secs(60);
    let builder = Client::builder(TinyTasks).base_url("https://tiny.example").key(KEY);
    builder.transport(Arc::new(script.clone())).policy(policy).seed(1).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_task_is_accepted_polled_and_collected() {
    let weather = [
        ACCEPTED,
        RUNNING,
        Act::Fail(Reached::Sent),
        Act::Fail(Reached::NotSent),
        Act::Answer(503, &[("retry-after", "9")], ""),
        RUNNING,
        DONE,
    ];
    let script = Script::new(weather);
    let events: Vec<_> = client(&script).events(request()).await.unwrap().map(Result::unwrap).collect().await;
    assert!(matches!(&events[0], Event::Submitted(task) if task.id.as_str() == "job-1" && task.submitted_at.is_some()));
    assert!(matches!(&events[1], Event::Progress { status, percent: Some(50) } if status == "running"));
    assert!(matches!(&events[events.len() - 2..], [Event::Image(_), Event::Finished(_)]), "{events:?}");
    let lines = script.lines();
    assert_eq!((lines.len(), lines[0].as_str()), (7, "POST https://tiny.example/v1/jobs"));
    assert!(lines[1..].iter().all(|line| line == "GET https://tiny.example/v1/jobs/job-1"), "{lines:?}");
    let sent = script.sent();
    assert!(sent[5].0 - sent[4].0 >= Duration::from_secs(9), "Retry-After of a poll is obeyed");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_keeps_the_task() {
    let script = Script::new([ACCEPTED, RUNNING]);
    let start = tokio::time::Instant::now();
    let error = client(&script).generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::Timeout, Charge::Unknown));
    let task = error.task().unwrap().clone();
    assert_eq!((task.id.as_str(), task.endpoint.as_str()), ("job-1", "https://tiny.example"));
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    assert_eq!(script.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);

    // Another process collects it, with what was stored of it.
    let stored = serde_json::to_string(&task).unwrap();
    let script = Script::new([DONE]);
    let generation = client(&script).collect(serde_json::from_str(&stored).unwrap()).await.unwrap();
    assert_eq!((generation.images().count(), generation.model.as_str()), (1, "tiny-1"));
    assert_eq!(script.lines(), ["GET https://tiny.example/v1/jobs/job-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_dropped_after_acceptance_asks_no_more() {
    let script = Script::new([ACCEPTED, DONE]);
    let mut events = client(&script).events(request()).await.unwrap();
    assert!(matches!(events.next().await, Some(Ok(Event::Submitted(_)))));
    drop(events);
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_another_endpoint_is_refused_and_kept() {
    let script = Script::new([DONE]);
    let client = client(&script);
    for endpoint in [
        "https://evil.example",
        "http://tiny.example",
        "https://tiny.example:8443",
        "https://tiny.example.evil.example",
        "nonsense",
    ] {
        let task = Task::new("tiny", endpoint, TaskId::new("job-1").unwrap(), "m".into());
        let error = client.collect(task.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.task()), (ErrorKind::Config, Some(&task)), "{endpoint}");
        assert!(!texts(&error).contains(KEY));
    }
    let foreign = Task::new("tiny", "https://evil.example/v1", TaskId::new("job-1").unwrap(), "m".into());
    let message = client.collect(foreign).await.unwrap_err().to_string();
    assert!(message.contains("set its base URL to https://evil.example/v1"), "{message}");
    assert_eq!(script.sent().len(), 0);

    // Another path of the same origin is the task's own business.
    let task = Task::new("tiny", "https://tiny.example:443/relay/", TaskId::new("job-1").unwrap(), "m".into());
    client.collect(task).await.unwrap();
    client.collect(client.task(TaskId::new("job-2").unwrap())).await.unwrap();
    assert_eq!(
        script.lines(),
        ["GET https://tiny.example/relay/v1/jobs/job-1", "GET https://tiny.example/v1/jobs/job-2"]
    );
}

#[tokio::test]
async fn resuming_needs_tasks_and_the_right_provider() {
    let script = Script::new([DONE]);
    let task = Task::new("other", "https://tiny.example", TaskId::new("x").unwrap(), "m".into());
    assert_eq!(client(&script).collect(task).await.unwrap_err().kind(), ErrorKind::Config);
    let sync = Client::builder(Tiny).transport(Arc::new(script.clone())).build().unwrap();
    let task = sync.task(TaskId::new("x").unwrap());
    assert_eq!(sync.collect(task).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(script.sent().len(), 0);
}

/// A provider that is done after 45 seconds, as it said it would be.
#[derive(Debug)]
struct Punctual {
    start: Instant,
    polls: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Transport for Punctual {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let body = if request.method() == http::Method::POST {
            r#"{"id":"job-1","eta":45}"#
        } else {
            let at = self.start.elapsed();
            self.polls.lock().unwrap().push(at);
            if at < Duration::from_secs(45) {
                r#"{"status":"running"}"#
            } else {
                r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#
            }
        };
        Ok(http::Response::new(ResponseBody::from(body)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_of_45_seconds_takes_at_most_12_polls_that_begin_by_the_estimate_and_grow() {
    let mut firsts = Vec::new();
    for seed in 0..50 {
        let transport = Arc::new(Punctual { start: Instant::now(), polls: Mutex::default() });
        let client = Client::builder(TinyTasks).transport(transport.clone()).seed(seed).build().unwrap();
        client.generate(request()).await.unwrap();
        let polls: Vec<_> = transport.polls.lock().unwrap().iter().map(Duration::as_secs_f64).collect();
        assert!(polls.len() <= 12, "{polls:?}");
        // The first comes in the middle of the estimate, and nobody waits long for what is done.
        assert!((20.0..25.0).contains(&polls[0]) && (45.0..56.0).contains(polls.last().unwrap()), "{polls:?}");
        // A tenth of the estimate, a quarter longer each time, a tenth more or less.
        for (number, pair) in polls.windows(2).enumerate() {
            let wait = (4.5 * 1.25_f64.powi(number as i32)).min(10.0);
            assert!((wait * 0.899..wait * 1.101).contains(&(pair[1] - pair[0])), "wait {number} of {polls:?}");
        }
        firsts.push(polls[0]);
    }
    let (least, most) = firsts.iter().fold((f64::MAX, 0.0_f64), |(low, high), at| (low.min(*at), high.max(*at)));
    assert!(most - least > 3.0, "it jitters: {firsts:?}");
}
