//! A user's own exchanges over the embedded ones.

use std::fs;
use std::path::PathBuf;

use seedream_mock::{Engine, MockServer};
use serde_json::{Value, json};

use crate::engine_calls::{get, json, now, post, request};
use crate::http1_client;

/// A folder that goes away with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str, files: &[(&str, Value)]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("seedream-mock-{name}-{}", std::process::id())));
        for (file, value) in files {
            let path = folder.0.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
        }
        folder
    }

    pub(crate) fn engine(&self) -> Engine {
        MockServer::builder().fixtures(&self.0).unwrap().engine()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

const PATH: &str = "/ark/api/v3/images/generations";

/// An exchange of Ark with some body and some answer.
fn exchange(body: &Value, response: &Value) -> Value {
    json!({ "request": { "method": "POST", "path": "/api/v3/images/generations", "json": body }, "response": response })
}

fn kite() -> Value {
    json!({ "model": "house-model", "prompt": "a kite" })
}

#[test]
fn a_users_exchange_is_found_by_its_request_and_its_name() {
    let response = json!({
        "status": 200, "headers": { "x-house": "ours" },
        "json": { "created": 7, "data": [{ "url": "https://house/1.png", "size": "640x480" }] },
    });
    let folder = Folder::new("own", &[("ark/generate/house.json", exchange(&kite(), &response))]);
    let engine = folder.engine();
    let script = post(&engine, PATH, &kite());
    assert_eq!((script.status, script.header("x-house")), (200, Some("ours")));
    assert_eq!(script.header("x-mock-fixture"), Some("ark/generate/house"));
    assert_eq!(script.header("x-mock-evidence"), Some("user"));
    let url = json(&script)["data"][0]["url"].as_str().unwrap().to_owned();
    let image = get(&engine, url.strip_prefix("http://mock").unwrap()).body();
    let size = imagesize::blob_size(&image).unwrap();
    assert_eq!((size.width, size.height), (640, 480), "its pictures open");
    let mut forced = request("POST", PATH, Some("sk-test"), "{}");
    forced.headers_mut().insert("x-mock-fixture", "ark/generate/house".parse().unwrap());
    assert_eq!(json(&engine.handle(now(), &forced)), response["json"], "byte for byte where it is asked for by name");
    assert_eq!(
        post(&engine, PATH, &json!({ "model": "house-model", "prompt": "another" })).status,
        404,
        "only that one"
    );
}

#[test]
fn an_own_exchange_wins_over_an_embedded_one_with_the_same_request() {
    let documented = seedream_fixtures::exchange("ark/generate/document-003").unwrap();
    let asked = documented.request.as_ref().unwrap();
    let body = asked.json_value().unwrap();
    let mut own = exchange(&body, &json!({ "status": 418, "json": { "error": { "code": "Teapot", "message": "" } } }));
    own["request"]["path"] = json!(asked.path);
    own["source"] = json!({ "kind": "observed", "note": "a teapot" });
    let folder = Folder::new("wins", &[("ark/errors/teapot.json", own)]);
    let engine = folder.engine();
    let path = format!("/ark{}", asked.path);
    let mut loud = body.clone();
    loud["seed"] = Value::Null;
    for body in [&body, &loud] {
        let script = post(&engine, &path, body);
        assert_eq!((script.status, script.header("x-mock-fixture")), (418, Some("ark/errors/teapot")));
        assert_eq!(script.header("x-mock-evidence"), Some("observed"), "what its source says");
    }
    let mut forced = request("POST", &path, Some("sk-test"), "{}");
    forced.headers_mut().insert("x-mock-fixture", documented.id().parse().unwrap());
    assert_eq!(engine.handle(now(), &forced).status, 200, "the documented one still has its name");
}

#[test]
fn the_same_name_replaces_and_an_own_401_can_be_found() {
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "mine" });
    let refused = json!({ "status": 401, "text": "who are you?" });
    let folder = Folder::new("name", &[("ark/generate/document-003.json", exchange(&body, &refused))]);
    let engine = folder.engine();
    let script = post(&engine, PATH, &body);
    assert_eq!((script.status, &script.body()[..]), (401, &b"who are you?"[..]));
    assert_eq!(script.header("x-mock-fixture"), Some("ark/generate/document-003"));
}

#[tokio::test]
async fn a_folder_can_bring_a_provider() {
    let text = include_str!("../../../../fixtures/gogogotoken/provider.json");
    let mut provider: Value = serde_json::from_str(text).unwrap();
    provider["id"] = json!("house");
    provider["models"][0]["id"] = json!("house-model");
    provider["default_model"] = json!("house-model");
    let folder = Folder::new("provider", &[("house/provider.json", provider)]);
    let mock = MockServer::builder().fixtures(&folder.0).unwrap().start().await.unwrap();
    assert!(mock.ready_line().contains(&format!("\"house\":\"{}/house\"", mock.url())), "{}", mock.ready_line());
    let response = http1_client::post(&mock, "/house/v1/images/generations", &kite()).await;
    assert_eq!((response.status, response.json()["data"].as_array().unwrap().len()), (200, 1));
    assert_eq!(mock.ledger().len(), 1, "it bills too");
}

#[test]
fn every_fault_of_a_folder_is_reported_at_once() {
    let secret = json!({
        "request": { "method": "POST", "path": "/api/v3/images/generations", "headers": { "Authorization": "Bearer sk-secret" } },
        "response": { "status": 200, "text": "" },
    });
    let files = [
        ("ark/generate/key.json", secret),
        ("ark/generate/two-bodies.json", exchange(&kite(), &json!({ "status": 200 }))),
    ];
    let folder = Folder::new("faults", &files);
    let error = MockServer::builder().fixtures(&folder.0).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].ends_with("/ark/generate/key.json:3: a key does not belong into a fixture"), "{text}");
    assert!(
        lines[1].contains("/ark/generate/two-bodies.json:") && lines[1].contains("exactly one of json, text"),
        "{text}"
    );
    assert!(!text.contains("sk-secret"), "{text}");
}
