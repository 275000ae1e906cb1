//! Billed images are decoded, whatever the rest of the response is.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use seedream_core::{
    Blobs, Charge, Decoded, ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, OutputFormat, Pixels,
    Response, Result, Timestamp, WarningKind, sse,
};
use seedream_wire::{Reader, codes};
use serde_json::{Value, json};

fn reader() -> Reader {
    let kind_of = |_, code: &str| codes::ark(code);
    Reader { model: "m".into(), kind_of, lifetime: None }
}

fn response(body: impl Into<bytes::Bytes>) -> Response {
    Response::new(StatusCode::OK, HeaderMap::new(), body, Timestamp::UNIX_EPOCH)
}

fn read(body: &Value) -> Result<Generation> {
    done(reader().outcome(&response(body.to_string())))
}

fn done(outcome: Result<Decoded>) -> Result<Generation> {
    match outcome? {
        Decoded::Done(generation) => Ok(generation),
        other => panic!("expected images, saw {other:?}"),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("(generated_images|output_tokens|tool_usage|[a-z]{1,4})", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_success_with_an_image_is_never_an_error(
        usage in any_json(), created in any_json(), model in any_json(), size in any_json(), format in any_json(), error in any_json(),
    ) {
        let body = json!({
            "model": model, "created": created, "usage": usage, "error": error, "size": size,
            "data": [{"url": "https://images.example/0.png", "size": size, "output_format": format, "error": error}],
        });
        let generation = read(&body).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(generation.images().count(), 1);
        prop_assert_eq!(generation.raw, body.to_string());
    }

    #[test]
    fn no_response_makes_the_reader_panic(body in any_json(), status in 100_u16..600, bytes in any::<Vec<u8>>()) {
        let mut raw = response(json!({"data": [body], "error": body}).to_string());
        raw.status = StatusCode::from_u16(status).unwrap();
        let _ = reader().outcome(&raw);
        raw.body = bytes.into();
        let _ = reader().outcome(&raw.clone());
        let _ = reader().outcome(&raw.mended());
    }

    #[test]
    fn images_inside_a_response_are_read_in_every_writing(bytes in prop::collection::vec(any::<u8>(), 1..64)) {
        let plain = STANDARD.encode(&bytes);
        let (head, tail) = plain.split_at(plain.len() / 2);
        for written in [
            plain.clone(),
            plain.trim_end_matches('=').to_owned(),
            format!("data:image/png;base64,{plain}"),
            format!("{head}\r\n{tail}\n"),
        ] {
            let generation = read(&json!({"data": [{"b64_json": written}]})).unwrap();
            let data = &generation.images().next().unwrap().data;
            prop_assert_eq!(data, &ImageData::Bytes(bytes.clone().into()));
        }
    }

    #[test]
    fn a_truncated_stream_keeps_its_arrived_events(at in any::<prop::sample::Index>()) {
        let whole = stream(STREAM.as_bytes(), false).unwrap();
        let cut = &STREAM.as_bytes()[..at.index(STREAM.len() + 1)];
        let kept = stream(cut, true).map(|generation| generation.outcomes).unwrap_or_default();
        // Of the last event its end may be missing, such as the size.
        let urls = |outcomes: &[Result<GeneratedImage, ImageFailure>]| -> Vec<_> {
            outcomes.iter().map(|outcome| outcome.as_ref().map(|image| image.data.clone()).ok()).collect()
        };
        prop_assert!(urls(&whole.outcomes).starts_with(&urls(&kept)));
        // Every event whose blank line had arrived counts.
        let complete = String::from_utf8_lossy(cut).matches("}\n\n").count().min(3);
        prop_assert!(kept.len() >= complete || kept.is_empty() && complete == 0, "{} of {complete}", kept.len());
    }
}

/// An image, a refusal, an image, the usage, the end.
const STREAM: &str = "event: image_generation.partial_succeeded\ndata: {\"type\":\"image_generation.partial_succeeded\",\"model\":\"m-1\",\"created\":1757396757,\"image_index\":0,\"url\":\"https://images.example/0\",\"size\":\"2496x1664\"}\n\n\
event: image_generation.partial_failed\ndata: {\"type\":\"image_generation.partial_failed\",\"image_index\":1,\"error\":{\"code\":\"OutputImageSensitiveContentDetected\",\"message\":\"no\"}}\n\n\
data: {\"type\":\"image_generation.partial_succeeded\",\"image_index\":2,\"url\":\"https://images.example/2\",\"size\":\"2496x1664\"}\n\n\
data: {\"type\":\"image_generation.completed\",\"usage\":{\"generated_images\":2}}\n\n\
data: [DONE]\n\n";

fn stream(bytes: &[u8], truncated: bool) -> Result<Generation> {
    let mut parser = sse::Parser::new();
    let mut decoder = reader().stream(u32::MAX);
    for frame in parser.feed(bytes).into_iter().chain(parser.finish()).filter(|frame| !frame.is_done()) {
        decoder.event(&frame, &Blobs::default());
    }
    let mut head = response("");
    head.truncated = truncated;
    decoder.finish(&head)
}

#[test]
fn a_refused_image_in_a_stream_does_not_end_the_others() {
    let generation = stream(STREAM.as_bytes(), false).unwrap();
    assert_eq!((generation.images().count(), generation.failures().count()), (2, 1));
    assert_eq!(generation.failures().next().unwrap().index, 1);
    assert_eq!((generation.usage.generated_images, generation.reported_model.as_deref()), (Some(2), Some("m-1")));
}

#[test]
fn completed_is_an_image_where_it_holds_one_and_previews_are_not() {
    let openai = "data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AAAA\"}\n\n\
                  data: {\"type\":\"image_generation.completed\",\"b64_json\":\"AAEC\",\"created_at\":5}\n\n";
    let generation = stream(openai.as_bytes(), false).unwrap();
    let images: Vec<_> = generation.images().map(|image| image.data.clone()).collect();
    assert_eq!(images, [ImageData::Bytes(vec![0, 1, 2].into())]);
}

#[test]
fn an_error_event_without_images_is_the_error_and_with_images_a_warning() {
    let error = "data: {\"error\":{\"code\":\"InternalServiceError\",\"message\":\"no\"}}\n\n";
    assert_eq!(stream(error.as_bytes(), false).unwrap_err().code(), Some("InternalServiceError"));
    let image = "data: {\"url\":\"https://images.example/0\"}\n\n";
    let generation = stream(format!("{image}{error}").as_bytes(), false).unwrap();
    assert_eq!((generation.images().count(), generation.warnings.len()), (1, 1));
}

#[test]
fn images_with_the_same_index_are_all_kept() {
    let event = |n: u32| format!("data: {{\"image_index\":4294967295,\"url\":\"https://images.example/{n}\"}}\n\n");
    let generation = stream([event(0), event(1), event(2), event(1)].concat().as_bytes(), false).unwrap();
    assert_eq!(generation.images().count(), 3);
    assert_eq!(generation.warnings[0].kind, WarningKind::Repeated);
}

#[test]
fn a_truncated_item_is_a_failure_with_its_index() {
    let cut = response(&br#"{"data":[{"url":"https://images.example/0"},{"url":"https://pic"#[..]).mended();
    assert!(cut.truncated);
    let generation = done(reader().outcome(&cut)).unwrap();
    assert_eq!(generation.images().count(), 1);
    let failure = generation.failures().next().unwrap();
    assert_eq!((failure.index, failure.kind), (1, ErrorKind::Transport));
}

#[test]
fn size_and_format_are_stated_by_an_image_or_once_for_all() {
    let items = json!([{"url": "https://p.example/0", "size": "20x10", "output_format": "JPG"}, {"url": "https://p.example/1"}]);
    let generation = read(&json!({"data": items, "size": "30x10", "output_format": "png"})).unwrap();
    let facts: Vec<_> = generation.images().map(|image| (image.size, image.format)).collect();
    let pixels = |width| Some(Pixels::new(width, 10));
    assert_eq!(facts, [(pixels(20), Some(OutputFormat::Jpeg)), (pixels(30), Some(OutputFormat::Png))]);
}

#[test]
fn a_list_of_models_is_read_or_is_an_error_that_costs_nothing() {
    let read = |status: u16, body: Value| {
        let mut response = response(body.to_string());
        response.status = StatusCode::from_u16(status).unwrap();
        seedream_wire::models(&reader(), &response)
    };
    let models = read(200, json!({"data": [{"id": "a"}, {"name": "x"}, {"id": "b"}]})).unwrap();
    assert_eq!(models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let error = json!({"error": {"code": "AuthenticationError", "message": "no"}});
    for (status, body, kind) in [
        (200, error.clone(), ErrorKind::Authentication),
        (401, error, ErrorKind::Authentication),
        (404, json!({"data": []}), ErrorKind::Unsupported),
        (200, json!({"models": []}), ErrorKind::MalformedResponse),
    ] {
        let error = read(status, body.clone()).unwrap_err();
        assert_eq!((error.kind(), error.charge()), (kind, Charge::No), "{status} {body}");
    }
}

#[test]
fn unknown_members_of_an_item_are_kept() {
    let generation = read(&json!({"data": [{"url": "https://p.example/0", "z_index": 1, "name": "title"}]})).unwrap();
    let other = &generation.images().next().unwrap().other;
    assert_eq!((other["z_index"].as_u64(), other["name"].as_str()), (Some(1), Some("title")));
}

#[test]
fn the_expiry_of_a_url_is_its_own_or_the_providers() {
    let lifetime = Some(std::time::Duration::from_secs(3600));
    let reader = Reader { lifetime, ..reader() };
    for (query, ends) in [
        ("?X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400", Some("2025-09-11T01:59:21Z")),
        ("?X-Amz-Expires=600&X-Amz-Date=20250910T015921Z", Some("2025-09-10T02:09:21Z")),
        // Without its own parameters, or with some that say nothing: an hour from when it was made.
        ("", Some("2025-09-10T03:00:00Z")),
        ("?X-Amz-Date=20250910T015921Z", Some("2025-09-10T03:00:00Z")),
    ] {
        let body = json!({"created": 1757469600, "data": [{"url": format!("https://p.example/0.png{query}")}]});
        let generation = done(reader.outcome(&response(body.to_string()))).unwrap();
        let ImageData::Url { expires_at, .. } = &generation.images().next().unwrap().data else { panic!("a URL") };
        assert_eq!(*expires_at, ends.map(|at| at.parse().unwrap()), "{query}");
    }
}
