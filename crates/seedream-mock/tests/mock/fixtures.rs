//! Documented requests get the documented responses.

use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};
use seedream_mock::{Engine, MockServer, Script};
use serde_json::{Value, json};

use crate::engine_calls::{engine, now, request};
use crate::http1_client::{download, get, post, send};

/// Every exchange that a request can find: it has a body to be equal to, and a response.
fn findable() -> impl Iterator<Item = &'static RecordedExchange> {
    seedream_fixtures::exchanges().iter().filter(|exchange| {
        let has_body = exchange.request.as_ref().is_some_and(|request| request.json.is_some());
        let known = seedream_fixtures::provider(exchange.provider()).is_some();
        let status = exchange.response.as_ref().map_or(401, |response| response.status);
        has_body && known && status != 401 && exchange.operation != OperationKind::Callback
    })
}

fn replay(engine: &Engine, exchange: &RecordedExchange, force: bool) -> Script {
    let asked = exchange.request.as_ref().unwrap();
    let body = asked.json.as_ref().map(|json| json.get().to_owned()).unwrap_or_default();
    let path = format!("/{}{}", exchange.provider(), asked.path);
    let mut request = request(&asked.method, &path, Some("sk-test"), body);
    if force {
        request.headers_mut().insert("x-mock-fixture", exchange.id().parse().unwrap());
    }
    engine.handle(now(), &request)
}

#[tokio::test]
async fn every_documented_request_finds_its_response() {
    let mock = MockServer::start().await.unwrap();
    let mut count = 0;
    for exchange in findable() {
        let asked = exchange.request.as_ref().unwrap();
        let path = format!("/{}{}", exchange.provider(), asked.path);
        let response = post(&mock, &path, &asked.json_value().unwrap()).await;
        assert_eq!(response.header("x-mock-fixture"), exchange.id());
        assert_eq!(response.status, exchange.response.as_ref().unwrap().status, "{}", exchange.id());
        assert_eq!(response.header("x-mock-evidence"), exchange.source.kind.as_str());
        count += 1;
    }
    assert!(count > 100, "only {count} exchanges were replayed");
}

#[test]
fn forced_responses_are_byte_exact() {
    let engine = engine();
    for exchange in findable() {
        let script = replay(&engine, exchange, true);
        let body = script.body();
        match &exchange.response.as_ref().unwrap().body {
            RecordedBody::Json(raw) => assert_eq!(body, raw.get().as_bytes(), "{}", exchange.id()),
            RecordedBody::Text(text) | RecordedBody::Sse(text) => {
                assert_eq!(body, text.as_bytes(), "{}", exchange.id());
            }
            RecordedBody::Base64(_) => {}
        }
    }
}

/// The names of all members in the order of the text, which a sorted map would lose.
fn member_order(text: &str) -> Vec<String> {
    let quoted = text.split('"').collect::<Vec<_>>();
    quoted.windows(2).filter(|pair| pair[1].trim_start().starts_with(':')).map(|pair| pair[0].to_owned()).collect()
}

#[test]
fn live_responses_keep_members_order_and_everything_that_is_not_volatile() {
    const VOLATILE: [&str; 7] = ["url", "b64_json", "created", "results", "id", "estimated_time", "task_info"];
    fn settled(value: &Value) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| {
                    let kept = if VOLATILE.contains(&name.as_str()) { Value::Null } else { settled(value) };
                    (name.clone(), kept)
                })
                .collect(),
            Value::Array(items) => items.iter().map(settled).collect(),
            other => other.clone(),
        }
    }
    let engine = engine();
    for exchange in findable() {
        let RecordedBody::Json(raw) = &exchange.response.as_ref().unwrap().body else { continue };
        let body = replay(&engine, exchange, false).body();
        let text = std::str::from_utf8(&body).unwrap();
        assert_eq!(member_order(text), member_order(raw.get()), "{}", exchange.id());
        let (live, documented) = (serde_json::from_str(text).unwrap(), serde_json::from_str(raw.get()).unwrap());
        assert_eq!(settled(&live), settled(&documented), "{}", exchange.id());
    }
}

#[test]
fn live_streams_keep_every_byte_that_is_not_volatile() {
    // Between the quotes of a URL or an image, and the digits of a time.
    fn settled(text: &str) -> String {
        let mut kept = String::new();
        let mut rest = text;
        while let Some(at) = ["\"url\":", "\"b64_json\":", "\"created\":", "\"created_at\":"]
            .iter()
            .filter_map(|name| rest.find(name).map(|at| at + name.len()))
            .min()
        {
            kept.push_str(&rest[..at]);
            let value = &rest[at..];
            rest = &value[value.find([',', '}']).unwrap()..];
        }
        kept + rest
    }
    let engine = engine();
    let mut seen = 0;
    for exchange in findable() {
        let RecordedBody::Sse(text) = &exchange.response.as_ref().unwrap().body else { continue };
        let body = replay(&engine, exchange, false).body();
        // What is spread over several lines is answered as it is printed.
        assert_eq!(settled(std::str::from_utf8(&body).unwrap()), settled(text), "{}", exchange.id());
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} streams were replayed");
}

#[test]
fn live_urls_have_the_size_the_response_states() {
    let engine = engine();
    let mut seen = 0;
    for exchange in findable() {
        let Ok(response) = serde_json::from_slice::<Value>(&replay(&engine, exchange, false).body()) else { continue };
        for item in response["data"].as_array().into_iter().flatten() {
            if let (Some(url), Some(size)) = (item["url"].as_str(), item["size"].as_str()) {
                assert!(
                    url.starts_with("http://mock/pictures/") && url.contains(&format!("-{size}")),
                    "{}",
                    exchange.id()
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "only {seen} pictures state a size");
}

#[test]
fn created_is_now() {
    let engine = engine();
    let mut seen = 0;
    for exchange in findable().filter(|exchange| exchange.operation == OperationKind::Create) {
        let Ok(response) = serde_json::from_slice::<Value>(&replay(&engine, exchange, false).body()) else { continue };
        if let Some(created) = response.get("created").filter(|created| created.is_number()) {
            assert_eq!(created.as_i64(), Some(now().as_second()), "{}", exchange.id());
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} answers had a time");
}

#[tokio::test]
async fn the_images_of_a_documented_response_open_at_the_size_it_states() {
    let mock = MockServer::start().await.unwrap();
    let mut opened = 0;
    for id in ["gogogotoken/generate", "ark/generate", "aiearth/generate", "opeai/generate"] {
        let stated = |exchange: &&RecordedExchange| {
            let text = match &exchange.response.as_ref().unwrap().body {
                RecordedBody::Json(raw) => raw.get(),
                _ => "",
            };
            exchange.id().starts_with(id) && text.contains("\"url\"") && text.contains("\"size\"")
        };
        let Some(exchange) = findable().find(stated) else { continue };
        let asked = exchange.request.as_ref().unwrap();
        let path = format!("/{}{}", exchange.provider(), asked.path);
        let response = post(&mock, &path, &asked.json_value().unwrap()).await;
        assert_eq!(response.header("x-mock-fixture"), exchange.id());
        let item = response.json()["data"][0].clone();
        let image = download(&mock, item["url"].as_str().unwrap()).await;
        let size = imagesize::blob_size(&image.body).unwrap();
        assert_eq!(json!(format!("{}x{}", size.width, size.height)), item["size"], "{}", exchange.id());
        opened += 1;
    }
    assert!(opened >= 2, "only {opened} documented pictures were opened");
}

#[tokio::test]
async fn a_documented_task_can_be_polled() {
    let mock = MockServer::start().await.unwrap();
    let creates = |exchange: &&RecordedExchange| exchange.id().starts_with("evolink/generate/");
    let exchange = findable().find(creates).unwrap();
    let asked = exchange.request.as_ref().unwrap();
    let created = post(&mock, &format!("/evolink{}", asked.path), &asked.json_value().unwrap()).await;
    assert_eq!(created.header("x-mock-fixture"), exchange.id());
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.json()["task_info"]["estimated_time"], 1, "how long it takes is the mock's to say");
    let polled = get(&mock, &format!("/evolink/v1/tasks/{id}")).await;
    assert_eq!((polled.status, polled.json()["id"].as_str()), (200, Some(id.as_str())));
}

#[tokio::test]
async fn an_unknown_fixture_is_explained() {
    let mock = MockServer::start().await.unwrap();
    let headers = [("authorization", "Bearer sk-test"), ("x-mock-fixture", "ark/generate/no-such-case")];
    let response = send(&mock, "POST", "/ark/api/v3/images/generations", &headers, b"{}").await.unwrap();
    assert_eq!(response.status, 400);
    assert_eq!(response.json()["error"]["code"], "mock_no_such_fixture");
}

#[test]
fn an_explicit_null_is_an_absent_member() {
    let engine = engine();
    let exchange = findable().find(|exchange| exchange.provider() == "gogogotoken").unwrap();
    let asked = exchange.request.as_ref().unwrap();
    let mut body = asked.json_value().unwrap();
    body["seed"] = Value::Null;
    let path = format!("/gogogotoken{}", asked.path);
    let script = engine.handle(now(), &request("POST", &path, Some("sk-test"), body.to_string()));
    assert_eq!(script.header("x-mock-fixture"), Some(exchange.id()));
}
