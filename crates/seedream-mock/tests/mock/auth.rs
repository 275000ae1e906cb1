//! Keys.

use std::io;

use seedream_mock::{Engine, MockServer, ScriptEnd, Settings};
use serde_json::json;

use crate::engine_calls::{create_path, engine, json, now, post_as, request};
use crate::http1_client::send;

/// Provider, key, status, and the code of the provider's own error.
const REFUSED: [(&str, Option<&str>, u16, &str); 18] = [
    ("gogogotoken", None, 401, "invalid_api_key"),
    ("gogogotoken", Some("sk-mock-401"), 401, "invalid_api_key"),
    ("gogogotoken", Some("sk-mock-403"), 403, "access_denied"),
    ("gogogotoken", Some("sk-mock-429"), 429, "rate_limit_exceeded"),
    ("aiearth", None, 401, ""),
    ("aiearth", Some("sk-mock-402"), 403, "insufficient_user_quota"),
    ("aiearth", Some("sk-mock-500"), 500, "InternalServiceError"),
    ("evolink", None, 401, "unauthorized"),
    ("evolink", Some("sk-mock-402"), 402, "insufficient_quota"),
    ("evolink", Some("sk-mock-403"), 403, "model_access_denied"),
    ("evolink", Some("sk-mock-429"), 429, "rate_limit_exceeded"),
    ("evolink", Some("sk-mock-500"), 500, "internal_error"),
    ("ark", None, 401, "AuthenticationError"),
    ("ark", Some("sk-mock-402"), 403, "AccountOverdueError"),
    ("ark", Some("sk-mock-429"), 429, "ModelAccountIpmRateLimitExceeded"),
    ("ark", Some("sk-mock-500"), 500, "InternalServiceError"),
    ("opeai", None, 401, "AuthenticationError"),
    ("opeai", Some("sk-mock-403"), 403, "AccessDenied"),
];

#[test]
fn each_dialect_refuses_keys_in_its_own_words() {
    let engine = engine();
    for (provider, key, status, code) in REFUSED {
        let script = engine.handle(now(), &request("POST", &create_path(provider), key, "{}"));
        let body = json(&script);
        assert_eq!((script.status, body["error"]["code"].as_str()), (status, Some(code)), "{provider} {key:?} {body}");
    }
}

#[test]
fn a_key_is_judged_before_anything_else() {
    let engine = engine();
    let mut forced = request("POST", &create_path("ark"), None, "not json");
    forced.headers_mut().insert("x-mock-fixture", "ark/generate/no-such-case".parse().unwrap());
    assert_eq!(engine.handle(now(), &forced).status, 401);
    let malformed = {
        let mut request = request("POST", &create_path("evolink"), None, "{}");
        request.headers_mut().insert("authorization", "sk-without-scheme".parse().unwrap());
        request
    };
    assert_eq!(engine.handle(now(), &malformed).status, 401);
}

#[test]
fn the_relay_of_document_003_needs_no_key() {
    let engine = engine();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a heron" }).to_string();
    let status = |key| engine.handle(now(), &request("POST", "/ark/v1/images/generations", key, body.clone())).status;
    assert_eq!(status(None), 200);
    assert_eq!(status(Some("sk-mock-429")), 429, "a test key still behaves");
}

#[test]
fn only_listed_keys_are_known() {
    let engine = Engine::new(Settings { keys: vec!["sk-mine".into()], ..Settings::default() });
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a heron" });
    assert_eq!(post_as(&engine, "sk-mine", &create_path("gogogotoken"), &body).status, 200);
    assert_eq!(post_as(&engine, "sk-other", &create_path("gogogotoken"), &body).status, 401);
}

#[test]
fn slow_waits_and_reset_ends_the_connection() {
    let engine = engine();
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a heron" });
    let slow = post_as(&engine, "sk-mock-slow", &create_path("gogogotoken"), &body);
    assert_eq!((slow.status, slow.delay), (200, engine.settings().slow));
    let reset = post_as(&engine, "sk-mock-reset", &create_path("gogogotoken"), &body);
    assert_eq!(reset.end, ScriptEnd::Reset);
}

#[tokio::test]
async fn a_reset_is_one_on_the_wire() {
    let mock = MockServer::start().await.unwrap();
    let headers = [("authorization", "Bearer sk-mock-reset")];
    let error = send(&mock, "POST", &create_path("ark"), &headers, b"{}").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(mock.journal()[0].status, 0, "the caller saw no status");
}

#[test]
fn partial_withholds_one_image_of_several() {
    let engine = engine();
    let body = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a heron", "sequential_image_generation": "auto",
    });
    let response = json(&post_as(&engine, "sk-mock-partial", &create_path("ark"), &body));
    let data = response["data"].as_array().unwrap();
    assert_eq!(data.len(), 3);
    assert_eq!(data[1]["error"]["code"], "OutputImageSensitiveContentDetected");
    assert!(data[0]["url"].is_string() && data[2]["url"].is_string());
    assert_eq!(response["usage"]["generated_images"], 2);
    assert_eq!(engine.journal(None)[0].billed, 2);
}

#[test]
fn a_mistyped_test_key_is_refused_and_the_test_keys_are_listed() {
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a heron" });
    let script = post_as(&engine(), "sk-mock-418", &create_path("gogogotoken"), &body);
    let error = json(&script);
    let message = error["error"]["message"].as_str().unwrap();
    assert_eq!((script.status, error["error"]["code"].as_str()), (400, Some("mock_no_test_key")));
    assert!(message.contains("sk-mock-429") && message.contains("sk-mock-stuck"), "{message}");
    let engine = Engine::new(Settings { keys: vec!["sk-mock-mine".into()], ..Settings::default() });
    assert_eq!(post_as(&engine, "sk-mock-mine", &create_path("gogogotoken"), &body).status, 200, "it is listed");
}

#[test]
fn what_the_mock_ignored_is_in_a_header() {
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a heron", "n": 3 });
    let script = post_as(&engine(), "sk-1", &create_path("ark"), &body);
    assert_eq!(
        (script.status, &script.headers["x-mock-note"]),
        (200, &"n is not a documented member and was ignored".parse().unwrap())
    );
}
