//! What no law checks: the end of a link without a signature, codes that the page only refers to, what the gateway makes of a number,
//! and that the adapter is held to the lenient cases of the law `crooked` at all.

#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, StatusCode};
use seedream_core::{
    Checked, Count, Decoded, Dialect, ErrorKind, ImageRequest, Response, Result, Strictness, Timestamp,
};
use seedream_opeai::Opeai;
use serde_json::{Value, json};

fn request() -> ImageRequest {
    ImageRequest::new(&Opeai.descriptor().default_model, "a set of 3 images of a lighthouse")
}

fn checked(request: &ImageRequest) -> Checked {
    Opeai.capabilities(&request.model).check(request, Strictness::Strict).unwrap()
}

fn read(status: u16, body: &Value) -> Result<Decoded> {
    let status = StatusCode::from_u16(status).unwrap();
    let response = Response::new(status, HeaderMap::new(), body.to_string(), Timestamp::UNIX_EPOCH);
    Opeai.decode(&checked(&request()), &response)
}

#[test]
fn it_promises_to_read_shapes_that_its_document_does_not_show() {
    assert!(Opeai.is_lenient());
}

#[test]
fn a_link_lives_for_a_day() {
    let body = json!({"created": 1, "data": [{"url": "https://a.example/a.png"}]});
    let Decoded::Done(made) = read(200, &body).unwrap() else { panic!("no images") };
    let ends: Vec<_> = made.images().map(|image| image.data.expires_at().map(Timestamp::unix_seconds)).collect();
    assert_eq!(ends, [Some(1 + 24 * 60 * 60)]);
}

#[test]
fn codes_of_ark_and_of_relays_are_understood() {
    for (code, kind) in [
        ("AccountOverdueError", ErrorKind::Balance),
        ("insufficient_user_quota", ErrorKind::Balance),
        ("Unheard", ErrorKind::InvalidRequest),
    ] {
        let error = read(400, &json!({"error": {"code": code, "message": "no"}})).unwrap_err();
        assert_eq!(error.kind(), kind, "{code}");
    }
}

#[test]
fn a_group_without_a_number_is_requested_by_name() {
    let sent = |request: &ImageRequest| -> Value {
        serde_json::from_slice(Opeai.encode(&checked(request)).unwrap().body()).unwrap()
    };
    let group = request().count(Count::Auto);
    assert_eq!(sent(&group)["sequential_image_generation"], "auto");
    assert_eq!(
        sent(&group.extra("sequential_image_generation", "disabled"))["sequential_image_generation"],
        "disabled"
    );
    assert_eq!(sent(&request().count(3)).get("sequential_image_generation"), None);
}

#[test]
fn the_gateway_makes_a_group_of_a_number_above_one_for_its_seedream_models() {
    let seedream = request().model;
    for (model, n, group) in [
        (seedream.as_str(), json!(3), json!({"max_images": 3})),
        (seedream.as_str(), json!(2), json!({"max_images": 2})),
        (seedream.as_str(), json!(1), Value::Null),
        (seedream.as_str(), Value::Null, Value::Null),
        ("another-model", json!(3), Value::Null),
    ] {
        let members = json!({"model": model, "n": n}).as_object().unwrap().clone();
        let body = Value::Object(Opeai.effective(&checked(&request().count(3)), members).body);
        assert_eq!(body["sequential_image_generation_options"], group, "{model} {n}");
        assert_eq!(body.get("n"), None, "{model} {n}");
    }
}
