//! Callbacks, to a real receiver, on a clock that only the test moves.

use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::{OperationKind, RecordedBody};
use seedream_mock::{Clock, JournalEntry, MockServer, ResetPart};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::http1_client::{download, get, post, soon};

const CREATE: &str = "/evolink/v1/images/generations";

async fn start() -> (Clock, MockServer, TcpListener) {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
    (clock, mock, TcpListener::bind("127.0.0.1:0").await.unwrap())
}

/// Creates a task that calls the receiver back.
async fn create(mock: &MockServer, url: &str) -> String {
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2, "callback_url": url });
    let created = post(mock, CREATE, &body).await;
    assert_eq!(created.status, 200, "{}", created.text());
    format!("/evolink/v1/tasks/{}", created.json()["id"].as_str().unwrap())
}

pub(crate) fn url(receiver: &TcpListener) -> String {
    format!("http://{}/hook?token=t", receiver.local_addr().unwrap())
}

/// Takes one callback: its head, its body, and the line to answer on.
pub(crate) async fn receive(receiver: &TcpListener) -> (String, Value, TcpStream) {
    let (mut stream, _) = soon(receiver.accept()).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return (head.to_owned(), serde_json::from_str(body).unwrap(), stream);
        }
    }
}

async fn response(mut stream: TcpStream, status: &str) {
    let response = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(response.as_bytes()).await.unwrap();
}

/// The attempts in the journal, once there are so many.
async fn attempts(mock: &MockServer, wanted: usize) -> Vec<JournalEntry> {
    soon(async {
        loop {
            let mut entries = mock.journal();
            entries.retain(|entry| entry.kind == "callback");
            if entries.len() >= wanted {
                return entries;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn the_end_of_a_task_sends_one_callback_with_the_body_of_a_poll() {
    let (_, mock, receiver) = start().await;
    let task = create(&mock, &url(&receiver)).await;
    let mut last = Value::Null;
    for _ in 0..3 {
        assert!(attempts(&mock, 0).await.is_empty(), "not before the end");
        last = get(&mock, &task).await.json();
    }
    let (head, body, line) = receive(&receiver).await;
    assert!(head.starts_with("POST /hook?token=t HTTP/1.1\r\n") && head.contains("content-type: application/json"));
    assert_eq!((&body, body["status"].as_str()), (&last, Some("completed")));
    assert_eq!(download(&mock, body["results"][1].as_str().unwrap()).await.status, 200);
    response(line, "204 No Content").await;
    let told = attempts(&mock, 1).await;
    assert_eq!((told[0].status, told[0].path.as_str()), (204, url(&receiver).as_str()));
    assert_eq!(told[0].notes, ["attempt 1 of 4: status 204"]);
    get(&mock, &task).await;
    let shown = download(&mock, "/__mock/v1/callbacks").await.json();
    assert_eq!(shown["entries"].as_array().unwrap().len(), 1, "another poll does not tell it again");
}

#[tokio::test]
async fn a_task_without_polls_ends_by_the_clock() {
    let (clock, mock, receiver) = start().await;
    create(&mock, &url(&receiver)).await;
    soon(clock.until_waiting(1)).await;
    clock.advance(Duration::from_secs(1));
    let (_, body, line) = receive(&receiver).await;
    assert_eq!(body["status"], "completed");
    response(line, "200 OK").await;
    assert_eq!(attempts(&mock, 1).await[0].status, 200);
}

#[tokio::test]
async fn a_failed_task_sends_a_callback_and_a_stuck_one_does_not() {
    let (clock, mock, receiver) = start().await;
    for fault in ["stuck", "failed"] {
        let body = json!({
            "model": "doubao-seedream-4.5", "prompt": format!("a kite [[mock: task={fault}]]"),
            "callback_url": url(&receiver),
        });
        assert_eq!(post(&mock, CREATE, &body).await.status, 200);
    }
    soon(clock.until_waiting(1)).await;
    clock.advance(Duration::from_secs(3600));
    let (_, body, line) = receive(&receiver).await;
    assert_eq!((&body["status"], &body["error"]["code"]), (&json!("failed"), &json!("content_policy_violation")));
    response(line, "200 OK").await;
    assert_eq!(attempts(&mock, 1).await.len(), 1);
}

/// The body of an exchange: what is polled, or what calls back.
fn shown(id: &str) -> Value {
    let exchange = seedream_fixtures::exchange(id).unwrap();
    match (&exchange.operation, &exchange.response.as_ref().unwrap().body) {
        (OperationKind::Poll, RecordedBody::Json(raw)) => serde_json::from_str(raw.get()).unwrap(),
        _ => exchange.request.as_ref().unwrap().json_value().unwrap(),
    }
}

#[tokio::test]
async fn a_cancelled_task_is_reported_as_its_exchanges_show() {
    let (_, mock, receiver) = start().await;
    let path = create(&mock, &url(&receiver)).await;
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(get(&mock, &path).await.json()["task_info"]["can_cancel"], true, "before it ends");
    let moved = post(&mock, "/__mock/v1/tasks", &json!({ "id": id, "status": "cancelled" })).await;
    assert_eq!((moved.status, &moved.json()["tasks"][0]["status"]), (200, &json!("cancelled")));

    let (_, told, line) = receive(&receiver).await;
    response(line, "200 OK").await;
    let polled = get(&mock, &path).await.json();
    for (body, exchange) in [(&told, "evolink/callbacks/cancelled"), (&polled, "evolink/tasks/failed-cancelled")] {
        let mut expected = shown(exchange);
        (expected["id"], expected["created"]) = (json!(id), body["created"].clone());
        assert_eq!(*body, expected);
    }
    let again = post(&mock, "/__mock/v1/tasks", &json!({ "id": id, "status": "completed" })).await;
    assert!(again.status == 400 && again.text().contains("has ended"));
    let paid = &mock.ledger()[0];
    assert_eq!((paid.images, paid.settled), (0, true), "what a cancelled task costs no document says");
}

#[tokio::test]
async fn failures_are_followed_by_attempts_after_one_two_and_four_seconds() {
    let (clock, mock, receiver) = start().await;
    let task = create(&mock, &url(&receiver)).await;
    for _ in 0..3 {
        get(&mock, &task).await;
    }
    let mut bodies = Vec::new();
    for (attempt, pause) in [Some(1), Some(2), Some(4), None].into_iter().enumerate() {
        let (_, body, line) = receive(&receiver).await;
        bodies.push(body);
        response(line, "500 Internal Server Error").await;
        assert_eq!(attempts(&mock, attempt + 1).await.len(), attempt + 1);
        let Some(pause) = pause else { break };
        soon(clock.until_waiting(1)).await;
        clock.advance(Duration::from_millis(pause * 1000 - 1));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(attempts(&mock, 0).await.len(), attempt + 1, "a millisecond is missing");
        clock.advance(Duration::from_millis(1));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    clock.advance(Duration::from_secs(3600));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let told = attempts(&mock, 4).await;
    assert_eq!(told.len(), 4, "four attempts are all");
    let seconds: Vec<u64> = told.iter().map(|entry| entry.at.duration_since(told[0].at).unwrap().as_secs()).collect();
    assert_eq!(seconds, [0, 1, 3, 7]);
}

#[tokio::test]
async fn a_silent_receiver_has_ten_seconds_and_a_late_success_ends_it() {
    let (clock, mock, receiver) = start().await;
    let task = create(&mock, &url(&receiver)).await;
    for _ in 0..3 {
        get(&mock, &task).await;
    }
    let (_, _, silent) = receive(&receiver).await;
    soon(clock.until_waiting(1)).await;
    clock.advance(Duration::from_secs(10));
    let told = attempts(&mock, 1).await;
    assert_eq!((told[0].status, told[0].notes[0].as_str()), (0, "attempt 1 of 4: no response within 10 s"));
    soon(clock.until_waiting(1)).await;
    clock.advance(Duration::from_secs(1));
    let (_, _, line) = receive(&receiver).await;
    response(line, "200 OK").await;
    assert_eq!(attempts(&mock, 2).await[1].status, 200);
    drop(silent);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(attempts(&mock, 2).await.len(), 2);
}

#[tokio::test]
async fn receivers_elsewhere_are_never_called() {
    let (clock, mock, _) = start().await;
    create(&mock, "https://example.com/hook").await;
    soon(clock.until_waiting(1)).await;
    clock.advance(Duration::from_secs(1));
    let told = attempts(&mock, 1).await;
    assert_eq!(told[0].status, 0);
    assert!(told[0].notes[0].contains("not sent"), "{:?}", told[0].notes);
}

#[tokio::test]
async fn a_strict_mock_refuses_what_the_document_refuses() {
    let strict = MockServer::builder().strict_callbacks(true).start().await.unwrap();
    let loose = MockServer::start().await.unwrap();
    let long = |length: usize| format!("https://example.com/{}", "x".repeat(length - "https://example.com/".len()));
    for (url, by_loose, by_strict) in [
        ("https://example.com/hook", 200, 200),
        (long(2048).as_str(), 200, 200),
        (long(2049).as_str(), 400, 400),
        ("http://example.com/hook", 400, 400),
        ("https://10.0.0.7/hook", 400, 400),
        ("https://192.168.1.20/hook", 400, 400),
        ("http://127.0.0.1:9/hook", 200, 400),
        ("https://localhost/hook", 200, 400),
        ("not a URL", 400, 400),
    ] {
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite", "callback_url": url });
        for (mock, status) in [(&loose, by_loose), (&strict, by_strict)] {
            let response = post(mock, CREATE, &body).await;
            assert_eq!(response.status, status, "{url}: {}", response.text());
            let code = response.json()["error"]["code"].clone();
            assert!(status == 200 || code == "invalid_request", "{url}: {code}");
        }
    }
}

#[tokio::test]
async fn a_callback_goes_by_the_clock_of_its_session_and_comes_after_billing() {
    let (clock, mock, receiver) = start().await;
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 4, "callback_url": url(&receiver) });
    for session in ["blue", "red"] {
        assert_eq!(post(&mock, &format!("/s/{session}{CREATE}"), &body).await.status, 200);
    }
    let reserved = &mock.session("blue").ledger()[0];
    assert_eq!((reserved.images, reserved.settled), (4, false));
    soon(clock.until_waiting(1)).await;
    mock.session("blue").clock().advance(Duration::from_secs(1));
    let (_, told, line) = receive(&receiver).await;
    assert!(told["id"].as_str().unwrap().ends_with("-blue"), "{told}");
    let settled = &mock.session("blue").ledger()[0];
    assert_eq!((settled.images, settled.credits, settled.settled), (2, Some(3.6), true), "before it is answered");
    response(line, "500 Internal Server Error").await;
    assert_eq!(attempts(&mock, 1).await[0].session, "blue");
    mock.session("blue").reset(&[ResetPart::Session]);
    clock.advance(Duration::from_secs(1));
    let (_, told, line) = receive(&receiver).await;
    assert!(told["id"].as_str().unwrap().ends_with("-red"), "{told}");
    response(line, "200 OK").await;
    assert_eq!(attempts(&mock, 1).await[0].session, "red", "a session that is gone tells nobody, and stays gone");
}
