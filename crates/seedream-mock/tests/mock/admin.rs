//! The admin API, route by route, and its errors for invalid requests.

use std::time::{Duration, SystemTime};

use seedream_mock::{Clock, MockServer, TaskEnd};
use serde_json::{Value, json};

use crate::http1_client::{Received, download, get, post, rfc3339, send};

const CREATE: &str = "/evolink/v1/images/generations";

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

async fn mock() -> MockServer {
    MockServer::builder().clock(Clock::stopped(start())).start().await.unwrap()
}

async fn admin(mock: &MockServer, route: &str) -> Value {
    let response = download(mock, &format!("/__mock/v1/{route}")).await;
    assert_eq!(response.status, 200, "{route}: {}", response.text());
    response.json()
}

async fn tell(mock: &MockServer, route: &str, body: &Value) -> Received {
    post(mock, &format!("/__mock/v1/{route}"), body).await
}

/// Asks for images as a task and returns its id.
async fn task(mock: &MockServer, prefix: &str) -> String {
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    let created = post(mock, &format!("{prefix}{CREATE}"), &body).await;
    assert_eq!(created.status, 200, "{}", created.text());
    created.json()["id"].as_str().unwrap().to_owned()
}

async fn status(mock: &MockServer, id: &str) -> String {
    let task = get(mock, &format!("/evolink/v1/tasks/{id}")).await.json();
    task["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn health_and_sessions_list_the_sessions() {
    let mock = mock().await;
    task(&mock, "/s/blue").await;
    assert_eq!(admin(&mock, "health").await["sessions"], json!(["blue"]));
    admin(&mock, "ledger?session=red").await;
    let mut sessions = admin(&mock, "sessions").await;
    let used = sessions["sessions"][0]["used"].take();
    assert!(used.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{used}");
    let expected = json!([{
        "session": "blue", "used": null, "requests": 1, "tasks": 1, "faults": 0, "images": 2, "credits": 3.6,
    }]);
    assert_eq!(sessions["sessions"], expected, "looking at a session does not open it");
    assert_eq!((&sessions["most"], &sessions["idle_seconds"]), (&json!(1024), &json!(3600)));
}

#[tokio::test]
async fn every_route_says_what_it_takes() {
    let mock = mock().await;
    let refused = async |method: &str, route: &str, body: &str| {
        let response = send(&mock, method, &format!("/__mock/v1/{route}"), &[], body.as_bytes()).await.unwrap();
        let error = response.json()["error"].clone();
        (response.status, error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    };
    for (method, route, body, code, says) in [
        ("GET", "jornal", "", "mock_no_such_route", "GET journal"),
        ("POST", "journal", "", "mock_bad_method", "GET"),
        ("GET", "reset", "", "mock_bad_method", "POST"),
        ("PUT", "tasks", "", "mock_bad_method", "GET and POST"),
        ("DELETE", "clock", "", "mock_bad_method", "GET and POST"),
        ("PUT", "wait", "", "mock_bad_method", "GET and POST"),
        ("GET", "journal?sesion=blue", "", "mock_bad_query", "sesion: this route does not take it; it takes session,"),
        ("GET", "journal?session=a%20b", "", "mock_bad_session", "up to 64 letters"),
        ("GET", "journal?status=many", "", "mock_bad_query", "status: many is not a status such as 503"),
        ("GET", "journal?billed=x", "", "mock_bad_query", "billed: x is not true, false or a number"),
        ("GET", "journal?since=noon", "", "mock_bad_query", "since: noon is neither a time such as 2026"),
        ("GET", "journal?path=%zz", "", "mock_bad_query", "path: %zz is not percent-encoded"),
        ("GET", "ledger?session=*", "", "mock_bad_session", "one session at a time"),
        ("GET", "health?x=1", "", "mock_bad_query", "it takes nothing"),
        ("POST", "verify", "[1]", "mock_bad_verify", r#"write {"match""#),
        (
            "POST",
            "verify",
            r#"{"match":{"bdy":1}}"#,
            "mock_bad_verify",
            "bdy is not a member of a journal entry; the nearest is body",
        ),
        ("POST", "verify", r#"{"match":3}"#, "mock_bad_verify", "match: 3 is not an object"),
        ("POST", "verify", r#"{"count":-1}"#, "mock_bad_verify", "count: -1 is not a whole number"),
        ("POST", "verify", r#"{"count":1,"at_most":2}"#, "mock_bad_verify", "count: it is exact"),
        ("POST", "verify", r#"{"at_least":3,"at_most":2}"#, "mock_bad_verify", "at_least: it is more than at_most"),
        ("POST", "verify", r#"{"counts":1}"#, "mock_bad_verify", "counts: verify takes match, count"),
        ("POST", "wait", r#"{"at_most":2}"#, "mock_bad_wait", "nothing to wait for"),
        ("POST", "wait", r#"{"timeout":"1d"}"#, "mock_bad_wait", "up to 10m"),
        ("GET", "wait?clock=sun", "", "mock_bad_wait", "neither real nor mock"),
        ("GET", "wait?count=x", "", "mock_bad_wait", "count: x is not a whole number"),
        ("POST", "faults", "explode", "mock_bad_fault", "lists the words"),
        ("POST", "tasks", r#"{"status":"done"}"#, "mock_bad_task", "completed, failed, cancelled or processing"),
        ("POST", "tasks", r#"{"status":"processing"}"#, "mock_bad_task", "percentage from 1 to 99"),
        ("POST", "tasks", r#"{"status":"completed","code":"x"}"#, "mock_bad_task", "code: this route takes id"),
        ("POST", "tasks", r#"{"id":"x","status":"completed"}"#, "mock_no_such_task", "session default has no task x"),
        (
            "POST",
            "settings",
            r#"{"validate":"hard"}"#,
            "mock_bad_setting",
            "validate: `hard` is not one of strict, warn",
        ),
        ("POST", "settings", r#"{"task":"soon"}"#, "mock_bad_setting", "write polls=3, time=5s or hand"),
        (
            "POST",
            "settings",
            r#"{"seed":1}"#,
            "mock_bad_setting",
            "seed: there is no such setting to change; validate,",
        ),
        ("POST", "settings", r#"{"estimated_seconds":-1}"#, "mock_bad_setting", "not a whole number of seconds"),
        ("POST", "reset", "", "mock_bad_reset", "clear: name the parts to clear"),
        ("POST", "reset", r#"{"clear":["all"]}"#, "mock_bad_reset", r#"clear: "all" is not one of journal, ledger,"#),
        ("POST", "clock", r#"{"advance":"soon"}"#, "mock_bad_clock", "advance: soon is not a duration"),
    ] {
        let (status, found, message) = refused(method, route, body).await;
        assert!((400..500).contains(&status), "{method} {route}");
        assert!(found == code && message.contains(says), "{method} {route} {body}: {found}: {message}");
    }
}

#[tokio::test]
async fn everything_wants_the_admin_token() {
    let mock = MockServer::builder().admin_token("t0ken").start().await.unwrap();
    for route in
        ["health", "sessions", "journal", "wait", "faults", "tasks", "callbacks", "clock", "ledger", "settings"]
    {
        assert_eq!(download(&mock, &format!("/__mock/v1/{route}")).await.status, 401, "{route}");
    }
    for route in ["verify", "wait", "faults", "tasks", "clock", "settings", "reset"] {
        assert_eq!(tell(&mock, route, &json!({})).await.status, 401, "{route}");
    }
}

#[tokio::test]
async fn a_task_is_moved_by_hand() {
    let end = TaskEnd::Hand;
    let mock = MockServer::builder().clock(Clock::stopped(start())).task(end).start().await.unwrap();
    let ids = [task(&mock, "/s/blue").await, task(&mock, "/s/blue").await, task(&mock, "/s/blue").await];
    for _ in 0..5 {
        assert_eq!(status(&mock, &ids[0]).await, "pending");
    }
    let moved = tell(&mock, "tasks", &json!({ "id": ids[0], "status": "processing", "progress": 40 })).await.json();
    let shown = &moved["tasks"][0];
    assert_eq!(
        (&moved["session"], &shown["status"]),
        (&json!("blue"), &json!("processing")),
        "its id says its session"
    );
    assert_eq!((&shown["progress"], &shown["polls"], &shown["ends"]), (&json!(40), &json!(5), &json!("hand")));
    let back = json!({ "id": ids[0], "status": "processing", "progress": 30 });
    assert_eq!(tell(&mock, "tasks", &back).await.json()["tasks"][0]["progress"], 40, "it never goes back");
    assert_eq!(status(&mock, &ids[0]).await, "processing");
    let failed = json!({ "id": ids[1], "status": "failed", "code": "generation_timeout", "message": "too late" });
    assert_eq!(tell(&mock, "tasks", &failed).await.status, 200);
    let told = get(&mock, &format!("/evolink/v1/tasks/{}", ids[1])).await.json();
    assert_eq!((&told["error"]["code"], &told["error"]["message"]), (&json!("generation_timeout"), &json!("too late")));
    assert_eq!(tell(&mock, "tasks?session=blue", &json!({ "status": "completed" })).await.status, 200);
    let all = admin(&mock, "tasks?session=blue").await;
    let states: Vec<&str> = all["tasks"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["completed", "failed", "completed"]);
    let again = tell(&mock, "tasks", &json!({ "id": ids[1], "status": "completed" })).await;
    assert!(again.status == 400 && again.text().contains("has ended"), "{}", again.text());
    let paid: Vec<u32> = mock.session("blue").ledger().iter().map(|bill| bill.images).collect();
    assert_eq!(paid, [2, 0, 2], "what failed costs nothing");
}

#[tokio::test]
async fn a_task_is_moved_by_hand_from_rust() {
    let mock = mock().await;
    let (one, two) = (task(&mock, "/s/blue").await, task(&mock, "").await);
    assert!(mock.complete_task(&one) && mock.fail_task(&two, "service_error"));
    let three = task(&mock, "/s/blue").await;
    assert!(mock.cancel_task(&three) && !mock.cancel_task(&three) && !mock.cancel_task(&one));
    assert_eq!(status(&mock, &three).await, "failed");
    assert!(!mock.complete_task(&one) && !mock.complete_task("task-unified-1-nobody00"));
    assert_eq!((status(&mock, &one).await.as_str(), status(&mock, &two).await.as_str()), ("completed", "failed"));
}

#[tokio::test]
async fn settings_change_for_one_session_or_for_all() {
    let mock = mock().await;
    let wrong = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a kite", "size": "64x64" });
    let status =
        async |prefix: &str| post(&mock, &format!("{prefix}/gogogotoken/v1/images/generations"), &wrong).await.status;
    assert_eq!(status("").await, 400);
    let changed = tell(&mock, "settings?session=blue", &json!({ "validate": "off", "task": "time=5s" })).await.json();
    assert_eq!((&changed["settings"]["validate"], &changed["settings"]["task"]), (&json!("off"), &json!("time=5s")));
    assert_eq!((status("").await, status("/s/blue").await), (400, 200), "for one session");
    tell(&mock, "settings", &json!({ "validate": "warn", "estimated_seconds": 9 })).await;
    assert_eq!((status("").await, status("/s/red").await), (200, 200), "for all that have nothing of their own");
    let blue = admin(&mock, "settings?session=blue").await["settings"].clone();
    let expected = json!({
        "validate": "off", "content_type": "json", "task": "time=5s", "estimated_seconds": 9, "callbacks": "loopback", "slow": "5s",
    });
    assert_eq!(blue, expected);
    tell(&mock, "settings?session=blue", &json!({ "validate": null })).await;
    assert_eq!(admin(&mock, "settings?session=blue").await["settings"]["validate"], "warn");
    tell(&mock, "settings", &json!({ "validate": null, "callbacks": "strict", "slow": "7s" })).await;
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite", "callback_url": "http://127.0.0.1:9/hook" });
    assert_eq!(post(&mock, CREATE, &body).await.status, 400);
    tell(&mock, "settings", &json!({ "validate": "warn" })).await;
    assert_eq!(status("").await, 200);
    tell(&mock, "reset", &json!({ "clear": ["settings"] })).await;
    assert_eq!(status("").await, 400);
    assert_eq!(admin(&mock, "settings").await["settings"]["slow"], "5s");
    assert_eq!(admin(&mock, "settings").await["fixed"]["admin_token"], false);
}

#[tokio::test]
async fn estimated_time_and_the_slow_key_follow_the_settings() {
    let mock = mock().await;
    tell(&mock, "settings?session=blue", &json!({ "estimated_seconds": 42, "slow": "0s" })).await;
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite of the settings" });
    let created = post(&mock, &format!("/s/blue{CREATE}"), &body).await.json();
    assert_eq!(created["task_info"]["estimated_time"], 42);
    let key = [("authorization", "Bearer sk-mock-slow")];
    let slow = send(&mock, "GET", "/s/blue/evolink/v1/credits", &key, b"").await.unwrap();
    assert_eq!(slow.status, 200, "on a clock that stands nothing else would ever answer");
}

#[tokio::test]
async fn reset_forgets_what_is_listed_and_nothing_else() {
    let mock = mock().await;
    let fill = async |prefix: &str| {
        let id = task(&mock, prefix).await;
        let session = if prefix.is_empty() { "default" } else { "blue" };
        tell(&mock, &format!("faults?session={session}"), &json!("on=models status=503")).await;
        id
    };
    let counts = async |session: &str| {
        let mut counts = Vec::new();
        for (route, member) in [("journal", "entries"), ("ledger", "entries"), ("faults", "faults"), ("tasks", "tasks")]
        {
            let shown = admin(&mock, &format!("{route}?session={session}")).await;
            counts.push(shown[member].as_array().unwrap().len());
        }
        counts
    };
    fill("").await;
    let id = fill("/s/blue").await;
    for (part, left) in
        [("journal", [0, 1, 1, 1]), ("ledger", [0, 0, 1, 1]), ("faults", [0, 0, 0, 1]), ("tasks", [0, 0, 0, 0])]
    {
        let response = tell(&mock, "reset?session=blue", &json!({ "clear": [part] })).await.json();
        assert_eq!(response, json!({ "session": "blue", "cleared": [part] }));
        assert_eq!(counts("blue").await, left, "{part}");
    }
    assert_eq!(get(&mock, &format!("/evolink/v1/tasks/{id}")).await.status, 404);
    assert_eq!(counts("default").await, [1, 1, 1, 1], "the other session keeps everything");
    mock.session("blue").clock().advance(Duration::from_secs(60));
    tell(&mock, "reset?session=blue", &json!({ "clear": ["session"] })).await;
    assert_eq!(admin(&mock, "health").await["sessions"], json!(["default"]));
    assert_eq!(mock.session("blue").clock().now(), start(), "its clock is forgotten too");
    fill("/s/blue").await;
    tell(&mock, "reset?session=*", &json!({ "clear": ["journal", "tasks"] })).await;
    assert_eq!((counts("default").await, counts("blue").await), (vec![0, 1, 1, 0], vec![0, 1, 1, 0]));
}

#[tokio::test]
async fn reset_of_clocks_goes_back_to_the_machines_time() {
    let mock = mock().await;
    mock.session("blue").clock().set(start());
    tell(&mock, "reset", &json!({ "clear": ["clock"] })).await;
    assert!(!mock.clock().is_stopped() && mock.session("blue").clock().is_stopped());
    mock.clock().stop();
    tell(&mock, "reset?session=*", &json!({ "clear": ["clock"] })).await;
    assert!(!mock.clock().is_stopped() && !mock.session("blue").clock().is_stopped());
}

#[tokio::test]
async fn pending_callbacks_are_listed_and_can_be_cleared() {
    let mock = mock().await;
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite", "callback_url": "http://127.0.0.1:9/hook" });
    let id = post(&mock, CREATE, &body).await.json()["id"].clone();
    let shown = admin(&mock, "callbacks").await;
    let at = rfc3339(start() + Duration::from_secs(1));
    assert_eq!(shown["awaiting"], json!([{ "task": id, "url": "http://127.0.0.1:9/hook", "at": at }]));
    tell(&mock, "reset", &json!({ "clear": ["callbacks"] })).await;
    assert_eq!(admin(&mock, "callbacks").await["awaiting"], json!([]));
    assert_eq!(admin(&mock, "tasks").await["tasks"].as_array().unwrap().len(), 1, "the task stays");
}
