//! What is sent how often, and what an error says about the money.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use seedream_client::{Client, Reached};
use seedream_core::{Charge, ErrorKind, ImageProvider as _, Policy, Strictness};

use crate::{
    dialect::{Tiny, request},
    script::{Act, Script},
};

const DONE: Act = Act::Answer(200, &[], r#"{"data":[{"url":"https://a.example/0.png"}]}"#);

fn client(script: &Script, policy: Policy) -> Client {
    Client::builder(Arc::new(Tiny)).transport(Arc::new(script.clone())).policy(policy).seed(1).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_429_with_retry_after_waits_exactly_that() {
    let script = Script::new([Act::Answer(429, &[("retry-after", "7")], "slow down"), DONE]);
    let generation = client(&script, Policy::default()).generate(request()).await.unwrap();
    assert_eq!(generation.images().count(), 1);
    let times: Vec<_> = script.sent().into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [Duration::ZERO, Duration::from_secs(7)]);
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
    let script = Script::new([Act::Fail(Reached::Sent), not_sent(), not_sent()]);
    let error = client(&script, policy).generate(request()).await.unwrap_err();
    assert_eq!((error.charge(), script.sent().len()), (Charge::Unknown, 3));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_before_the_connection_costs_nothing_and_behind_it_nobody_knows() {
    let mut policy = Policy::default();
    policy.deadline = Duration::from_secs(20);
    for (act, charge) in [(Act::NoConnection, Charge::No), (Act::Silence, Charge::Unknown)] {
        let script = Script::new([act]);
        let start = tokio::time::Instant::now();
        let error = client(&script, policy.clone()).generate(request()).await.unwrap_err();
        assert_eq!((error.kind(), error.charge(), script.sent().len()), (ErrorKind::Timeout, charge, 1));
        assert_eq!(start.elapsed(), Duration::from_secs(20));
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
    let builder = || Client::builder(Arc::new(Tiny)).transport(Arc::new(script.clone()));
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
    client.generate(request().count(3)).await.unwrap();
    let (_, sent) = script.sent().remove(0);
    assert_eq!((sent.body().as_ref(), sent.uri().to_string()), (plan.body.get().as_bytes(), plan.url));
}

#[tokio::test]
async fn the_default_base_url_is_the_first_and_bad_ones_are_refused() {
    let built = |url: Option<&str>| {
        let builder = Client::builder(Arc::new(Tiny));
        url.into_iter().fold(builder, |builder, url| builder.base_url(url)).build()
    };
    assert_eq!(built(None).unwrap().base_url(), "https://tiny.example");
    assert_eq!(built(Some("http://[::1]:1/v1/")).unwrap().base_url(), "http://[::1]:1/v1");
    let error = built(Some("https://tiny.example/?key=1")).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Config, Some("tiny")));
    let no_agent = Client::builder(Arc::new(Tiny)).user_agent("\n").build();
    assert_eq!(no_agent.unwrap_err().kind(), ErrorKind::Config);
}
