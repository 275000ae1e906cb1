//! Mirrors: another base URL of the same provider, for what provably was not sent and for polls.

use std::{sync::Arc, time::Duration};

use seedream_client::{Client, ClientBuilder, ImageProvider as _, Reached};
use seedream_core::{Charge, ErrorKind, Policy, Task, TaskId};
use tokio::net::TcpListener;

use crate::{
    raw_server::{Act as RawAct, Raw, response},
    scripted_transport::{Act, Script},
    tiny_dialects::{KEY, Tiny, TinyTasks, client, request},
};

const DONE: Act = Act::Answer(200, &[], r#"{"data":[{"url":"https://a.example/0.png"}]}"#);
const COLLECTED: Act = Act::Answer(200, &[], r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#);

fn fail() -> Act {
    Act::Fail(Reached::NotSent)
}

/// With the two places of the provider's document.
fn tiny(script: &Script) -> ClientBuilder {
    Client::builder(Tiny).transport(Arc::new(script.clone())).seed(1)
}

fn tasks(script: &Script) -> Client {
    Client::builder(TinyTasks).transport(Arc::new(script.clone())).seed(1).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_goes_to_the_mirror_at_once() {
    let script = Script::new([fail(), DONE]);
    let generation = tiny(&script).build().unwrap().generate(request()).await.unwrap();
    assert_eq!(generation.images().count(), 1);
    assert_eq!(script.lines(), ["POST https://tiny.example/v1/images", "POST https://mirror.example/v1/images"]);
    assert!(script.sent().iter().all(|(at, _)| *at == Duration::ZERO), "the mirror is not waited for");
}

#[tokio::test(start_paused = true)]
async fn after_a_round_of_places_the_first_is_tried_again_and_the_error_lists_them() {
    let script = Script::new([fail(), fail(), fail(), DONE]);
    let error = tiny(&script).build().unwrap().generate(request()).await.unwrap_err();
    let tried: Vec<_> = error.attempts().iter().map(|attempt| attempt.place.as_str()).collect();
    assert_eq!(tried, ["https://tiny.example", "https://mirror.example", "https://tiny.example"]);
    let times: Vec<_> = script.sent().iter().map(|(at, _)| *at).collect();
    assert!(times[1].is_zero() && !times[2].is_zero(), "a whole round is waited after: {times:?}");
    assert_eq!((error.charge(), error.kind()), (Charge::No, ErrorKind::Transport));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_sent_goes_to_no_mirror() {
    for act in [Act::Fail(Reached::Sent), Act::Answer(500, &[], ""), Act::Answer(401, &[], "")] {
        let script = Script::new([act, DONE]);
        let error = tiny(&script).build().unwrap().generate(request()).await.unwrap_err();
        assert_eq!(script.lines(), ["POST https://tiny.example/v1/images"], "{error}");
    }
    // And a refusal that passes is waited for where it was given.
    let script = Script::new([fail(), Act::Answer(429, &[], ""), DONE]);
    tiny(&script).build().unwrap().generate(request()).await.unwrap();
    assert!(script.lines()[1..].iter().all(|line| line.starts_with("POST https://mirror.example")));
}

#[tokio::test(start_paused = true)]
async fn an_explicit_base_url_has_no_implicit_mirror() {
    let script = Script::new([fail(), DONE]);
    let client = tiny(&script).base_url("https://relay.example").build().unwrap();
    assert_eq!(client.mirrors().count(), 0);
    client.generate(request()).await.unwrap();
    assert!(script.lines().iter().all(|line| line == "POST https://relay.example/v1/images"));

    let script = Script::new([fail(), DONE]);
    let named = tiny(&script).base_url("https://relay.example").mirror("https://relay2.example/");
    named.build().unwrap().generate(request()).await.unwrap();
    assert_eq!(script.lines()[1], "POST https://relay2.example/v1/images");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_asked_for_where_it_was_accepted_and_elsewhere_while_that_fails() {
    let weather = [
        fail(),
        Act::Answer(200, &[], r#"{"id":"job-1","eta":4}"#),
        Act::Answer(200, &[], r#"{"status":"running"}"#),
        Act::Answer(429, &[], ""),
        Act::Fail(Reached::Sent),
        // The other place does not know it: that says nothing.
        Act::Answer(404, &[], ""),
        fail(),
        COLLECTED,
    ];
    let script = Script::new(weather);
    let generation = tasks(&script).generate(request()).await.unwrap();
    assert_eq!(generation.images().count(), 1);
    let hosts: Vec<_> = script.sent().iter().map(|(_, sent)| sent.uri().host().unwrap().to_owned()).collect();
    let (tiny, mirror) = ("tiny.example", "mirror.example");
    assert_eq!(hosts, [tiny, mirror, mirror, mirror, mirror, tiny, mirror, tiny]);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_mirror_is_resumed_there_and_a_refusal_there_is_final() {
    let task = Task::new("tiny", "https://mirror.example", TaskId::new("job-1").unwrap(), "m".into());
    let script = Script::new([COLLECTED]);
    tasks(&script).collect(task.clone()).await.unwrap();
    assert_eq!(script.lines(), ["GET https://mirror.example/v1/jobs/job-1"]);

    let script = Script::new([Act::Answer(404, &[], "")]);
    let error = tasks(&script).collect(task).await.unwrap_err();
    assert_eq!((error.kind(), script.sent().len()), (ErrorKind::TaskNotFound, 1));
}

#[tokio::test]
async fn a_closed_port_leads_to_the_mirror_over_real_sockets() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = Raw::start(vec![response("200 OK", "", r#"{"data":[{"url":"https://a.example/0.png"}]}"#)]).await;
    let places = |first: &str| client(Tiny, first).mirror(&server.url).build().unwrap();
    places(&format!("http://{closed}")).generate(request()).await.unwrap();
    assert_eq!(server.count("POST"), 1);
    assert!(server.requests()[0].contains(KEY), "the mirror is the same provider");

    // A connection that closes behind the body leads nowhere.
    let first = Raw::start(vec![RawAct::Close]).await;
    let error = places(&first.url).generate(request()).await.unwrap_err();
    assert_eq!((error.charge(), first.count("POST"), server.count("POST")), (Charge::Unknown, 1, 1));
    assert_eq!(error.attempts()[0].place, first.url);
}

#[test]
fn a_mirror_that_is_no_url_is_refused() {
    let policy = Policy::default();
    let builder = Client::builder(Tiny).mirror("nonsense").policy(policy);
    assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Config);
}
