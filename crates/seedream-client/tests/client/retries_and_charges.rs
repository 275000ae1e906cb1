//! What is sent how often, and what an error says about the money.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use seedream_client::{Client, ImageProvider as _, Reached};
use seedream_core::{Charge, ErrorKind, Policy, Strictness, TaskId};

use crate::{
    scripted_transport::{Act, Script},
    tiny_dialects::{Tiny, TinyTasks, request},
};

const DONE: Act = Act::Answer(200, &[], r#"{"data":[{"url":"https://a.example/0.png"}]}"#);

fn client(script: &Script, policy: Policy) -> Client {
    Client::builder(Tiny).transport(Arc::new(script.clone())).policy(policy).seed(1).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_exactly_in_seconds_and_as_a_date() {
    for (headers, waits) in [
        (&[("retry-after", "7")][..], 7.0),
        (&[("retry-after", "1.5")], 1.5),
        (&[("retry-after-ms", "2500"), ("retry-after", "7")], 2.5),
        // The response's own clock counts, not this machine's.
        (&[("retry-after", "Fri, 20 Nov 2026 20:01:30 GMT"), ("date", "Fri, 20 Nov 2026 20:00:00 GMT")], 90.0),
    ] {
        let script = Script::new([Act::Answer(429, headers, "slow down"), DONE]);
        let generation = client(&script, Policy::default()).generate(request()).await.unwrap();
        assert_eq!(generation.images().count(), 1);
        let times: Vec<_> = script.sent().into_iter().map(|(at, _)| at).collect();
        assert_eq!(times, [Duration::ZERO, Duration::from_secs_f64(waits)], "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_word_it_backs_off_twice_as_long_each_time_less_up_to_a_quarter() {
    let mut policy = Policy::default();
    policy.max_submits = 6;
    let script = Script::new([Act::Answer(429, &[], "")]);
    let error = client(&script, policy).generate(request()).await.unwrap_err();
    assert_eq!((error.attempts().len(), error.charge()), (6, Charge::No));
    let times: Vec<_> = script.sent().into_iter().map(|(at, _)| at.as_secs_f64()).collect();
    let waits = times.windows(2).map(|pair| pair[1] - pair[0]);
    for (wait, longest) in waits.clone().zip([0.5, 1.0, 2.0, 4.0, 8.0]) {
        // A timer is right to a millisecond.
        assert!((longest * 0.75..longest + 0.002).contains(&wait), "{wait} of at most {longest}");
    }
    assert!(waits.zip([0.5, 1.0, 2.0, 4.0, 8.0]).any(|(wait, longest)| longest - wait > 0.01), "it jitters: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn should_retry_can_forbid_but_never_buys_again() {
    for (status, said, sent, charge) in [
        (429, "true", 3, Charge::No),
        (429, "false", 1, Charge::No),
        (429, "perhaps", 3, Charge::No),
        // What may have been bought is not bought again because somebody says so, and what is final stays so.
        (500, "true", 1, Charge::Unknown),
        (408, "true", 1, Charge::Unknown),
        (402, "true", 1, Charge::No),
    ] {
        let headers: &'static [_] = match said {
            "true" => &[("x-should-retry", "true")],
            "false" => &[("x-should-retry", "false")],
            _ => &[("x-should-retry", "perhaps")],
        };
        let script = Script::new([Act::Answer(status, headers, "no")]);
        let error = client(&script, Policy::default()).generate(request()).await.unwrap_err();
        assert_eq!((script.sent().len(), error.charge()), (sent, charge), "{status} {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_client_request_id_for_all_attempts_and_polls_and_another_for_the_next_job() {
    let (accepted, running) =
        (Act::Answer(200, &[], r#"{"id":"job-1","eta":1}"#), Act::Answer(200, &[], r#"{"status":"running"}"#));
    let done = || Act::Answer(200, &[], r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#);
    let refused = Act::Answer(429, &[], "");
    let script = Script::new([
        Act::Fail(Reached::NotSent),
        refused,
        accepted,
        running,
        Act::Fail(Reached::Sent),
        done(),
        done(),
    ]);
    let tasks = Client::builder(TinyTasks).transport(Arc::new(script.clone())).seed(1).build().unwrap();
    tasks.generate(request()).await.unwrap();
    tasks.collect(tasks.task(TaskId::new("job-1").unwrap())).await.unwrap();
    let ids: Vec<_> = script.sent().iter().map(|(_, sent)| sent.headers()["x-client-request-id"].clone()).collect();
    let (other, first) = ids.split_last().unwrap();
    assert!(first.len() == 6 && first.iter().all(|id| *id == first[0]) && *other != first[0], "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_sent_is_sent_again_up_to_the_limit() {
    let fail = || Act::Fail(Reached::NotSent);
    let script = Script::new([fail(), fail(), fail(), DONE]);
    let error = client(&script, Policy::default()).generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), error.attempts().len()), (ErrorKind::Transport, Charge::No, 3));
    assert_eq!(script.sent().len(), 3);
    assert_eq!(error.provider(), Some("tiny"));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_bought_is_not_sent_again() {
    let script = Script::new([Act::Fail(Reached::Sent), DONE]);
    let error = client(&script, Policy::default()).generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), script.sent().len()), (ErrorKind::Transport, Charge::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn a_doubt_stays_when_a_later_attempt_was_not_sent() {
    let mut policy = Policy::default();
    policy.resend_ambiguous = true;
    let not_sent = || Act::Fail(Reached::NotSent);
    for (later, sent) in
        [(vec![not_sent(), not_sent()], 3), (vec![Act::Misconfigured], 2), (vec![Act::Answer(400, &[], "")], 2)]
    {
        let script = Script::new([Act::Fail(Reached::Sent)].into_iter().chain(later));
        let error = client(&script, policy.clone()).generate(request()).await.unwrap_err();
        assert_eq!((error.charge(), script.sent().len(), error.attempts().len()), (Charge::Unknown, sent, sent));
        assert_eq!(error.provider(), Some("tiny"));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_drops_the_future_sends_nothing_more() {
    let script = Script::new([Act::Answer(429, &[("retry-after", "7")], ""), Act::Silence]);
    let client = client(&script, Policy::default());
    let mut waiting = Box::pin(client.generate(request()));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(script.sent().len(), 1);
    drop(waiting);
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(script.sent().len(), 1);
    // And a stream that nobody reads sends nothing at all.
    drop(client.events(request()).await.unwrap());
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_broken_rule_is_refused_before_a_byte_is_sent() {
    let script = Script::new([DONE]);
    let builder = || Client::builder(Tiny).transport(Arc::new(script.clone()));
    let strict = builder().build().unwrap();
    let error = strict.generate(request().seed(7)).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), script.sent().len()), (ErrorKind::InvalidRequest, Charge::No, 0));
    assert!(strict.plan(&request().seed(7)).is_err());
    let off = builder().strictness(Strictness::Off).build().unwrap();
    off.generate(request().seed(7)).await.unwrap();
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_plan_is_the_body_that_is_sent() {
    let script = Script::new([DONE]);
    let client = client(&script, Policy::default());
    let plan = client.plan(&request().count(3)).unwrap();
    assert_eq!((plan.method.as_str(), plan.url.as_str()), ("POST", "https://tiny.example/v1/images"));
    assert_eq!(plan.body.get(), r#"{"prompt":"a lighthouse","model":"tiny-1"}"#);
    assert_eq!((plan.max_images, plan.effective["watermark"].as_bool()), (3, Some(true)));
    assert_eq!(plan.effective["prompt"], "a lighthouse", "the members that are sent, and the provider's defaults");
    client.generate(request().count(3)).await.unwrap();
    let (_, sent) = script.sent().remove(0);
    assert_eq!((sent.body().as_ref(), sent.uri().to_string()), (plan.body.get().as_bytes(), plan.url));
}

#[tokio::test]
async fn the_default_base_url_is_the_first_and_bad_ones_are_refused() {
    let built = |url: Option<&str>| {
        let builder = Client::builder(Tiny);
        url.into_iter().fold(builder, |builder, url| builder.base_url(url)).build()
    };
    assert_eq!(built(None).unwrap().base_url(), "https://tiny.example");
    assert_eq!(built(Some("http://[::1]:1/base/")).unwrap().base_url(), "http://[::1]:1/base");
    let error = built(Some("https://tiny.example/?key=1")).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Config, Some("tiny")));
    let no_agent = Client::builder(Tiny).user_agent("\n").build();
    assert_eq!(no_agent.unwrap_err().kind(), ErrorKind::Config);
}
