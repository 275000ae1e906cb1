//! What no law checks: the end of a link without a signature, what the provider makes of a request, rules that differ between families,
//! and that the adapter is held to the lenient cases of the law `crooked` at all.

#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, StatusCode};
use seedream_ark::Ark;
use seedream_core::{Decoded, Dialect, Field, ImageRequest, Response, Strictness, Support, Timestamp};
use serde_json::{Value, json};

#[test]
fn it_promises_to_read_shapes_that_its_document_does_not_show() {
    assert!(Ark.is_lenient());
}

#[test]
fn a_link_lives_for_a_day() {
    let request = ImageRequest::new(&Ark.descriptor().default_model, "a lighthouse in fog");
    let checked = Ark.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
    let body = r#"{"created": 1, "data": [{"url": "https://a.example/a.png"}]}"#;
    let decoded = Ark.decode(&checked, &Response::new(StatusCode::OK, HeaderMap::new(), body, Timestamp::UNIX_EPOCH));
    let Decoded::Done(made) = decoded.unwrap() else { panic!("no images") };
    let ends: Vec<_> = made.images().map(|image| image.data.expires_at().map(Timestamp::unix_seconds)).collect();
    assert_eq!(ends, [Some(1 + 24 * 60 * 60)]);
}

#[test]
fn the_provider_fills_in_the_defaults_of_the_model() {
    for (model, group, size) in
        [("seedream-4.5", json!("disabled"), "2048x2048"), ("seedream-5.0-pro", Value::Null, "2K")]
    {
        let request = ImageRequest::new(model, "a lighthouse in fog");
        let checked = Ark.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
        let effective = Ark.effective(&checked, serde_json::Map::new());
        let body = Value::Object(effective.body);
        assert_eq!((&body["sequential_image_generation"], &body["size"]), (&group, &json!(size)), "{model}");
        assert_eq!(
            (&body["response_format"], &body["watermark"], &body["stream"], effective.max_images),
            (&json!("url"), &json!(true), &json!(false), Some(1)),
            "{model}"
        );
    }
}

#[test]
fn rules_that_differ_between_families() {
    for (model, relay_minimum, backgrounds, layers, open, most) in [
        ("seedream-4.0", Some(1024 * 1024), Some(0), Some(0), false, Some(30_000)),
        ("seedream-4.5", None, Some(0), Some(0), false, Some(40_000)),
        ("seedream-5.0-lite", None, Some(0), Some(0), false, Some(35_000)),
        ("seedream-5.0-flash", None, Some(2), Some(16), false, Some(18_000)),
        // At the most expensive tier, with two references.
        ("seedream-5.0-pro", None, Some(2), Some(16), false, Some(96_000)),
        ("seedream-5.5", None, Some(3), Some(99), true, Some(51_000)),
        ("seedream-3.0-t2i", None, Some(0), Some(0), false, None),
        ("an-unknown-model", None, None, None, false, None),
    ] {
        let rules = Ark.capabilities(&model.into());
        let seen = (
            rules.size.relay_min.map(|least| least.pixels),
            rules.background.map(|rule| rule.values.len()),
            rules.layers.as_ref().map(|rule| rule.most),
            rules.layers.is_some_and(|rule| rule.open),
            rules.price.and_then(|price| price.most(1, 2, None)).map(|most| most.micros),
        );
        assert_eq!(seen, (relay_minimum, backgrounds, layers, open, most), "{model}");
    }
}

#[test]
fn fields_that_differ_between_families() {
    use Support::{Honoured, Ignored, Refused};
    let fields = [Field::Format, Field::PromptMode, Field::WebSearch, Field::Stream, Field::Seed, Field::GuidanceScale];
    for (model, support, modes, format) in [
        ("seedream-3.0-t2i", [Refused, Refused, Refused, Refused, Honoured, Honoured], 0, "jpeg"),
        ("seedream-4.0", [Refused, Honoured, Refused, Honoured, Ignored, Refused], 2, "jpeg"),
        ("seedream-4.5", [Refused, Honoured, Refused, Honoured, Ignored, Refused], 1, "jpeg"),
        ("seedream-5.0-lite", [Honoured, Honoured, Honoured, Honoured, Ignored, Refused], 1, "jpeg"),
        ("seedream-5.0-pro", [Honoured, Honoured, Refused, Refused, Ignored, Refused], 2, "jpeg"),
        ("seedream-5.5", [Honoured, Honoured, Refused, Refused, Ignored, Refused], 1, "png"),
        ("an-unknown-model", [Honoured; 6], 2, "jpeg"),
    ] {
        let rules = Ark.capabilities(&model.into());
        let rule = |field| rules.field(field).unwrap();
        assert_eq!(fields.map(|field| rule(field).support), support, "{model}");
        assert_eq!(rule(Field::PromptMode).values.len(), modes, "{model}");
        assert_eq!(rule(Field::Format).default, Some(json!(format)), "{model}");
    }
}
