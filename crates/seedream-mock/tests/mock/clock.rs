//! The clock that is read and moved over the admin API.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use seedream_mock::{Clock, MockServer, TaskEnd};
use serde_json::{Value, json};

use crate::http1_client::{Received, download, get, post, rfc3339, send, soon};

const CLOCK: &str = "/__mock/v1/clock";

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

async fn tick(mock: &MockServer, body: &Value) -> Received {
    post(mock, CLOCK, body).await
}

#[tokio::test]
async fn the_clock_is_stopped_set_moved_and_let_go() {
    let mock = MockServer::start().await.unwrap();
    assert_eq!(download(&mock, CLOCK).await.json()["stopped"], false);
    let stopped = tick(&mock, &json!({ "stop": true })).await.json();
    assert_eq!(download(&mock, CLOCK).await.json(), stopped, "it stands");
    let set = tick(&mock, &json!({ "set": "2026-11-20T10:00:00Z" })).await.json();
    assert_eq!(set, json!({ "now": "2026-11-20T10:00:00Z", "stopped": true }));
    let moved = tick(&mock, &json!({ "advance": "25h" })).await.json();
    assert_eq!(moved["now"], "2026-11-21T11:00:00Z");
    assert_eq!(rfc3339(mock.clock().now()), "2026-11-21T11:00:00Z");
    assert_eq!(tick(&mock, &json!({ "stop": false })).await.json()["stopped"], false);
    assert!(mock.journal().is_empty(), "looking at the clock is not in the journal");
}

#[tokio::test]
async fn what_is_no_time_is_explained_and_moves_nothing() {
    let mock = MockServer::builder().clock(Clock::stopped(start())).admin_token("t0ken").start().await.unwrap();
    assert_eq!(tick(&mock, &json!({ "advance": "1h" })).await.status, 401);
    let admin = [("authorization", "Bearer t0ken")];
    for body in [r#"{"advance":"soon"}"#, r#"{"set":"noon","advance":"1h"}"#, r#"{"move":"1h"}"#, "1h"] {
        let response = send(&mock, "POST", CLOCK, &admin, body.as_bytes()).await.unwrap();
        assert_eq!(
            (response.status, response.json()["error"]["code"].as_str()),
            (400, Some("mock_bad_clock")),
            "{body}"
        );
    }
    assert_eq!(send(&mock, "DELETE", CLOCK, &admin, b"").await.unwrap().status, 405);
    assert_eq!(mock.clock().now(), start());
}

#[tokio::test]
async fn tasks_and_result_urls_go_by_it() {
    let end = TaskEnd::Time(Duration::from_secs(3600));
    let mock = MockServer::builder().clock(Clock::stopped(start())).task(end).start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite above a clock" });
    let created = post(&mock, "/evolink/v1/images/generations", &body).await.json();
    let task = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
    assert_eq!(get(&mock, &task).await.json()["status"], "pending");
    tick(&mock, &json!({ "advance": "1h" })).await;
    let done = get(&mock, &task).await.json();
    assert_eq!(done["status"], "completed");
    let url = done["results"][0].as_str().unwrap();
    assert_eq!(download(&mock, url).await.status, 200);
    tick(&mock, &json!({ "advance": "25h" })).await;
    assert_eq!(download(&mock, url).await.status, 403);
}

#[tokio::test]
async fn a_slow_response_waits_on_the_mocks_clock() {
    let clock = Clock::stopped(start());
    let slow = Duration::from_secs(3600);
    let mock = Arc::new(MockServer::builder().clock(clock.clone()).slow(slow).start().await.unwrap());
    let asking = tokio::spawn({
        let mock = mock.clone();
        async move {
            let key = [("authorization", "Bearer sk-mock-slow")];
            send(&mock, "GET", "/evolink/v1/credits", &key, b"").await
        }
    });
    soon(clock.until_waiting(1)).await;
    assert!(!asking.is_finished());
    tick(&mock, &json!({ "advance": "1h" })).await;
    assert_eq!(asking.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn a_session_has_a_clock_of_its_own_that_goes_with_the_mocks_until_it_is_moved() {
    let end = TaskEnd::Time(Duration::from_secs(3600));
    let mock = MockServer::builder().clock(Clock::stopped(start())).task(end).start().await.unwrap();
    let mut tasks = Vec::new();
    for prefix in ["", "/s/blue", "/s/red"] {
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite above a clock" });
        let created = post(&mock, &format!("{prefix}/evolink/v1/images/generations"), &body).await.json();
        tasks.push(format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap()));
    }
    let states = async || {
        let mut states = Vec::new();
        for task in &tasks {
            states.push(get(&mock, task).await.json()["status"].as_str().unwrap().to_owned());
        }
        states
    };
    let moved = post(&mock, &format!("{CLOCK}?session=blue"), &json!({ "advance": "1h" })).await.json();
    assert_eq!(rfc3339(mock.session("blue").clock().now()), moved["now"].as_str().unwrap());
    assert_eq!(mock.session("blue").clock().now(), start() + Duration::from_secs(3600));
    assert_eq!(states().await, ["pending", "completed", "pending"]);
    assert_eq!(mock.session("blue").journal()[1].at, start() + Duration::from_secs(3600), "its journal goes by it");
    tick(&mock, &json!({ "advance": "1h" })).await;
    assert_eq!(states().await, ["completed"; 3], "the mock's takes all along");
    assert_eq!(mock.session("blue").clock().now(), start() + Duration::from_secs(7200));
    let reset = post(&mock, "/__mock/v1/reset?session=blue", &json!({ "clear": ["clock"] })).await;
    assert_eq!(reset.status, 200, "{}", reset.text());
    assert_eq!(download(&mock, &format!("{CLOCK}?session=blue")).await.json()["now"], rfc3339(mock.clock().now()));
    assert_eq!(mock.session("blue").clock().now(), mock.clock().now());
}

#[tokio::test]
async fn the_responses_of_a_session_wait_on_its_own_clock() {
    let clock = Clock::stopped(start());
    let slow = Duration::from_secs(3600);
    let mock = Arc::new(MockServer::builder().clock(clock.clone()).slow(slow).start().await.unwrap());
    let ask = |session: &'static str| {
        let mock = mock.clone();
        tokio::spawn(async move {
            let key = [("authorization", "Bearer sk-mock-slow")];
            send(&mock, "GET", &format!("/s/{session}/evolink/v1/credits"), &key, b"").await
        })
    };
    let (blue, red) = (ask("blue"), ask("red"));
    soon(clock.until_waiting(2)).await;
    post(&mock, &format!("{CLOCK}?session=blue"), &json!({ "advance": "1h" })).await;
    assert_eq!(soon(blue).await.unwrap().unwrap().status, 200, "it was asked before the clock was moved");
    assert!(!red.is_finished(), "nobody moved this one");
    tick(&mock, &json!({ "advance": "1h" })).await;
    assert_eq!(soon(red).await.unwrap().unwrap().status, 200);
}
