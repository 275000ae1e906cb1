//! Exactly n images by requests of one, and what was requested, delivered and billed as three numbers.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;

use seedream_client::{Client, Exactly, JobEvent, Reached, ResponseBody, Transport, TransportError};
use seedream_core::{Charge, ErrorKind};
use tokio::sync::{Mutex, mpsc};

use crate::{
    scripted_transport::{Act, Script},
    tiny_dialects::{Tiny, TinyTasks, request},
};

const DONE: Act = Act::Answer(200, &[], r#"{"data":[{"url":"https://a.example/0.png"}],"billed":1}"#);
const REJECTED: Act = Act::Answer(422, &[], "not this");

fn client(script: &Script) -> Client {
    Client::builder(Tiny).transport(Arc::new(script.clone())).seed(1).build().unwrap()
}

/// One at a time, so that a script's order is the order of the requests.
fn exactly(images: u32, client: &Client) -> Exactly {
    Exactly::new(client.job(request()), images).at_a_time(1)
}

#[tokio::test(start_paused = true)]
async fn exactly_4_with_a_refusal_is_3_images_and_1_typed_failure() {
    let script = Script::new([DONE, REJECTED, DONE, DONE]);
    let four = exactly(4, &client(&script)).run().await;
    assert_eq!((four.requested, four.delivered(), four.billed(), four.charge()), (4, 3, Some(3), Charge::Yes));
    let failures = four.failures();
    assert!(matches!(&failures[..], [one] if one.index == 1 && matches!(one.kind, ErrorKind::ContentRejected { .. })));
    assert_eq!(script.sent().len(), 4, "nothing is asked twice");
    let purchases: Vec<_> = four.outcomes().map(|outcome| (outcome.purchase, outcome.delivered)).collect();
    assert_eq!(purchases, [(1, 1), (2, 0), (3, 1), (4, 1)]);
    assert!(four.outcomes().all(|outcome| outcome.model == "tiny-1" && outcome.requested == Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_at_no_cost_is_replaced_while_the_budget_lasts() {
    let script = Script::new([DONE, REJECTED, REJECTED, DONE, DONE]);
    let three = exactly(3, &client(&script)).attempts(6).run().await;
    assert_eq!((three.delivered(), three.failures().len(), script.sent().len()), (3, 2, 5));
    let script = Script::new([DONE, REJECTED, REJECTED, DONE]);
    let three = exactly(3, &client(&script)).attempts(4).run().await;
    assert_eq!((three.delivered(), script.sent().len()), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_never_bought_again() {
    let lost = || Act::Fail(Reached::Sent);
    let script = Script::new([DONE, lost(), Act::Answer(500, &[], "oh"), DONE, DONE, DONE]);
    let four = exactly(4, &client(&script)).attempts(100).run().await;
    assert_eq!((four.delivered(), four.errors().count(), script.sent().len()), (2, 2, 4));
    assert_eq!((four.billed(), four.charge()), (None, Charge::Yes), "nobody says what the lost ones cost");

    // Nor is a task that can still be collected.
    let script = Script::new([Act::Answer(200, &[], r#"{"id":"job-1"}"#), Act::Answer(401, &[], "revoked")]);
    let tasks = Client::builder(TinyTasks).transport(Arc::new(script.clone())).build().unwrap();
    let one = exactly(1, &tasks).attempts(9).run().await;
    assert_eq!((one.delivered(), script.lines().iter().filter(|line| line.starts_with("POST")).count()), (0, 1));
    assert!(one.errors().next().unwrap().task().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_every_request_would_meet_ends_it() {
    let script = Script::new([DONE, Act::Answer(402, &[], "no money"), DONE]);
    let nine = exactly(9, &client(&script)).attempts(20).run().await;
    assert_eq!((nine.delivered(), nine.failures()[0].kind, script.sent().len()), (1, ErrorKind::Balance, 2));
    // A broken rule is told once and nothing is sent.
    let script = Script::new([DONE]);
    let refused = Exactly::new(client(&script).job(request().seed(7)), 9).run().await;
    assert_eq!((refused.errors().count(), refused.charge(), script.sent().len()), (1, Charge::No, 0));
    assert!(!refused.errors().next().unwrap().violations().is_empty());
    assert_eq!(exactly(0, &client(&script)).run().await.purchases.len(), 0);
}

/// Answers when it is told to.
#[derive(Debug)]
struct Gated {
    begun: mpsc::UnboundedSender<()>,
    gate: Mutex<mpsc::UnboundedReceiver<()>>,
}

#[async_trait]
impl Transport for Gated {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        self.begun.send(()).unwrap();
        self.gate.lock().await.recv().await.unwrap();
        Ok(http::Response::new(r#"{"data":[{"url":"https://a.example/0.png"}]}"#.into()))
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_at_a_time_and_each_is_told_as_it_arrives() {
    let ((begun, mut begins), (open, gate)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let transport = Arc::new(Gated { begun, gate: Mutex::new(gate) });
    let client = Client::builder(Tiny).transport(transport).build().unwrap();
    let (told, mut tells) = mpsc::unbounded_channel();
    let running = tokio::spawn(async move {
        let wish = Exactly::new(client.job(request()), 5).at_a_time(2);
        let tell = |number: u32, event: &JobEvent| {
            if matches!(event, JobEvent::Image(_)) {
                told.send(number).unwrap();
            }
        };
        wish.run_with_events(tell).await
    });
    for _ in 0..2 {
        begins.recv().await.unwrap();
    }
    // The clock stands still, so this only ends when nobody has anything left to do.
    assert!(tokio::time::timeout(Duration::from_secs(1), begins.recv()).await.is_err(), "no third request");
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        open.send(()).unwrap();
        seen.insert(tells.recv().await.unwrap());
    }
    let five = running.await.unwrap();
    assert_eq!((five.delivered(), five.billed(), seen.len()), (5, None, 5));
    assert_eq!(futures_util::stream::poll_fn(|cx| begins.poll_recv(cx)).collect::<Vec<_>>().await.len(), 3);
}
