//! How whole ones behave.

use seedream_fixtures::{RecordedBody, RecordedExchange};
use seedream_mock::{Engine, MockServer, Script, Settings};
use serde_json::{Value, json};

use crate::engine_calls::{get, json, now, post, request};

const PATH: &str = "/ark/api/v3/images/generations";

fn behind(profiles: &str) -> Engine {
    Engine::new(Settings { profiles: profiles.parse().unwrap(), ..Settings::default() })
}

fn recorded(case: &str) -> &'static RecordedExchange {
    seedream_fixtures::exchange(&format!("ark/relay/{case}")).unwrap()
}

/// A text without the ids of requests, which no two responses share.
fn without_ids(text: &str) -> String {
    let text = text.split("Request id: ").next().unwrap();
    text.split(" (request id: ").next().unwrap().trim_end().to_owned()
}

/// An error without its request's id.
fn error(body: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(body).unwrap();
    let holder = if value.get("error").is_some() { &mut value["error"] } else { &mut value };
    let message = holder["message"].as_str().map(without_ids);
    holder["message"] = json!(message);
    value
}

/// The error of a recorded exchange.
fn recorded_error(case: &str) -> (u16, Value) {
    let response = recorded(case).response.as_ref().unwrap();
    let RecordedBody::Json(raw) = &response.body else { panic!("{case} is JSON") };
    (response.status, error(raw.get().as_bytes()))
}

fn answered(script: &Script) -> (u16, Value) {
    (script.status, error(&script.body()))
}

fn group() -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite", "size": "1K",
        "sequential_image_generation": "auto",
    })
}

#[test]
fn new_api_responds_as_read_and_recorded() {
    let engine = behind("ark=new-api");
    let asked = |case: &str| recorded(case).request.as_ref().unwrap().json_value().unwrap();
    for case in ["ark-error-passed-on", "model-not-found"] {
        assert_eq!(answered(&post(&engine, PATH, &asked(case))), recorded_error(case), "{case}");
    }
    let stranger = engine.handle(now(), &request("POST", PATH, None, group().to_string()));
    assert_eq!(answered(&stranger), recorded_error("invalid-token"));
    assert!(stranger.header("x-oneapi-request-id").is_some() && stranger.header("x-request-id").is_none());
    let poor = engine.handle(now(), &request("POST", PATH, Some("sk-mock-402"), group().to_string()));
    assert_eq!(answered(&poor), recorded_error("quota"));
    assert_eq!(answered(&get(&engine, "/ark/v1/nope")), recorded_error("invalid-url"));
    assert_eq!(answered(&get(&engine, "/ark/v1/models/x")), recorded_error("model-unknown-200"));
    let one = json(&get(&engine, "/ark/v1/models"))["data"][0].clone();
    let RecordedBody::Json(raw) = &recorded("models").response.as_ref().unwrap().body else { panic!("JSON") };
    let listed = serde_json::from_str::<Value>(raw.get()).unwrap()["data"][0].clone();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&listed));
    let id = one["id"].as_str().unwrap();
    assert_eq!(json(&get(&engine, &format!("/ark/v1/models/{id}"))), one);
}

#[test]
fn an_unwrapped_error_stands_at_the_top_and_loses_its_code_at_a_relay() {
    let small = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "a kite", "size": "1152x2048" });
    let bare = post(&behind("ark=unwrapped-errors"), PATH, &small);
    let shown = seedream_fixtures::exchange("ark/errors/size-too-small-top-level").unwrap();
    let RecordedBody::Json(raw) = &shown.response.as_ref().unwrap().body else { panic!("JSON") };
    assert_eq!(answered(&bare), (400, error(raw.get().as_bytes())));
    let relayed = post(&behind("ark=new-api,unwrapped-errors"), PATH, &small);
    assert_eq!(answered(&relayed), recorded_error("ark-top-level-error-passed-on"));
}

#[test]
fn an_error_without_a_type_can_be_an_upstream_error() {
    let small = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "a kite", "size": "1x1" });
    let kind = |profile: &str| json(&post(&behind(profile), PATH, &small))["error"]["type"].clone();
    assert_eq!([kind(""), kind("upstream-error"), kind("new-api")], ["", "upstream_error", "upstream_error"]);
}

#[test]
fn what_is_not_there_can_be_empty() {
    let engine = behind("ark=empty-404");
    for path in ["/ark/api/plan/v3/models", "/ark/api/v3/models", "/ark/api/v3/nope"] {
        let script = get(&engine, path);
        assert_eq!((script.status, script.body().len()), (404, 0), "{path}");
    }
    assert_eq!(post(&engine, PATH, &group()).status, 200);
    assert_eq!(get(&engine, "/aiearth/v1/models").status, 200, "another provider");
}

#[test]
fn older_evolink_has_numbers_for_codes() {
    let engine = behind("evolink=integer-codes");
    let create = |refusal: &str| {
        let mut request = request("POST", "/evolink/v1/images/generations", Some("sk-test"), "{}");
        request.headers_mut().insert("x-mock-fault", format!("refuse={refusal}").parse().unwrap());
        engine.handle(now(), &request)
    };
    let shown = |case: &str| {
        let exchange = seedream_fixtures::exchange(&format!("evolink/errors/legacy-{case}")).unwrap();
        let response = exchange.response.as_ref().unwrap();
        let RecordedBody::Json(raw) = &response.body else { panic!("{case} is JSON") };
        (response.status, serde_json::from_str::<Value>(raw.get()).unwrap())
    };
    for (refusal, case) in [
        ("invalid", "create-400"),
        ("unauthorized", "create-401"),
        ("balance", "create-402"),
        ("forbidden", "create-403"),
        ("model-not-found", "create-404"),
        ("rate-limited", "create-429"),
        ("internal", "create-500"),
        ("overloaded", "create-503"),
    ] {
        let script = create(refusal);
        assert_eq!((script.status, json(&script)), shown(case), "{refusal}");
    }
    for (id, case) in [("other", "task-400"), ("task-unified-1757165031-nobody00", "task-404")] {
        let script = get(&engine, &format!("/evolink/v1/tasks/{id}"));
        assert_eq!((script.status, json(&script)), shown(case), "{id}");
    }
    let unknown = json!({ "model": "nobody", "prompt": "a kite" });
    assert_eq!(post(&engine, "/evolink/v1/images/generations", &unknown).status, 404, "400 on the pages of today");
}

#[test]
fn new_api_loses_members_and_says_so_in_the_journal() {
    let mut body = group();
    body.as_object_mut().unwrap().extend([("seed".to_owned(), json!(7)), ("n".to_owned(), json!(3))]);
    let images = |profile: &str, body: &Value| {
        let engine = behind(profile);
        let script = post(&engine, PATH, body);
        let count = json(&script)["data"].as_array().map(Vec::len);
        (count, engine.journal(None).remove(0))
    };
    assert_eq!(images("", &body).0, Some(3));
    let (count, entry) = images("ark=new-api", &body);
    assert_eq!(
        (count, entry.profile.as_deref()),
        (Some(1), Some("new-api")),
        "the group was lost, and n means nothing to Ark"
    );
    let arrived =
        json!({ "model": "doubao-seedream-4-0-250828", "n": 3, "prompt": "3 images of a kite", "size": "1K" });
    assert_eq!(entry.effective, Some(arrived), "n was passed on");
    let mut notes = entry.notes.clone();
    notes.sort();
    assert_eq!(
        notes,
        [
            "n is not a documented member and was ignored",
            "seed was lost at the relay",
            "sequential_image_generation was lost at the relay",
        ]
    );
    // What is lost is not looked at either.
    body["sequential_image_generation"] = json!("perhaps");
    assert_eq!((images("", &body).0, images("drop-fields", &body).0), (None, Some(1)));
    let nameless = post(&behind("drop-fields"), PATH, &json!({ "prompt": "a kite" }));
    assert_eq!(
        (nameless.status, json(&nameless)["error"]["code"].as_str()),
        (404, Some("InvalidEndpointOrModel.NotFound"))
    );
    assert!(json(&nameless)["error"]["message"].as_str().unwrap().contains("dall-e"), "that is its default");
}

/// The type of each event.
fn types(script: &Script) -> Vec<String> {
    let body = script.body();
    let text = std::str::from_utf8(&body).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let kind = |data: &str| {
        serde_json::from_str::<Value>(data)
            .map_or_else(|_| data.to_owned(), |event| event["type"].as_str().unwrap().to_owned())
    };
    data.map(|data| kind(data).replace("image_generation.", "")).collect()
}

/// The same of a recorded stream.
fn recorded_types(case: &str) -> Vec<String> {
    let RecordedBody::Sse(text) = &recorded(case).response.as_ref().unwrap().body else { panic!("{case} is a stream") };
    let data = text.lines().filter_map(|line| line.strip_prefix("event: "));
    data.map(|event| event.replace("image_generation.", "")).collect()
}

#[test]
fn a_relay_ends_streams_and_tells_json_as_one() {
    let stream = |profile: &str, fault: &str| {
        let mut body = group();
        body["stream"] = json!(true);
        let mut request = request("POST", PATH, Some("sk-test"), body.to_string());
        request.headers_mut().insert("x-mock-fault", fault.parse().unwrap());
        types(&behind(profile).handle(now(), &request))
    };
    let (made, failed) = ("partial_succeeded", "partial_failed");
    assert_eq!(stream("cut-streams", "moderate=1"), recorded_types("stream-cut-at-partial-failed"));
    assert_eq!(stream("cut-streams", ""), [made, made, made, "completed", "[DONE]"], "only what fails is cut");
    assert_eq!(stream("", "moderate=1"), [made, failed, made, "completed", "[DONE]"]);
    let told = stream("json-as-stream", "moderate=1");
    assert_eq!(told.split_last().unwrap(), (&"[DONE]".to_owned(), &recorded_types("json-upstream-as-stream")[..]));
    assert_eq!(stream("new-api", "moderate=0"), [failed], "new-api has both habits: one picture, and it failed");
}

#[test]
fn a_relay_does_not_use_documented_responses() {
    let documented = seedream_fixtures::exchange("ark/generate/document-003").unwrap();
    let asked = documented.request.as_ref().unwrap();
    let path = format!("/ark{}", asked.path);
    let body = asked.json_value().unwrap();
    assert_eq!(post(&behind(""), &path, &body).header("x-mock-fixture"), Some(documented.id()));
    assert_eq!(post(&behind("ark=new-api"), &path, &body).header("x-mock-fixture"), Some("-"));
}

#[tokio::test]
async fn a_profile_of_an_unknown_provider_is_refused_at_the_start() {
    let build = |text: &str| MockServer::builder().profiles(text.parse().unwrap());
    let error = build("nobody=new-api").start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("no provider nobody; known are aiearth"), "{error}");
    assert!(build("ark=new-api").profiles("evolink=integer-codes".parse().unwrap()).start().await.is_ok());
}

#[test]
fn a_lossy_relay_makes_one_image_and_misstates_it() {
    let body = json!({
        "model": "doubao-seedream-5-0-260128", "prompt": "3 images of a kite", "size": "2048x2048", "output_format": "png",
        "watermark": false, "sequential_image_generation": "auto",
        "sequential_image_generation_options": { "max_images": 3 },
    });
    let engine = behind("ark=lossy-relay");
    let script = post(&engine, PATH, &body);
    let made = json(&script);
    assert_eq!((script.status, script.header("x-mock-evidence")), (200, Some("derived")));
    assert_eq!((made["data"].as_array().unwrap().len(), &made["data"][0]["size"]), (1, &json!("1024x1024")));
    let usage = &made["usage"];
    assert!(usage.as_object().unwrap().values().all(Value::is_string) && usage["generated_images"] == "1", "{usage}");
    let url = made["data"][0]["url"].as_str().unwrap();
    let image = get(&engine, url.strip_prefix("http://mock").unwrap()).body();
    let size = imagesize::blob_size(&image).unwrap();
    assert_eq!((size.width, size.height, &image[..2]), (2048, 2048, &b"\xff\xd8"[..]), "no PNG");
    let entry = engine.journal(None).remove(0);
    let arrived = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "3 images of a kite", "size": "2048x2048" });
    assert_eq!((entry.effective, entry.billed, entry.profile.as_deref()), (Some(arrived), 1, Some("lossy-relay")));
    assert_eq!(
        entry.notes.iter().filter(|note| note.ends_with(" was lost at the relay")).count(),
        4,
        "{:?}",
        entry.notes
    );

    let marked = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "a kite", "watermark": true });
    assert_eq!(json(&post(&engine, PATH, &marked))["data"].as_array().unwrap().len(), 1);
    assert_eq!(engine.journal(None)[2].effective, Some(marked), "only `false` is lost");
}

#[test]
fn a_lossy_relay_misstates_streams_and_tasks_too() {
    let stream = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite", "stream": true,
        "sequential_image_generation": "auto",
    });
    let script = post(&behind("ark=lossy-relay"), PATH, &stream);
    assert_eq!(types(&script), ["partial_succeeded", "completed", "[DONE]"]);
    let text = script.body();
    assert!(String::from_utf8_lossy(&text).contains(r#""generated_images":"1""#));
    let views = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    let accepted = |profile: &str| json(&post(&behind(profile), "/evolink/v1/images/generations", &views));
    let reserved = |profile: &str| accepted(profile)["usage"]["credits_reserved"].clone();
    let two = reserved("").as_f64().unwrap();
    assert_eq!(reserved("lossy-relay"), json!((two / 2.0).to_string()), "of one image, as a text");
}
