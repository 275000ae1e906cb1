//! Verification of the journal, waiting for entries, and the nearest entries.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use seedream_mock::{Clock, Expectation, MockServer};
use serde_json::{Value, json};

use crate::http1_client::{Received, download, post, send, soon};

const ARK: &str = "/ark/api/v3/images/generations";

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

async fn mock() -> MockServer {
    MockServer::builder().clock(Clock::stopped(start())).start().await.unwrap()
}

async fn tell(mock: &MockServer, route: &str, body: &Value) -> Received {
    post(mock, &format!("/__mock/v1/{route}"), body).await
}

async fn kite(mock: &MockServer, prefix: &str, prompt: &str) -> Received {
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": prompt });
    post(mock, &format!("{prefix}{ARK}"), &body).await
}

#[tokio::test]
async fn the_journal_is_narrowed_by_every_member() {
    let mock = mock().await;
    kite(&mock, "/s/blue", "a red kite").await;
    mock.clock().advance(Duration::from_secs(60));
    kite(&mock, "/s/blue", "a kite [[mock: status=503]]").await;
    send(&mock, "GET", "/s/blue/evolink/v1/credits", &[], b"").await.unwrap();
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a kite" });
    post(&mock, "/s/blue/gogogotoken/v1/images/generations", &body).await;
    let found = async |query: &str| -> Vec<u64> {
        let shown = download(&mock, &format!("/__mock/v1/journal?session=blue&{query}")).await.json();
        let entries = shown["entries"].as_array().unwrap();
        assert_eq!(shown["count"], entries.len(), "{query}");
        entries.iter().map(|entry| entry["ordinal"].as_u64().unwrap()).collect()
    };
    for (query, expected) in [
        ("", &[0, 1, 2, 3][..]),
        ("provider=ark", &[0, 1]),
        ("provider=ark&status=2xx", &[0]),
        ("status=503", &[1]),
        ("status=4xx", &[2]),
        ("method=get", &[2]),
        ("path=/ark/api/v3/images/generations", &[0, 1]),
        ("path=/s/blue/evolink/*", &[2]),
        ("path=*/images/generations", &[0, 1, 3]),
        ("model=doubao-seedream-5-0-lite", &[3]),
        ("fixture=-", &[0, 1, 2, 3]),
        ("fixture=ark/*", &[]),
        ("billed=1", &[0, 3]),
        ("billed=true", &[0, 3]),
        ("billed=false", &[1, 2]),
        ("since=2", &[2, 3]),
        ("since=2026-11-18T11:07:40Z", &[1, 2, 3]),
        ("since=2026-11-18T12%3A07%3A40%2B01:00", &[1, 2, 3]),
        ("kind=callback", &[]),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }
    let all = download(&mock, "/__mock/v1/journal?session=*").await.json();
    assert_eq!((&all["session"], &all["count"]), (&json!("*"), &json!(4)));
    assert_eq!(all["entries"][0]["model"], "doubao-seedream-4-0-250828");
}

#[tokio::test]
async fn verification_counts_what_fits() {
    let mock = mock().await;
    for prompt in ["a red kite", "a blue kite", "a boat"] {
        kite(&mock, "", prompt).await;
    }
    let kites = json!({ "provider": "ark", "status": 200, "body": { "prompt": "*kite", "seed": null } });
    for (expected, satisfied, said) in [
        (json!({}), true, "at least 1"),
        (json!({ "count": 2 }), true, "exactly 2"),
        (json!({ "count": 1 }), false, "exactly 1"),
        (json!({ "at_least": 2, "at_most": 3 }), true, "2 to 3"),
        (json!({ "at_least": 3 }), false, "at least 3"),
        (json!({ "at_most": 1 }), false, "at most 1"),
    ] {
        let mut body = expected.clone();
        body["match"] = kites.clone();
        let verdict = tell(&mock, "verify", &body).await.json();
        assert_eq!((&verdict["satisfied"], &verdict["expected"]), (&json!(satisfied), &json!(said)), "{expected}");
        assert_eq!(verdict["matched"], 2);
        assert_eq!(verdict["entries"][1]["body"]["prompt"], "a blue kite");
    }
    let verdict = tell(&mock, "verify?since=1&status=2xx", &json!({ "match": kites, "count": 1 })).await.json();
    assert_eq!(verdict["satisfied"], true, "what the query leaves out is not looked at: {verdict}");
    let none = tell(&mock, "verify?session=red", &json!({ "count": 0 })).await.json();
    assert_eq!((&none["satisfied"], &none["nearest"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn the_nearest_entry_is_reported_field_by_field() {
    let mock = mock().await;
    kite(&mock, "", "a boat").await;
    let body =
        json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a red kite", "size": "2K", "watermark": false });
    post(&mock, ARK, &body).await;
    let wanted = json!({ "match": { "method": "POST", "body": { "prompt": "a red kite", "size": "4K", "seed": 7 } } });
    let verdict = tell(&mock, "verify", &wanted).await.json();
    assert_eq!((&verdict["satisfied"], &verdict["matched"]), (&json!(false), &json!(0)));
    let nearest = &verdict["nearest"][0];
    assert_eq!((&nearest["ordinal"], &nearest["status"]), (&json!(1), &json!(200)));
    let differs =
        json!([{ "field": "body.seed", "expected": 7 }, { "field": "body.size", "expected": "4K", "actual": "2K" }]);
    assert_eq!(nearest["differs"], differs);
    assert_eq!(verdict["nearest"][1]["differs"].as_array().unwrap().len(), 3, "further away");
}

#[tokio::test]
async fn a_request_that_equals_no_exchange_gets_the_differences_to_the_nearest() {
    let mock = mock().await;
    let exchange = seedream_fixtures::exchanges()
        .iter()
        .find(|exchange| exchange.id().starts_with("ark/generate/") && exchange.request.as_ref().is_some_and(has_body))
        .unwrap();
    let request = exchange.request.as_ref().unwrap();
    let mut body = request.json_value().unwrap();
    body["prompt"] = json!("something else");
    body["flavour"] = json!("salty");
    post(&mock, &format!("/ark{}", request.path), &body).await;
    let entry = download(&mock, "/__mock/v1/journal?explain=true").await.json()["entries"][0].clone();
    assert_eq!(entry["fixture"], Value::Null);
    let misses = entry["nearest"].as_array().unwrap();
    let miss = misses.iter().find(|miss| miss["fixture"] == exchange.id()).unwrap_or_else(|| panic!("{misses:#?}"));
    let fields: Vec<&str> =
        miss["differs"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["prompt", "flavour"]);
    assert!(miss["differs"][1].get("expected").is_none() && miss["differs"][1]["actual"] == "salty");
    let plain = download(&mock, "/__mock/v1/journal").await.json();
    assert!(plain["entries"][0].get("nearest").is_none(), "only who asks is told");
}

fn has_body(request: &seedream_fixtures::RecordedRequest) -> bool {
    request.method == "POST" && request.json_value().is_some_and(|body| body.get("prompt").is_some())
}

#[tokio::test]
async fn a_route_that_is_not_there_names_each_field_that_differs() {
    let mock = mock().await;
    let response = send(&mock, "GET", "/s/blue/evolink/v1/image/generations", &[], b"").await.unwrap();
    assert_eq!(response.status, 404);
    let told = response.json();
    let differs = json!([
        { "field": "method", "expected": "POST", "actual": "GET" },
        { "field": "path segment 3", "expected": "images", "actual": "image" },
    ]);
    assert_eq!(told["nearest"][0], json!({ "route": "POST /evolink/v1/images/generations", "differs": differs }));
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains(r#"differs in method ("POST" and not "GET"), path segment 3 ("images" and"#), "{message}");
    assert_eq!(mock.session("blue").journal()[0].notes, [message], "the journal says so as well");
    let forced = [("x-mock-fixture", "ark/generate/singel"), ("authorization", "Bearer k")];
    let unknown = send(&mock, "POST", ARK, &forced, b"{}").await.unwrap();
    assert!(unknown.status == 400 && unknown.text().contains("the nearest are ark/"), "{}", unknown.text());
}

#[tokio::test]
async fn a_task_that_is_not_there_is_explained_in_the_journal() {
    let mock = mock().await;
    let poll = async |path: &str| {
        let response = send(&mock, "GET", path, &[("authorization", "Bearer k")], b"").await.unwrap();
        assert_eq!((response.status, response.json()["error"]["code"].as_str()), (404, Some("task_not_found")));
    };
    poll("/s/red/evolink/v1/tasks/task-unified-1757165031-nobody00-blue").await;
    poll("/evolink/v1/tasks/task-unified-1757165031-nobody00-blue").await;
    let note = |session: &str| mock.session(session).journal()[0].notes[0].clone();
    assert_eq!(note("red"), "the session red has no such task; by its id it is one of blue");
    assert!(note("blue").contains("it never had, or was reset, or expired"));
}

#[tokio::test]
async fn a_wait_ends_when_enough_entries_match() {
    let mock = Arc::new(mock().await);
    let waiting = tokio::spawn({
        let mock = mock.clone();
        // On the mock's clock, which stands: the time is never up.
        async move { download(&mock, "/__mock/v1/wait?session=blue&count=2&status=200&timeout=5s&clock=mock").await.json() }
    });
    soon(mock.clock().until_waiting(1)).await;
    kite(&mock, "/s/blue", "a first kite").await;
    kite(&mock, "/s/red", "a kite of others").await;
    kite(&mock, "/s/blue", "a kite [[mock: status=503]]").await;
    assert!(!waiting.is_finished(), "one is not two");
    kite(&mock, "/s/blue", "a second kite").await;
    let verdict = soon(waiting).await.unwrap();
    let told = (&verdict["satisfied"], &verdict["timed_out"], &verdict["matched"]);
    assert_eq!(told, (&json!(true), &json!(false), &json!(2)));
}

#[tokio::test]
async fn a_wait_that_times_out_reports_the_nearest_entry() {
    let mock = Arc::new(mock().await);
    kite(&mock, "", "a boat").await;
    let waiting = tokio::spawn({
        let mock = mock.clone();
        let body = json!({ "match": { "body": { "prompt": "a kite" } }, "timeout": "5s", "clock": "mock" });
        async move { tell(&mock, "wait", &body).await.json() }
    });
    soon(mock.clock().until_waiting(1)).await;
    mock.default_session().clock().advance(Duration::from_secs(5));
    let verdict = soon(waiting).await.unwrap();
    assert_eq!((&verdict["satisfied"], &verdict["timed_out"]), (&json!(false), &json!(true)));
    assert_eq!(verdict["nearest"][0]["differs"][0]["actual"], "a boat");
    let now =
        tell(&mock, "wait", &json!({ "match": { "body": { "prompt": "a kite" } }, "timeout": "0s" })).await.json();
    assert_eq!(now["timed_out"], true, "and by the machine's clock");
}

#[tokio::test]
async fn rust_verifies_and_waits_too() {
    let mock = Arc::new(mock().await);
    let wanted = Expectation::matching(&json!({ "body": { "prompt": "*kite*" } })).unwrap();
    assert!(Expectation::matching(&json!({ "bdy": 1 })).unwrap_err().contains("the nearest is body"));
    let none = mock.default_session().verify(&wanted);
    assert!(!none.satisfied && mock.default_session().verify(&wanted.clone().count(..1)).satisfied);
    let waiting = tokio::spawn({
        let (mock, wanted) = (mock.clone(), wanted.clone().count(2..));
        async move { mock.default_session().wait_for(&wanted).await }
    });
    kite(&mock, "", "a red kite").await;
    kite(&mock, "", "a blue kite").await;
    let verdict = soon(waiting).await.unwrap();
    assert_eq!((verdict.satisfied, verdict.matched), (true, 2));
    assert!(mock.default_session().verify(&wanted.clone().count(2..=2)).satisfied);
    assert!(!mock.default_session().verify(&wanted.count(0..2)).satisfied);
}

#[tokio::test]
async fn counts_include_evicted_entries() {
    let mock = MockServer::builder().clock(Clock::stopped(start())).journal_capacity(10).start().await.unwrap();
    for number in 0..50 {
        kite(&mock, "", &format!("kite {number}{}", if number < 5 { " [[mock: status=503]]" } else { "" })).await;
        send(&mock, "GET", &format!("/nowhere/{number}"), &[], b"").await.unwrap();
    }
    let posts = json!({ "method": "POST" });
    for (pattern, expected, satisfied, matched) in [
        (&posts, json!({ "count": 50 }), true, 50),
        (&posts, json!({ "count": 0 }), false, 50),
        (&posts, json!({ "at_most": 10 }), false, 50),
        (&posts, json!({ "at_least": 51 }), false, 50),
        (&json!({}), json!({ "count": 100 }), true, 100),
        (&json!({ "path": ARK, "status": 503, "billed": 0 }), json!({ "count": 5 }), true, 5),
        (&json!({ "provider": "ark", "fault": null, "session": "default" }), json!({ "count": 45 }), true, 45),
    ] {
        let mut body = expected.clone();
        body["match"] = pattern.clone();
        let verdict = tell(&mock, "verify", &body).await.json();
        let told = (&verdict["satisfied"], &verdict["matched"]);
        assert_eq!(told, (&json!(satisfied), &json!(matched)), "{pattern} {expected}");
        assert_eq!(
            verdict["entries"].as_array().unwrap().len() as u64 + verdict["forgotten"].as_u64().unwrap(),
            matched
        );
    }
    let narrowed = tell(&mock, "verify?status=503&method=post", &json!({ "count": 5 })).await.json();
    assert_eq!(narrowed["satisfied"], true, "{narrowed}");
    let waited = tell(&mock, "wait?status=503", &json!({ "at_least": 5, "timeout": "0s" })).await.json();
    assert_eq!((&waited["satisfied"], &waited["timed_out"]), (&json!(true), &json!(false)));
    let sessions = download(&mock, "/__mock/v1/sessions").await.json();
    assert_eq!(sessions["sessions"][0]["requests"], 100);
}

#[tokio::test]
async fn a_verification_that_depends_on_evicted_entries_is_an_error() {
    let mock = MockServer::builder().clock(Clock::stopped(start())).journal_capacity(10).start().await.unwrap();
    for number in 0..50 {
        kite(&mock, "", &format!("kite {number}")).await;
    }
    let of = |prompt: &str, expected: Value| {
        let mut body = expected;
        body["match"] = json!({ "method": "POST", "body": { "prompt": prompt } });
        body
    };
    // The last ten are there, and the others are 40 at most.
    for (body, satisfied) in [
        (of("kite *", json!({ "at_least": 10 })), true),
        (of("kite *", json!({ "at_most": 50 })), true),
        (of("kite *", json!({ "at_most": 9 })), false),
        (of("kite *", json!({ "at_least": 51 })), false),
        (of("kite 7", json!({ "at_most": 40 })), true),
    ] {
        assert_eq!(tell(&mock, "verify", &body).await.json()["satisfied"], satisfied, "{body}");
    }
    for route in ["verify", "verify?since=5", "wait?timeout=0s"] {
        let response = tell(&mock, route, &of("kite 7", json!({ "at_least": 1 }))).await;
        let error = &response.json()["error"];
        assert_eq!((response.status, error["code"].as_str()), (409, Some("mock_journal_forgot")), "{route}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("0 to 40 match") && message.contains("--journal N"), "{message}");
    }
    let response = tell(&mock, "verify", &of("kite 7", json!({ "count": 0 }))).await;
    assert_eq!(response.status, 409, "none is as unknown as one");
    let late = tell(&mock, "verify?since=40", &of("kite 7", json!({ "count": 0 }))).await.json();
    assert_eq!(late["satisfied"], true, "what is forgotten came before: {late}");
    let wanted = Expectation::matching(&json!({ "body": { "prompt": "kite 7" } })).unwrap();
    let verdict = mock.default_session().verify(&wanted);
    assert!(!verdict.satisfied && verdict.undecided.unwrap().contains("--journal"));
    post(&mock, "/__mock/v1/reset", &json!({ "clear": ["journal"] })).await;
    let none = tell(&mock, "verify", &json!({ "count": 0 })).await.json();
    assert_eq!(none["satisfied"], true, "what was reset is not counted");
}
