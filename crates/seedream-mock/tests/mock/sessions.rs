//! Sessions: they appear on first use, are capped, expire, and never see each other; nor do mocks of one process.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use seedream_mock::{Clock, MockServer, TaskEnd};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::engine_calls::{json, request};
use crate::http1_client::{download, get, post, rfc3339};

const CREATE: &str = "/evolink/v1/images/generations";

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

/// One user of a session: requests `images` images, polls a task to its end, and uses a clock and a fault. Returns what the
/// mock reports: requests, images paid, faults, the time.
async fn life(mock: &MockServer, session: &str, images: u32, hours: u64) -> Value {
    let prefix = if session == "default" { String::new() } else { format!("/s/{session}") };
    let admin = async |route: &str| download(mock, &format!("/__mock/v1/{route}?session={session}")).await.json();
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": format!("{images} views of {session}"), "n": images });
    let created = post(mock, &format!("{prefix}{CREATE}"), &body).await.json();
    let task = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
    let clock = format!("/__mock/v1/clock?session={session}");
    post(mock, &clock, &json!({ "advance": format!("{hours}h") })).await;
    post(mock, &format!("/__mock/v1/faults?session={session}"), &json!(format!("on=models status={}", 500 + images)))
        .await;
    let done = loop {
        let task = get(mock, &task).await.json();
        if task["status"] == "completed" {
            break task;
        }
    };
    assert_eq!(done["results"].as_array().unwrap().len(), images as usize, "{session}");
    let broken = get(mock, &format!("{prefix}/evolink/v1/credits")).await.status;
    let (journal, ledger, clock) = (admin("journal").await, admin("ledger").await, admin("clock").await);
    let prompts = journal["entries"].as_array().unwrap().iter().filter(|entry| entry["method"] == "POST").count();
    json!({
        "requests": journal["count"], "posts": prompts, "images": ledger["images"], "bills": ledger["entries"].as_array().unwrap().len(),
        "broken": broken, "now": clock["now"],
    })
}

fn expected(images: u32, hours: u64) -> Value {
    json!({
        "requests": 5, "posts": 1, "images": images, "bills": 1, "broken": 500 + images,
        "now": rfc3339(start() + Duration::from_secs(hours * 3600)),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_sessions_at_once_never_see_each_other() {
    let mock = Arc::new(MockServer::builder().clock(Clock::stopped(start())).start().await.unwrap());
    let mut lives = JoinSet::new();
    for number in 0..64_u32 {
        let mock = mock.clone();
        lives.spawn(async move {
            let (images, hours) = (1 + number % 10, u64::from(number));
            let session = if number == 0 { String::from("default") } else { format!("user-{number}") };
            assert_eq!(life(&mock, &session, images, hours).await, expected(images, hours), "{session}");
        });
    }
    while let Some(ended) = lives.join_next().await {
        ended.unwrap();
    }
    assert_eq!(mock.journal().len(), 64 * 5);
    assert_eq!(mock.clock().now(), start(), "nobody moved the mock's own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_mocks_of_one_process_never_see_each_other() {
    let mut lives = JoinSet::new();
    for number in 0..64_u32 {
        lives.spawn(async move {
            let mock = MockServer::builder().clock(Clock::stopped(start())).start().await.unwrap();
            let (images, hours) = (1 + number % 10, u64::from(number));
            assert_eq!(life(&mock, "user", images, hours).await, expected(images, hours), "{number}");
            mock
        });
    }
    let mut mocks = Vec::new();
    while let Some(mock) = lives.join_next().await {
        mocks.push(mock.unwrap());
    }
    let ports: std::collections::BTreeSet<u16> = mocks.iter().map(|mock| mock.address().port()).collect();
    assert_eq!(ports.len(), 64, "all at the same time");
    assert!(mocks.iter().all(|mock| mock.journal().len() == 5));
}

#[test]
fn an_unused_session_expires_with_its_tasks() {
    let engine = MockServer::builder().session_idle(Duration::from_secs(60)).engine();
    let at = |second| start() + Duration::from_secs(second);
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a view of a kite" }).to_string();
    let created = engine.handle(at(0), &request("POST", &format!("/s/blue{CREATE}"), Some("sk-1"), body));
    let id = json(&created)["id"].as_str().unwrap().to_owned();
    let poll = |second| {
        let response = engine.handle(at(second), &request("GET", &format!("/evolink/v1/tasks/{id}"), Some("sk-1"), ""));
        (response.status, json(&response)["error"]["code"].as_str().map(str::to_owned))
    };
    assert_eq!(poll(60), (200, None), "used just in time");
    assert_eq!(poll(121), (404, Some("task_not_found".into())));
    assert_eq!(engine.journal(Some("blue")).len(), 1, "a new session of this name has begun");
}

#[tokio::test]
async fn a_session_that_begins_anew_has_a_new_clock_and_a_moved_clock_makes_no_session_old() {
    let start_with =
        async |idle| MockServer::builder().clock(Clock::stopped(start())).session_idle(idle).start().await.unwrap();
    let mock = start_with(Duration::from_secs(3600)).await;
    get(&mock, "/s/blue/evolink/v1/credits").await;
    mock.session("blue").clock().advance(Duration::from_secs(5));
    mock.clock().advance(Duration::from_secs(100_000));
    get(&mock, "/s/blue/evolink/v1/credits").await;
    assert_eq!(mock.session("blue").journal().len(), 2);
    assert_eq!(mock.session("blue").clock().now(), start() + Duration::from_secs(100_005));

    // Kept for no time at all: every use is the first.
    let mock = start_with(Duration::ZERO).await;
    mock.session("blue").clock().advance(Duration::from_secs(5));
    get(&mock, "/s/blue/evolink/v1/credits").await;
    assert_eq!(mock.session("blue").journal()[0].at, start());
}

#[tokio::test]
async fn sessions_are_capped_and_result_urls_outlive_them() {
    let mock =
        MockServer::builder().clock(Clock::stopped(start())).sessions(2).task(TaskEnd::Polls(1)).start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a view of a kite" });
    let mut tasks = Vec::new();
    for session in ["one", "two", "three"] {
        let created = post(&mock, &format!("/s/{session}{CREATE}"), &body).await.json();
        let task = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
        tasks.push((task.clone(), get(&mock, &task).await.json()["results"][0].as_str().unwrap().to_owned()));
        mock.clock().advance(Duration::from_secs(1));
    }
    let health = download(&mock, "/__mock/v1/health").await.json();
    assert_eq!(health["sessions"], json!(["three", "two"]), "the one that was not used for longest gave way");
    assert_eq!(download(&mock, &tasks[0].1).await.status, 200, "a signed URL needs nobody's memory");
    assert_eq!(get(&mock, &tasks[0].0).await.status, 404);
}

#[tokio::test]
async fn a_bad_session_name_is_refused_with_the_rule_and_a_legal_name() {
    let mock = MockServer::start().await.unwrap();
    let answer = post(&mock, "/s/test_x[ark-1]/ark/api/v3/images/generations", &json!({})).await;
    let error = answer.json();
    let message = error["error"]["message"].as_str().unwrap();
    assert_eq!((answer.status, error["error"]["code"].as_str()), (404, Some("mock_no_session")));
    assert!(
        message.contains("`test_x[ark-1]`") && message.contains("1 to 64") && message.contains("/s/test_x-ark-1-/"),
        "{message}"
    );
}
