//! Tasks, and the lists beside them.

use std::time::Duration;

use jiff::Timestamp;
use seedream_mock::{Clock, MockServer, TaskEnd};
use serde_json::{Value, json};

use crate::engine_calls::{self, engine, json};
use crate::http1_client::{download, get, post, send};

const CREATE: &str = "/evolink/v1/images/generations";

fn three_views() -> Value {
    json!({ "model": "doubao-seedream-4.5", "prompt": "three views of a kite", "n": 4, "size": "16:9", "quality": "2K" })
}

async fn create(mock: &MockServer, prefix: &str) -> String {
    let response = post(mock, &format!("{prefix}{CREATE}"), &three_views()).await.json();
    response["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_task_goes_from_pending_to_completed_and_its_images_open() {
    let mock = MockServer::start().await.unwrap();
    let created = post(&mock, CREATE, &three_views()).await.json();
    assert_eq!((created["status"].as_str(), created["progress"].as_u64()), (Some("pending"), Some(0)));
    assert_eq!(created["task_info"], json!({ "can_cancel": true, "estimated_time": 1 }));
    assert_eq!(created["usage"]["credits_reserved"], 7.2, "four were reserved");
    let id = created["id"].as_str().unwrap();
    let mut states = Vec::new();
    let mut last = Value::Null;
    for _ in 0..4 {
        last = get(&mock, &format!("/evolink/v1/tasks/{id}")).await.json();
        states.push((last["status"].as_str().unwrap().to_owned(), last["progress"].as_u64().unwrap()));
    }
    let expected = [("pending", 0), ("processing", 66), ("completed", 100), ("completed", 100)];
    assert_eq!(states, expected.map(|(state, progress)| (state.to_owned(), progress)));
    let results = last["results"].as_array().unwrap();
    assert_eq!(results.len(), 3, "the prompt asks for three");
    let image = download(&mock, results[2].as_str().unwrap()).await;
    let size = imagesize::blob_size(&image.body).unwrap();
    assert_eq!((size.width, size.height), (2848, 1600));
    assert_eq!(mock.journal()[0].billed, 3);
}

#[tokio::test]
async fn a_task_can_end_by_time() {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let end = TaskEnd::Time(Duration::from_secs(5));
    let mock = MockServer::builder().clock(clock.clone()).task(end).start().await.unwrap();
    let id = create(&mock, "").await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let task = get(&mock, &format!("/evolink/v1/tasks/{id}")).await.json();
        seen.push(task["progress"].as_u64().unwrap());
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(seen, [0, 20, 40, 60, 80, 100]);
}

#[tokio::test]
async fn the_urls_of_a_task_age_from_its_end_and_not_from_the_last_poll() {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).task(TaskEnd::Polls(1)).start().await.unwrap();
    let id = create(&mock, "").await;
    let path = format!("/evolink/v1/tasks/{id}");
    let first = get(&mock, &path).await.json();
    clock.advance(Duration::from_secs(86_401));
    let later = get(&mock, &path).await.json();
    assert_eq!(first["results"], later["results"]);
    assert_eq!(download(&mock, later["results"][0].as_str().unwrap()).await.status, 403, "a day has passed");
}

#[tokio::test]
async fn unknown_and_malformed_ids_get_the_published_errors() {
    let mock = MockServer::start().await.unwrap();
    let unknown = get(&mock, "/evolink/v1/tasks/task-unified-1757165031-nobody00").await;
    assert_eq!((unknown.status, unknown.json()["error"]["code"].as_str()), (404, Some("task_not_found")));
    let malformed = get(&mock, "/evolink/v1/tasks/something-else").await;
    assert_eq!((malformed.status, malformed.json()["error"]["code"].as_str()), (400, Some("invalid_task_id")));
    assert_eq!(malformed.json()["error"]["param"], "task_id");
}

#[tokio::test]
async fn references_leave_less_room() {
    let mock = MockServer::builder().task(TaskEnd::Polls(1)).start().await.unwrap();
    let references: Vec<String> = (0..12).map(|n| format!("https://example.com/{n}.png")).collect();
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "8 posters", "n": 15, "image_urls": references });
    let created = post(&mock, CREATE, &body).await;
    assert_eq!(created.status, 200, "too many together is no error here");
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let task = get(&mock, &format!("/evolink/v1/tasks/{id}")).await.json();
    assert_eq!(task["results"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn tasks_and_images_carry_their_session() {
    let mock = MockServer::builder().task(TaskEnd::Polls(1)).start().await.unwrap();
    let id = create(&mock, "/s/blue").await;
    assert!(id.ends_with("-blue"), "{id}");
    let other = get(&mock, &format!("/s/red/evolink/v1/tasks/{id}")).await;
    assert_eq!(other.status, 404, "another session does not see it");
    let task = get(&mock, &format!("/evolink/v1/tasks/{id}")).await.json();
    let url = task["results"][0].as_str().unwrap();
    assert!(url.contains("/s/blue/pictures/evolink/"), "{url}");
    assert_eq!(download(&mock, url).await.status, 200);
    assert_eq!(mock.session("blue").journal().len(), 3, "create, poll and download");
}

#[tokio::test]
async fn a_stuck_task_never_ends() {
    let mock = MockServer::start().await.unwrap();
    let key = [("authorization", "Bearer sk-mock-stuck")];
    let body = three_views().to_string();
    let created = send(&mock, "POST", CREATE, &key, body.as_bytes()).await.unwrap().json();
    let path = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
    for _ in 0..10 {
        assert_ne!(get(&mock, &path).await.json()["status"], "completed");
    }
}

#[tokio::test]
async fn models_and_credits() {
    let mock = MockServer::start().await.unwrap();
    let models = get(&mock, "/aiearth/v1/models").await.json();
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"doubao-seedream-5-0-260128"), "{ids:?}");
    let ark = get(&mock, "/ark/api/v3/models").await;
    assert_eq!((ark.status, ark.json()["object"].as_str()), (200, Some("list")));
    assert_eq!((ark.header("x-mock-fixture"), ark.header("x-mock-evidence")), ("ark/models/list", "derived"));
    let without_key = download(&mock, "/evolink/v1/credits").await;
    assert_eq!(without_key.status, 401);
}

#[test]
fn every_model_that_is_taken_is_listed() {
    let engine = engine();
    for (path, members) in [
        ("/aiearth/v1/models", &["created", "id", "object", "owned_by", "supported_endpoint_types"][..]),
        ("/ark/api/v3/models", &["id", "object"]),
        ("/ark/v1/models", &["created", "id", "object", "owned_by", "supported_endpoint_types"]),
    ] {
        let list = json(&engine_calls::get(&engine, path));
        let provider = seedream_fixtures::provider(path.split('/').nth(1).unwrap()).unwrap();
        let listed: Vec<&str> =
            list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
        let mut sold: Vec<&str> = provider
            .models
            .iter()
            .flat_map(|model| std::iter::once(&model.id).chain(&model.aliases).map(String::as_str))
            .collect();
        for id in &listed {
            let body = json!({ "model": id, "prompt": "a kite" });
            assert_eq!(
                engine_calls::post(&engine, &engine_calls::create_path(&provider.id), &body).status,
                200,
                "{id} is taken"
            );
        }
        let mut each = listed.clone();
        sold.sort_unstable();
        each.sort_unstable();
        assert_eq!(each, sold, "{path}: each once");
        for model in list["data"].as_array().unwrap() {
            assert_eq!(model.as_object().unwrap().keys().collect::<Vec<_>>(), members, "{path}");
        }
    }
}

#[tokio::test]
async fn credits_are_what_the_ledger_leaves() {
    let mock = MockServer::builder().task(TaskEnd::Polls(1)).start().await.unwrap();
    let credits = async |key: &str| {
        let authorization = format!("Bearer {key}");
        let headers = [("authorization", authorization.as_str())];
        let response = send(&mock, "GET", "/evolink/v1/credits", &headers, b"").await.unwrap();
        assert_eq!((response.status, response.header("x-mock-fixture")), (200, "evolink/credits/balance"));
        let account = |name: &str| {
            let account = &response.json()["data"][name];
            (account["remaining_credits"].as_f64().unwrap(), account["used_credits"].as_f64().unwrap())
        };
        (account("token"), account("user"))
    };
    let untouched = credits("sk-test").await;
    let id = create(&mock, "").await;
    let rounded = |credits: f64| (credits * 1e4).round() / 1e4;
    let spent = |(remaining, used): (f64, f64), credits| (rounded(remaining - credits), rounded(used + credits));
    assert_eq!(credits("sk-test").await, (spent(untouched.0, 7.2), spent(untouched.1, 7.2)), "four are reserved");
    get(&mock, &format!("/evolink/v1/tasks/{id}")).await;
    assert_eq!(credits("sk-test").await, (spent(untouched.0, 5.4), spent(untouched.1, 5.4)), "three were delivered");
    assert_eq!(credits("sk-other").await, (untouched.0, spent(untouched.1, 5.4)), "another key of the same user");
}
