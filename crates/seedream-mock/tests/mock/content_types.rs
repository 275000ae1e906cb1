//! The content type of a request for images.

use seedream_fixtures::{RouteName, providers};
use seedream_mock::{Engine, MockServer, Settings, Validate};
use serde_json::{Value, json};

use crate::engine_calls::{engine, json, now, request};

/// A small request for images that every provider takes, with a content type or none.
fn ask(engine: &Engine, path: &str, model: &str, label: Option<&str>) -> seedream_mock::Script {
    let body = json!({ "model": model, "prompt": "a kite without a label" });
    let mut request = request("POST", path, Some("sk-test"), body.to_string());
    request.headers_mut().remove("content-type");
    if let Some(label) = label {
        request.headers_mut().insert("content-type", label.parse().unwrap());
    }
    engine.handle(now(), &request)
}

/// Every route that makes images, with the default model of its provider.
fn creating() -> impl Iterator<Item = (String, &'static str)> {
    providers().iter().flat_map(|provider| {
        let creates = provider.routes.iter().filter(|route| route.name == RouteName::Create);
        creates.map(move |route| (format!("/{}{}", provider.id, route.path), provider.default_model.as_str()))
    })
}

#[test]
fn every_route_refuses_what_is_not_labelled_as_json_in_its_own_form() {
    for (path, model) in creating() {
        for label in
            [None, Some(""), Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")]
        {
            let engine = engine();
            let script = ask(&engine, &path, model, label);
            assert_eq!((script.status, script.header("x-mock-evidence")), (400, Some("derived")), "{path} {label:?}");
            assert!(json(&script)["error"]["message"].is_string(), "{path}: {}", json(&script));
            let rule = script.header("x-mock-violation").unwrap();
            assert_eq!(rule, "Content-Type: content_type: must be application/json.");
            assert!(engine.ledger(now(), None).is_empty());
        }
    }
    let (path, model) = creating().find(|(path, _)| path.starts_with("/ark/api")).unwrap();
    let error = json(&ask(&engine(), &path, model, None))["error"].clone();
    assert_eq!((&error["code"], &error["type"]), (&json!("InvalidParameter"), &json!("BadRequest")));
    assert!(
        error["message"].as_str().unwrap().starts_with(
            "The parameter `Content-Type` specified in the request is not valid: must be application/json."
        )
    );
}

#[test]
fn what_the_sdks_send_is_taken() {
    for (path, model) in creating() {
        for label in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/JSON",
        ] {
            assert_eq!(ask(&engine(), &path, model, Some(label)).status, 200, "{path} {label}");
        }
    }
}

#[test]
fn a_setting_takes_any_content_type() {
    let any = MockServer::builder().any_content_type(true).engine();
    for (path, model) in creating() {
        let script = ask(&any, &path, model, None);
        assert_eq!((script.status, script.header("x-mock-violation")), (200, None), "{path}");
    }
    let (path, model) = creating().next().unwrap();
    let steered = engine();
    let set = |value: Value| {
        let body = json!({ "content_type": value }).to_string();
        steered.handle(now(), &request("POST", "/__mock/v1/settings", None, body))
    };
    assert_eq!(json(&set(json!("any")))["settings"]["content_type"], "any");
    assert_eq!(ask(&steered, &path, model, None).status, 200);
    assert_eq!(json(&set(Value::Null))["settings"]["content_type"], "json");
    assert_eq!(ask(&steered, &path, model, None).status, 400);
    assert!(json(&set(json!("xml"))).to_string().contains("`xml` is neither json nor any"));
}

#[test]
fn validate_warn_names_the_content_type_and_serves_the_request() {
    let (path, model) = creating().next().unwrap();
    let of = |validate| ask(&Engine::new(Settings { validate, ..Settings::default() }), &path, model, None);
    let warned = of(Validate::Warn);
    assert_eq!(warned.status, 200);
    assert!(warned.header("x-mock-violation").unwrap().starts_with("Content-Type: "));
    let off = of(Validate::Off);
    assert_eq!((off.status, off.header("x-mock-violation")), (200, None));
}

#[test]
fn a_documented_request_without_a_label_is_refused_and_a_forced_exchange_is_not() {
    let engine = engine();
    let exchange = seedream_fixtures::exchange("gogogotoken/generate/text-5-lite").unwrap();
    let body = exchange.request.as_ref().unwrap().json.as_ref().unwrap().get().to_owned();
    let mut bare = request("POST", "/gogogotoken/v1/images/generations", Some("sk-test"), body);
    bare.headers_mut().remove("content-type");
    assert_eq!(engine.handle(now(), &bare).status, 400);
    bare.headers_mut().insert("x-mock-fixture", exchange.id().parse().unwrap());
    assert_eq!(engine.handle(now(), &bare).status, 200);
}
