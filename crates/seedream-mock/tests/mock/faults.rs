//! Faults that the response itself shows, and every place where one can be asked for.

use std::time::Duration;

use seedream_mock::{Engine, MockServer, Script, ScriptEnd, parse_faults};
use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, get, json, now, post, post_as, post_with, request};
use crate::http1_client;

const ADMIN: &str = "/__mock/v1/faults";

fn kite() -> Value {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite above the dunes" })
}

fn with_prompt(prompt: &str) -> Value {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": prompt })
}

fn views(prompt: &str) -> Value {
    json!({ "model": "doubao-seedream-4.5", "prompt": prompt, "n": 3 })
}

fn ark(engine: &Engine, fault: &str) -> Script {
    post_with(engine, fault, &create_path("ark"), &kite())
}

fn set(engine: &Engine, session: &str, body: &str) -> Script {
    engine.handle(now(), &request("POST", &format!("{ADMIN}?session={session}"), None, body.to_owned()))
}

fn poll(engine: &Engine, created: &Script) -> Script {
    get(engine, &format!("/evolink/v1/tasks/{}", json(created)["id"].as_str().unwrap()))
}

#[test]
fn a_status_is_an_error_in_each_dialects_form() {
    let engine = engine();
    for (provider, kind) in [
        ("ark", "InternalServerError"),
        ("opeai", "InternalServerError"),
        ("gogogotoken", ""),
        ("aiearth", ""),
        ("evolink", "api_error"),
    ] {
        let provider = seedream_fixtures::provider(provider).unwrap();
        let body = json!({ "model": provider.default_model, "prompt": "a kite" });
        let fault = "status=503 code=ServerOverloaded retry-after=7 should-retry=false";
        let script = post_with(&engine, fault, &create_path(&provider.id), &body);
        let error = &json(&script)["error"];
        assert_eq!((script.status, error["code"].as_str()), (503, Some("ServerOverloaded")), "{}", provider.id);
        assert!(kind.is_empty() || error["type"] == kind, "{}: {error}", provider.id);
        assert_eq!((script.header("retry-after"), script.header("x-should-retry")), (Some("7"), Some("false")));
    }
    assert!(engine.journal(None).iter().all(|entry| entry.billed == 0 && entry.fault.is_some()));
}

#[test]
fn a_refusal_is_the_providers_own_and_can_be_reworded() {
    let engine = engine();
    let refused = ark(&engine, "refuse=rate-limited");
    assert_eq!((refused.status, &json(&refused)["error"]["code"]), (429, &json!("ModelAccountIpmRateLimitExceeded")));
    assert_eq!(refused.header("x-mock-evidence"), Some("published"));
    let quota = ark(&engine, "status=429 code=QuotaExceeded message=\"until tomorrow\"");
    let error = &json(&quota)["error"];
    assert_eq!((&error["code"], &error["type"]), (&json!("QuotaExceeded"), &json!("TooManyRequests")));
    assert!(error["message"].as_str().unwrap().starts_with("until tomorrow"), "{error}");
    assert_eq!(quota.header("x-mock-evidence"), Some("derived"));
}

#[test]
fn pages_redirects_and_spoiled_bodies() {
    let engine = engine();
    let html = ark(&engine, "html=502");
    assert_eq!((html.status, html.header("content-type")), (502, Some("text/html")));
    assert!(html.body().starts_with(b"<html>"));
    let redirect = ark(&engine, "redirect=307");
    assert_eq!((redirect.status, redirect.header("location")), (307, Some("/ark/api/v3/images/generations")));
    let away = ark(&engine, "redirect=302 to=http://169.254.169.254/");
    assert_eq!(away.header("location"), Some("http://169.254.169.254/"));
    assert!(engine.journal(None).iter().all(|entry| entry.billed == 0), "nothing was made");
    let empty = ark(&engine, "empty");
    assert_eq!((empty.status, empty.body().len()), (200, 0));
    let garbage = ark(&engine, "garbage");
    assert_eq!(garbage.header("content-type"), Some("application/json"));
    assert!(serde_json::from_slice::<Value>(&garbage.body()).is_err());
    assert_eq!(ark(&engine, "truncate=17").body().len(), 17);
    let long = ark(&engine, "oversize=3000000");
    assert!(long.body().len() > 3_000_000);
    assert!(json(&long)["data"][0]["url"].is_string(), "spaces do not spoil JSON");
    let zipped = ark(&engine, "gzip=broken");
    assert_eq!((zipped.header("content-encoding"), &zipped.body()[..2]), (Some("gzip"), &b"\x1f\x8b"[..]));
    let spoiled = engine.journal(None).split_off(3);
    assert!(spoiled.iter().all(|entry| entry.billed == 1), "these were made, and are billed");
}

#[test]
fn a_delay_is_the_scripts() {
    let engine = engine();
    assert_eq!(ark(&engine, "delay=90s").delay, Duration::from_secs(90));
    let body =
        json!({ "model": "doubao-seedream-4-0-250828", "prompt": "3 images", "sequential_image_generation": "auto" });
    let slow = post_with(&engine, "pace=2s", &create_path("ark"), &body);
    assert_eq!(slow.chunks[0].after, Duration::from_secs(6), "three pictures of two seconds each");
}

#[test]
fn tasks_get_stuck_fail_and_go_back() {
    let engine = engine();
    let create = |fault: &str| post_with(&engine, fault, &create_path("evolink"), &views("three views of a kite"));
    let states = |created: &Script, polls: usize| -> Vec<(String, u64)> {
        let one = |_| {
            let task = json(&poll(&engine, created));
            (task["status"].as_str().unwrap().to_owned(), task["progress"].as_u64().unwrap())
        };
        (0..polls).map(one).collect()
    };
    assert!(states(&create("task=stuck"), 20).iter().all(|(state, _)| state != "completed"));
    let back = states(&create("task=backward"), 4);
    assert_eq!(back.iter().map(|(_, progress)| *progress).collect::<Vec<_>>(), [66, 33, 0, 100]);
    let failed = create("task=failed");
    assert_eq!(states(&failed, 3)[2], ("failed".to_owned(), 0));
    let task = json(&poll(&engine, &failed));
    let error = json!({
        "code": "content_policy_violation", "type": "task_error",
        "message": "Content policy violation.\nYour request was blocked by safety filters...",
    });
    assert_eq!((&task["error"], task.get("results"), &task["task_info"]["can_cancel"]), (&error, None, &json!(false)));
    let timeout = create("task=failed code=generation_timeout");
    states(&timeout, 3);
    assert_eq!(json(&poll(&engine, &timeout))["error"]["code"], "generation_timeout");
}

#[test]
fn images_are_corrupt_truncated_of_another_size_or_no_images() {
    let download = |fault: &str| {
        // A mock of its own: the second of equal requests has another image.
        let engine = engine();
        let made = json(&ark(&engine, fault));
        let url = made["data"][0]["url"].as_str().unwrap();
        get(&engine, url.strip_prefix("http://mock").unwrap())
    };
    let whole = download("").body();
    assert!(!whole.is_empty());
    let corrupt = download("image=corrupt");
    assert_eq!((corrupt.status, corrupt.body().len()), (200, whole.len()));
    assert_ne!(corrupt.body(), whole);
    assert_eq!(download("image=truncated").body(), whole.slice(..whole.len() / 2));
    let small = imagesize::blob_size(&download("image=wrong-size").body()).unwrap();
    let right = imagesize::blob_size(&whole).unwrap();
    assert_eq!((small.width * 2, small.height * 2), (right.width, right.height));
    let html = download("image=html");
    assert_eq!((html.header("content-type"), &html.body()[..6]), (Some("text/html"), &b"<html>"[..]));
    let broken = download("on=image status=500 code=InternalError");
    assert_eq!((broken.status, broken.header("content-type")), (500, Some("application/json")));
    let mut inline = kite();
    inline["response_format"] = json!("b64_json");
    let script = post_with(&engine(), "image=truncated", &create_path("ark"), &inline);
    let whole = json(&post(&engine(), &create_path("ark"), &inline))["data"][0]["b64_json"].as_str().unwrap().len();
    let half = json(&script)["data"][0]["b64_json"].as_str().unwrap().len();
    assert!(half * 2 <= whole + 8, "{half} of {whole}");
}

#[test]
fn a_download_fails_so_often_and_then_opens() {
    let engine = engine();
    let made = json(&ark(&engine, "image=corrupt times=1"));
    let url = made["data"][0]["url"].as_str().unwrap().strip_prefix("http://mock").unwrap().to_owned();
    let (first, second) = (get(&engine, &url).body(), get(&engine, &url).body());
    assert_ne!(first, second);
    assert_eq!(get(&engine, &url).body(), second);
}

#[test]
fn a_prompt_says_what_goes_wrong_and_how_often() {
    let engine = engine();
    let body = with_prompt("a kite above the dunes [[mock: status=503 times=2]]");
    let statuses = [0; 4].map(|_| post(&engine, &create_path("ark"), &body).status);
    assert_eq!(statuses, [503, 503, 200, 200]);
    let other = with_prompt("another kite [[mock: status=503 times=2]]");
    assert_eq!(post(&engine, &create_path("ark"), &other).status, 503, "another prompt counts for itself");
    assert_eq!(engine.journal(None)[0].fault.as_deref(), Some("status=503"));
    let quoted = with_prompt("[[mock: status=400 message=\"no kites\"]] a kite");
    let message = json(&post(&engine, &create_path("ark"), &quoted))["error"]["message"].to_string();
    assert!(message.contains("no kites"), "{message}");
}

#[test]
fn a_prompt_reaches_the_polls_of_its_task_only() {
    let engine = engine();
    let path = create_path("evolink");
    let cursed = post(&engine, &path, &views("three views of a kite [[mock: on=poll status=500 times=2]]"));
    let plain = post(&engine, &path, &views("three views of a kite"));
    assert_eq!((cursed.status, plain.status), (200, 200));
    assert_eq!([0; 3].map(|_| poll(&engine, &cursed).status), [500, 500, 200]);
    assert_eq!(poll(&engine, &plain).status, 200);
}

#[test]
fn rules_of_a_session_follow_one_another_and_stay_in_it() {
    let engine = engine();
    assert_eq!(set(&engine, "blue", "status=503 times=1; reset@before times=1").status, 201);
    let listed = set(&engine, "blue", r#"[{"status":429,"retry-after":7,"times":1}, "on=models status=500"]"#);
    let faults = json(&listed)["faults"].clone();
    assert_eq!(
        faults[2],
        json!({ "fault": { "status": 429, "retry-after": 7, "times": 1 }, "text": "times=1 status=429 retry-after=7", "hits": 0 })
    );
    let create = |session: &str| post(&engine, &format!("{session}{}", create_path("ark")), &kite());
    assert_eq!(create("").status, 200, "another session");
    assert_eq!(create("/s/blue").status, 503);
    assert_eq!(create("/s/blue").end, ScriptEnd::Reset);
    let limited = create("/s/blue");
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
    assert_eq!(create("/s/blue").status, 200);
    assert_eq!(get(&engine, "/s/blue/aiearth/v1/models").status, 500);
    assert_eq!(get(&engine, "/aiearth/v1/models").status, 200);
    let shown = json(&engine.handle(now(), &request("GET", &format!("{ADMIN}?session=blue"), None, "")));
    assert_eq!(shown["faults"][0]["hits"], 1);
    assert!(shown["grammar"].as_array().unwrap().len() > 20);
    let cleared = engine.handle(now(), &request("DELETE", &format!("{ADMIN}?session=blue"), None, ""));
    assert_eq!(json(&cleared)["faults"], json!([]));
    assert_eq!(get(&engine, "/s/blue/aiearth/v1/models").status, 200);
}

#[tokio::test]
async fn a_builder_and_a_test_set_faults_too() {
    let faults = parse_faults("status=503 times=1").unwrap();
    let mock = MockServer::builder().faults(faults).start().await.unwrap();
    let create = async |session: &str| {
        http1_client::post(&mock, &format!("{session}{}", create_path("ark")), &kite()).await.status
    };
    for session in ["", "/s/blue"] {
        assert_eq!((create(session).await, create(session).await), (503, 200), "each session has its own");
    }
    mock.session("blue").add_faults(["status=429".parse().unwrap()]);
    assert_eq!((create("/s/blue").await, create("").await), (429, 200));
    mock.session("blue").clear_faults();
    assert_eq!(create("/s/blue").await, 200);
}

#[test]
fn a_header_means_the_request_it_stands_on_and_comes_first() {
    let engine = engine();
    set(&engine, "default", "on=poll status=500 code=OfTheSession");
    let created = post(&engine, &create_path("evolink"), &views("three views of a kite"));
    let path = format!("/evolink/v1/tasks/{}", json(&created)["id"].as_str().unwrap());
    let mut asking = request("GET", &path, Some("sk-test"), "");
    asking.headers_mut().insert("x-mock-fault", "status=429".parse().unwrap());
    let script = engine.handle(now(), &asking);
    assert_eq!((script.status, &json(&script)["error"]["code"]), (429, &json!("OfTheSession")), "word by word");
}

#[test]
fn what_is_no_fault_is_explained_and_does_nothing() {
    let engine = engine();
    let misspelled = ark(&engine, "statos=503");
    assert_eq!((misspelled.status, &json(&misspelled)["error"]["code"]), (400, &json!("mock_bad_fault")));
    assert_eq!(post(&engine, &create_path("ark"), &with_prompt("[[mock: oops]] a kite")).status, 400);
    assert_eq!(set(&engine, "default", "oops").status, 400);
    assert_eq!(set(&engine, "default", r#"{"status":"teapot"}"#).status, 400);
    assert_eq!(set(&engine, "bl%20ue", "empty").status, 400, "no session");
    assert_eq!(ark(&engine, "").status, 200);
    assert!(engine.journal(None).iter().all(|entry| entry.billed == u32::from(entry.status == 200)));
}

#[test]
fn a_stranger_gets_no_fault() {
    let engine = engine();
    let mut asking = request("POST", &create_path("ark"), None, kite().to_string());
    asking.headers_mut().insert("x-mock-fault", "html=502".parse().unwrap());
    assert_eq!(engine.handle(now(), &asking).status, 401);
    let keyed = post_as(&engine, "sk-mock-429", &create_path("ark"), &with_prompt("a kite [[mock: status=503]]"));
    assert_eq!(keyed.status, 503, "a prompt is nearer than a key");
}
