//! Where images are looked for, how deep, and what beside them is not an image.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use http::{HeaderMap, StatusCode};
use seedream_core::{Blobs, Decoded, ErrorKind, Generation, ImageData, Response, Result, Timestamp, WarningKind};
use seedream_wire::Reader;
use serde_json::{Value, json};

const A: &str = "https://p.example/a.png";
const B: &str = "https://p.example/b.png";
/// The token of an image that was taken out of the body.
const TOKEN: &str = "0123456789abcdef";

fn read(body: &Value) -> Result<Generation> {
    read_text(&body.to_string())
}

fn read_text(body: &str) -> Result<Generation> {
    let mut blobs = Blobs::default();
    blobs.insert(TOKEN, ImageData::Bytes("image".into()));
    let response = Response::new(StatusCode::OK, HeaderMap::new(), body.to_owned(), Timestamp::UNIX_EPOCH);
    match (Reader { model: "m".into(), kind_of: |_, _| None, lifetime: None }).outcome(&response.with_blobs(blobs))? {
        Decoded::Done(generation) => Ok(generation),
        other => panic!("expected images, saw {other:?}"),
    }
}

/// The images, and how many outcomes there are.
fn seen(body: &Value) -> (Vec<String>, usize) {
    let generation = read(body).unwrap_or_else(|error| panic!("{body}: {error}"));
    let shown = |data: &ImageData| match data {
        ImageData::Url { url, .. } => url.clone(),
        _ => "inline".to_owned(),
    };
    (generation.images().map(|image| shown(&image.data)).collect(), generation.outcomes.len())
}

/// An object inside so many others.
fn nested(depth: usize, inner: Value) -> Value {
    (0..depth).fold(inner, |inner, _| json!({ "result": inner }))
}

#[test]
fn the_search_has_a_depth() {
    for (body, found) in [
        (nested(7, json!({"images": [A]})), true),
        (nested(8, json!({"images": [A]})), false),
        // The names of members are compared by their letters as deep.
        (nested(7, json!({"Images": [A]})), true),
        // JSON inside a text, and how deep that may be.
        (nested(3, json!({"images": [A]}).to_string().into()), true),
        (nested(4, json!({"images": [A]}).to_string().into()), false),
    ] {
        assert_eq!(read(&body).is_ok(), found, "{body}");
    }
}

#[test]
fn a_list_holds_images_and_reasons_and_nothing_else() {
    for (body, images, outcomes) in [
        (json!({"images": [A, null, {"type": "x.completed"}]}), vec![A], 1),
        (json!({"images": [A, {"error": {"message": "no"}}]}), vec![A], 2),
        (json!({"images": [A, [B]]}), vec![B, A], 2),
        // An item with a list of images is an envelope.
        (json!({"output": [{"url": A, "images": [B]}]}), vec![B], 1),
        (json!({"images": [TOKEN]}), vec!["inline"], 1),
        (json!({"data": [{"image": TOKEN}]}), vec!["inline"], 1),
        (json!({"images": ["files/a.png"]}), vec!["files/a.png"], 1),
        (json!({"data": [{"b64_json": "/files/1.x"}]}), vec!["/files/1.x"], 1),
        (json!({"images": ["https://p.example/a"]}), vec!["https://p.example/a"], 1),
    ] {
        let images: Vec<_> = images.into_iter().map(str::to_owned).collect();
        assert_eq!(seen(&body), (images, outcomes), "{body}");
    }
}

#[test]
fn what_is_no_image_is_not_taken_for_one() {
    for (body, kind, outcomes) in [
        (json!({"list": ["x"]}), ErrorKind::MalformedResponse, None),
        (json!({"images": ["a kite.png"]}), ErrorKind::MalformedResponse, None),
        (json!({"images": ["0123456789abcdeg"]}), ErrorKind::MalformedResponse, None),
        // Sent references, not images.
        (json!({"results": [{"image": [A]}]}), ErrorKind::MalformedResponse, None),
        (json!({"data": {"x": 1}}), ErrorKind::NoImages, Some(0)),
        (json!({"data": {}}), ErrorKind::NoImages, Some(0)),
        (json!({"data": null}), ErrorKind::NoImages, Some(0)),
        (json!({"error": "", "data": []}), ErrorKind::NoImages, Some(0)),
        (json!({"error": [], "data": []}), ErrorKind::NoImages, Some(0)),
        (json!({"error": 7, "data": []}), ErrorKind::Server, None),
    ] {
        let error = read(&body).unwrap_err();
        assert_eq!(
            (error.kind(), error.generation().map(|generation| generation.outcomes.len())),
            (kind, outcomes),
            "{body}"
        );
    }
}

#[test]
fn an_image_of_another_list_is_not_called_repeated() {
    for first in [json!(A), json!({"url": A}), json!({"image_url": {"url": A}})] {
        let body = json!({"data": [first], "images": [first, B]});
        let generation = read(&body).unwrap();
        let kinds: Vec<_> = generation.warnings.iter().map(|warning| warning.kind).collect();
        assert_eq!((generation.images().count(), kinds), (2, vec![WarningKind::Undocumented]), "{body}");
    }
}

#[test]
fn the_same_url_is_one_image_unless_it_is_shortened() {
    for (url, images, message) in [
        (A, vec![A, A], "1 image arrived twice and is delivered once"),
        (A, vec![A, A, A], "2 images arrived twice and are delivered once"),
        ("https://p.example/...", vec!["https://p.example/..."; 2], ""),
        ("https://p.example/…", vec!["https://p.example/…"; 2], ""),
    ] {
        let generation = read(&json!({ "data": images })).unwrap();
        let told: Vec<_> = generation.warnings.iter().map(|warning| warning.message.as_str()).collect();
        let count = if message.is_empty() { images.len() } else { 1 };
        assert_eq!((generation.images().count(), told.join("")), (count, message.to_owned()), "{url}");
    }
}

#[test]
fn items_after_a_thousand_are_counted_and_images_among_them_kept() {
    let mut items = vec![json!("none"); 1030];
    items.push(json!(A));
    let generation = read(&json!({ "data": items })).unwrap();
    assert_eq!((generation.outcomes.len(), generation.images().next().unwrap().index), (1025, 1024));
    let told: Vec<_> = generation.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(told, ["6 items after the first 1024 were omitted; the raw response has them"]);
}

#[test]
fn facts_are_found_in_envelopes_and_events() {
    for (body, billed, model) in [
        (json!([{"result": {"usage": {"generated_images": 2}, "model": "x", "images": [A]}}]), Some(2), Some("x")),
        (json!([{"type": "x.one", "url": A}, {"type": "x.two", "usage": {"generated_images": 2}}]), Some(2), None),
        (json!({"data": [{"url": A}], "output": {"model": "x"}}), None, Some("x")),
        // Three envelopes are too many.
        (json!({"data": {"result": {"images": [A], "output": {"model": "x"}}}}), None, None),
    ] {
        let generation = read(&body).unwrap();
        assert_eq!((generation.billed(), generation.reported_model.as_deref()), (billed, model), "{body}");
    }
}

#[test]
fn a_member_in_another_spelling_counts_where_the_known_one_says_nothing() {
    for (item, image) in [
        (json!({"url": null, "URL": A}), A),
        (json!({"url": "", "URL": A}), A),
        (json!({"url": B, "URL": A}), B),
        (json!({"Image-Url": A}), A),
        (json!({"image_url": {"Url": A}}), A),
    ] {
        assert_eq!(seen(&json!({"data": [item]})), (vec![image.to_owned()], 1), "{item}");
    }
    // Other members are kept as they are.
    let item = json!({"url": A, "info": {"Url": "x"}, "imageurl": "y", "type": "image", "model": "m", "created": 1, "href": ""});
    let generation = read(&json!({ "data": [item] })).unwrap();
    let other = &generation.images().next().unwrap().other;
    assert_eq!(Value::Object(other.clone()), json!({"info": {"Url": "x"}, "imageurl": "y"}));
}

#[test]
fn an_item_without_an_image_says_why() {
    for (item, message) in [
        (json!({"b64_json": "!!"}), "the image is not valid base64"),
        (json!({"b64_json": ["!!"]}), "the image is not valid base64"),
        (json!({"url": ""}), "the item contains neither an image nor a reason"),
        (json!("none"), "the item contains neither an image nor a reason"),
        (json!(7), "the item contains neither an image nor a reason"),
    ] {
        let generation = read(&json!({"data": [{"url": A}, item]})).unwrap();
        let failure = generation.failures().next().unwrap();
        assert_eq!((failure.index, failure.message.as_str()), (1, message), "{item}");
    }
}

#[test]
fn several_values_in_a_body_are_a_stream_and_a_broken_one_is_repaired() {
    let kinds = |generation: &Generation| generation.warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>();
    let stream = [json!({"url": A}), json!({"url": B}), json!({"usage": {"generated_images": 2}})];
    let generation = read_text(&stream.map(|value| value.to_string()).join("\n")).unwrap();
    assert_eq!((generation.images().count(), generation.billed(), kinds(&generation)), (2, Some(2), vec![]));
    let generation = read_text(&format!(r#"{{"data":[{{"url":"{A}"}}],"usage":{{"generated_images":1}},}}"#)).unwrap();
    assert_eq!((generation.images().count(), kinds(&generation)), (1, vec![WarningKind::Repaired]));
}
