//! The ledger.

use std::time::Duration;

use jiff::Timestamp;
use seedream_mock::{Clock, Expectation, LedgerEntry, MockServer};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::engine_calls::{create_path, engine, get, json, now, post, post_as, post_with, request};
use crate::http1_client::{self, soon};

fn kite(prompt: &str) -> Value {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": prompt })
}

#[test]
fn a_client_that_retries_pays_twice() {
    let engine = engine();
    let body = kite("a kite [[mock: reset@body:5 times=1]]");
    for _ in 0..2 {
        post(&engine, &create_path("ark"), &body);
    }
    post_with(&engine, "status=503", &create_path("ark"), &body);
    let bills = engine.ledger(now(), None);
    assert_eq!(bills.iter().map(|bill| (bill.images, bill.answered)).collect::<Vec<_>>(), [(1, false), (1, true)]);
    let journal = engine.journal(None);
    assert_eq!((&bills[0].request, bills[0].at), (&journal[0].request_id, journal[0].at));
}

#[test]
fn the_ledger_is_served_by_session_and_shows_no_key() {
    let engine = engine();
    let path = format!("/s/blue{}", create_path("ark"));
    let group = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite", "sequential_image_generation": "auto",
    });
    post_as(&engine, "sk-very-secret", &path, &group);
    let relay =
        engine.handle(now(), &request("POST", "/s/blue/ark/v1/images/generations", None, kite("a relay").to_string()));
    assert_eq!(relay.status, 200);
    let read = |session: &str| {
        json(&engine.handle(now(), &request("GET", &format!("/__mock/v1/ledger?session={session}"), None, "")))
    };
    let ledger = read("blue");
    assert_eq!((ledger["images"].as_u64(), ledger["entries"].as_array().unwrap().len()), (Some(4), 2));
    let bill = &ledger["entries"][0];
    for (member, value) in [("provider", "ark"), ("model", "doubao-seedream-4-0-250828"), ("at", &now().to_string())] {
        assert_eq!(bill[member], value);
    }
    assert_eq!((&bill["images"], &bill["settled"], &bill["answered"]), (&json!(3), &json!(true), &json!(true)));
    assert!(bill["key"].as_str().unwrap().starts_with("sha256:") && bill["request"].is_string());
    assert_eq!(ledger["entries"][1]["key"], Value::Null, "the relay needs none");
    assert!(!ledger.to_string().contains("very-secret"));
    assert_eq!(read("default")["images"], 0);
    assert_eq!(engine.ledger(now(), Some("blue")).len(), 2);
}

#[test]
fn tasks_are_reserved_by_n_and_settled_by_what_came() {
    let engine = engine();
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 4 });
    let create = |fault: &str| {
        let created = json(&post_with(&engine, fault, &create_path("evolink"), &body));
        assert_eq!(created["usage"]["credits_reserved"], 7.2);
        format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap())
    };
    let paid = || -> Vec<(u32, Option<f64>, bool)> {
        let bill = |bill: &LedgerEntry| (bill.images, bill.credits, bill.settled);
        engine.ledger(now(), None).iter().map(bill).collect()
    };
    let tasks = ["", "moderate=1", "task=failed", "task=stuck"].map(create);
    assert_eq!(paid(), [(4, Some(7.2), false); 4], "reserved");
    for task in &tasks {
        for _ in 0..3 {
            get(&engine, task);
        }
    }
    let settled = [(2, Some(3.6), true), (1, Some(1.8), true), (0, Some(0.0), true), (4, Some(7.2), false)];
    assert_eq!(paid(), settled, "two came, one came, none came, and one never ends");
}

#[tokio::test]
async fn a_client_that_disconnects_is_billed() {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
    let body = kite("a kite nobody waits for").to_string();
    let ask = format!(
        "POST {} HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\nauthorization: Bearer sk-mock-slow\r\ncontent-length: {}\r\n\r\n{body}",
        create_path("ark"),
        body.len()
    );
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    stream.write_all(ask.as_bytes()).await.unwrap();
    soon(clock.until_waiting(1)).await;
    drop(stream);
    let left = Expectation::matching(&json!({ "notes": ["the client disconnected*"] })).unwrap();
    soon(mock.default_session().wait_for(&left)).await;
    assert_eq!((mock.ledger()[0].images, mock.ledger()[0].answered), (1, false));
    assert_eq!(mock.journal()[0].notes, ["the client disconnected before the response was complete"]);
    let patient = http1_client::post(&mock, &create_path("ark"), &kite("a kite somebody waits for")).await;
    assert_eq!((patient.status, mock.ledger()[1].answered), (200, true));
    clock.advance(Duration::from_secs(3600));
    assert_eq!(mock.ledger().len(), 2);
}

#[test]
fn each_key_has_its_sum() {
    let engine = engine();
    for (key, prompt) in [("sk-one", "a kite"), ("sk-two", "a boat"), ("sk-one", "a fox")] {
        post_as(&engine, key, &create_path("ark"), &kite(prompt));
    }
    let task = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    post_as(&engine, "sk-two", &create_path("evolink"), &task);
    let ledger = json(&engine.handle(now(), &request("GET", "/__mock/v1/ledger", None, "")));
    let sums: Vec<(u64, f64)> = (ledger["keys"].as_array().unwrap().iter())
        .map(|key| (key["images"].as_u64().unwrap(), key["credits"].as_f64().unwrap()))
        .collect();
    assert!(sums.len() == 2 && sums.contains(&(2, 0.0)) && sums.contains(&(3, 3.6)), "{ledger}");
    assert_eq!((&ledger["images"], &ledger["credits"]), (&json!(5), &json!(3.6)));
    assert!(ledger["keys"].as_array().unwrap().iter().all(|key| key["key"].as_str().unwrap().starts_with("sha256:")));
}

#[tokio::test]
async fn a_client_that_disconnects_inside_a_stream_is_billed_for_all_of_it() {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
    let body = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite [[mock: pace=1s]]", "stream": true,
        "sequential_image_generation": "auto",
    });
    let body = body.to_string();
    let ask = format!(
        "POST {} HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\nauthorization: Bearer sk-any\r\ncontent-length: {}\r\n\r\n{body}",
        create_path("ark"),
        body.len()
    );
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    stream.write_all(ask.as_bytes()).await.unwrap();
    soon(clock.until_waiting(1)).await;
    clock.advance(Duration::from_secs(1));
    let mut one = [0; 1];
    soon(tokio::io::AsyncReadExt::read_exact(&mut stream, &mut one)).await.unwrap();
    drop(stream);
    let left = Expectation::matching(&json!({ "notes": ["the client disconnected*"] })).unwrap();
    // The next events have no receiver.
    let gone = async {
        loop {
            clock.advance(Duration::from_secs(1));
            if mock.default_session().verify(&left).satisfied {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(gone).await;
    assert_eq!((mock.ledger()[0].images, mock.ledger()[0].answered), (3, false));
}
