//! One deadline for the whole job, and no other limit but that of making a connection.

use std::{sync::Arc, time::Duration};

use seedream_client::{Client, ClientBuilder, ImageProvider as _, ReqwestTransport};
use seedream_core::{Charge, Dialect, ErrorKind, Event, Policy, WarningKind};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    scripted_transport::{Act, Script},
    tiny_dialects::{Tiny, TinyTasks, request},
};

const DONE: &str = r#"{"data":[{"url":"https://a.example/0.png"}]}"#;
const ACCEPTED: Act = Act::Answer(200, &[], r#"{"id":"job-1","eta":30}"#);
const RUNNING: Act = Act::Answer(200, &[], r#"{"status":"running"}"#);
const STREAM: &[(&str, &str)] = &[("content-type", "text/event-stream")];
const ONE: &str = "data: {\"url\":\"https://a.example/0.png\"}\n\n";
const TOTAL: Duration = Duration::from_secs(600);

fn builder(dialect: impl Dialect, script: &Script) -> ClientBuilder {
    Client::builder(dialect).transport(Arc::new(script.clone())).seed(1)
}

fn client(dialect: impl Dialect, script: &Script) -> Client {
    builder(dialect, script).build().unwrap()
}

fn refused(after: &'static [(&'static str, &'static str)]) -> Act {
    Act::Answer(429, after, "")
}

#[tokio::test(start_paused = true)]
async fn a_deadline_before_the_connection_costs_nothing_and_behind_it_nobody_knows() {
    let mut policy = Policy::default();
    policy.deadline = Duration::from_secs(20);
    for (act, charge) in [(Act::NoConnection, Charge::No), (Act::Silence, Charge::Unknown)] {
        let script = Script::new([act]);
        let start = tokio::time::Instant::now();
        let error =
            builder(Tiny, &script).policy(policy.clone()).build().unwrap().generate(request()).await.unwrap_err();
        assert_eq!((error.kind(), error.charge(), script.sent().len()), (ErrorKind::Timeout, charge, 1));
        assert_eq!(start.elapsed(), Duration::from_secs(20));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_takes_600_seconds_at_most_with_all_its_waits_attempts_and_polls() {
    // Two refusals cost 250 s, then it is accepted and polled: the deadline is the job's and not each request's.
    let wait = || refused(&[("retry-after", "125")]);
    let script = Script::new([wait(), wait(), ACCEPTED, RUNNING]);
    let start = Instant::now();
    let error = client(TinyTasks, &script).generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), start.elapsed()), (ErrorKind::Timeout, Charge::Unknown, TOTAL));
    assert_eq!(error.task().unwrap().id.as_str(), "job-1");
    assert_eq!(script.lines().iter().filter(|line| line.starts_with("POST")).count(), 3);
    let last = script.sent().last().unwrap().0;
    assert!(last > TOTAL - Duration::from_secs(12) && last < TOTAL, "polled to the end, and not behind it: {last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
    let script = Script::new([refused(&[("retry-after", "590")]), refused(&[("retry-after", "11")])]);
    let start = Instant::now();
    let error = client(Tiny, &script).generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), script.sent().len()), (ErrorKind::RateLimited, Charge::No, 2));
    assert_eq!(start.elapsed(), Duration::from_secs(590));
    assert!(error.to_string().contains("longer than the deadline") && error.is_safe_to_retry(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_takes_minutes_is_waited_for() {
    // Of a response at once, and of a stream, whose head comes with its first image.
    for wanted in [request(), request().stream(true)] {
        let script = Script::new([Act::Late(TOTAL - Duration::from_secs(1), DONE)]);
        let generation = client(Tiny, &script).generate(wanted).await.unwrap();
        assert_eq!((generation.images().count(), script.sent().len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_falls_silent_ends_at_the_deadline_with_what_came() {
    let script = Script::new([refused(&[("retry-after", "100")]), Act::Endless(STREAM, ONE)]);
    let start = Instant::now();
    let mut events = client(Tiny, &script).events(request().stream(true).count(2)).await.unwrap();
    assert!(matches!(events.next().await, Some(Ok(Event::Retrying { .. }))));
    assert!(matches!(events.next().await, Some(Ok(Event::Image(_)))));
    assert_eq!(start.elapsed(), Duration::from_secs(100), "told as it came");
    let Some(Ok(Event::Finished(generation))) = events.next().await else { panic!("an end") };
    assert_eq!((start.elapsed(), generation.images().count(), script.sent().len()), (TOTAL, 1, 2));
    assert!(generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_falls_silent_ends_at_the_deadline_with_what_came() {
    for (body, images) in [(r#"{"data":[{"url":"https://a.example/0.png"},{"ur"#, Some(1)), ("{\"da", None)] {
        let script = Script::new([Act::Endless(&[], body)]);
        let start = Instant::now();
        let outcome = client(Tiny, &script).generate(request()).await;
        assert_eq!((start.elapsed(), script.sent().len()), (TOTAL, 1));
        match outcome {
            Ok(generation) => assert_eq!(Some(generation.images().count()), images),
            Err(error) => {
                assert_eq!((images, error.kind(), error.charge()), (None, ErrorKind::Timeout, Charge::Unknown));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_poll_takes_30_seconds_at_most_and_is_asked_again() {
    let done = Act::Answer(200, &[], r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#);
    let script = Script::new([ACCEPTED, Act::Silence, done]);
    client(TinyTasks, &script).generate(request()).await.unwrap();
    let sent: Vec<_> = script.sent().iter().map(|(at, _)| at.as_secs_f64()).collect();
    assert!((30.0..36.0).contains(&(sent[2] - sent[1])), "{sent:?}");
}

/// Within one clock, so that nobody waits: a proxy that takes the connection and says nothing is a connection that is not made.
#[tokio::test(start_paused = true)]
async fn a_connection_is_given_up_after_60_seconds_and_cost_nothing() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = ReqwestTransport::with_proxy(&format!("socks5h://{}", mute.local_addr().unwrap())).unwrap();
    let builder = Client::builder(Tiny).base_url("http://tiny.example").transport(Arc::new(transport));
    let error = builder.seed(1).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::Timeout, Charge::No));
    assert!(error.is_safe_to_retry() && error.message().contains("could not connect"), "{error}");
    let ended: Vec<_> = error.attempts().iter().map(|attempt| attempt.after.as_secs()).collect();
    assert_eq!(ended, [60, 120, 181], "three times a minute, and what was waited between");
}

#[test]
fn a_job_has_ten_minutes_where_nobody_says_otherwise() {
    assert_eq!(Policy::default().deadline, TOTAL);
}
