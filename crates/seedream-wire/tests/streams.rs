//! Events one by one: what each is, which image has which index, and when a stream is complete.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use http::{HeaderMap, StatusCode};
use seedream_core::{
    Blobs, Charge, ErrorKind, Generation, ImageData, Response, Result, StreamDecoder, Timestamp, WarningKind,
    sse::Frame,
};
use seedream_wire::{Reader, codes};
use serde_json::json;

const A: &str = "https://p.example/a.png";
const B: &str = "https://p.example/b.png";

fn decoder(asked: u32, events: &[(&str, String)]) -> Box<dyn StreamDecoder> {
    let reader = Reader { model: "m".into(), kind_of: |_, code| codes::ark(code), lifetime: None };
    let mut decoder = reader.stream(asked);
    for (event, data) in events {
        let event = (!event.is_empty()).then(|| (*event).to_owned());
        decoder.event(&Frame { event, data: data.clone() }, &Blobs::default());
    }
    decoder
}

fn finished(events: &[(&str, String)]) -> Result<Generation> {
    decoder(15, events).finish(&Response::new(StatusCode::OK, HeaderMap::new(), "", Timestamp::UNIX_EPOCH))
}

/// Each image as its index and URL, and the kinds of the warnings.
fn seen(events: &[(&str, String)]) -> (Vec<(u32, String)>, Vec<WarningKind>) {
    let generation = finished(events).unwrap_or_else(|error| panic!("{events:?}: {error}"));
    let shown = |data: &ImageData| match data {
        ImageData::Url { url, .. } => url.clone(),
        other => panic!("{other:?}"),
    };
    let images = generation.images().map(|image| (image.index, shown(&image.data))).collect();
    (images, generation.warnings.iter().map(|warning| warning.kind).collect())
}

fn failed(code: &str, message: &str) -> String {
    let error = json!({"code": code, "message": message});
    json!({"type": "image_generation.partial_failed", "image_index": 0, "error": error}).to_string()
}

fn completed(usage: u64) -> String {
    json!({"type": "image_generation.completed", "usage": {"generated_images": usage}}).to_string()
}

#[test]
fn an_image_has_the_stated_index_where_one_is_stated_for_it_alone() {
    for (event, indices) in [
        (json!({"image_index": 5, "url": A}), &[(5, A)][..]),
        (json!({"url": A}), &[(0, A)]),
        (json!({"image_index": 5, "data": [{"url": A}, {"url": B}]}), &[(0, A), (1, B)]),
        (json!({"image_index": 5, "url": [A, B]}), &[(0, A), (1, B)]),
        (json!({"url": "", "data": [{"url": A}]}), &[(0, A)]),
    ] {
        let (images, kinds) = seen(&[("", event.to_string())]);
        assert_eq!(kinds.is_empty(), !event["url"].is_array(), "{event}: {kinds:?}");
        let expected: Vec<_> = indices.iter().map(|(index, url)| (*index, (*url).to_owned())).collect();
        assert_eq!(images, expected, "{event}");
    }
}

#[test]
fn a_failure_is_repeated_if_its_code_and_message_are() {
    for (second, outcomes) in [(failed("x", "no"), 1), (failed("y", "no"), 2), (failed("x", "never"), 2)] {
        let error = finished(&[("", failed("x", "no")), ("", second.clone())]).unwrap_err();
        assert_eq!(error.generation().unwrap().outcomes.len(), outcomes, "{second}");
    }
}

#[test]
fn a_stream_is_complete_when_all_that_is_billed_or_requested_has_arrived() {
    let image = |url: &str| json!({ "url": url }).to_string();
    let last = |url: &str| json!({"type": "image_generation.completed", "url": url}).to_string();
    for (asked, events, complete) in [
        (1, vec![], false),
        (1, vec![image(A)], false),
        (15, vec![image(A), completed(1)], true),
        (15, vec![image(A), completed(2)], false),
        (15, vec![image(A), image(B), completed(1)], true),
        (1, vec![last(A)], true),
        (2, vec![last(A)], false),
        (2, vec![last(A), last(B)], true),
    ] {
        let events: Vec<_> = events.into_iter().map(|data| ("", data)).collect();
        assert_eq!(decoder(asked, &events).is_complete(), complete, "{asked} {events:?}");
    }
}

#[test]
fn json_among_words_is_read_and_damage_is_told() {
    let one = vec![(0, A.to_owned())];
    for (event, data, kinds) in [
        ("", format!(r#"see {{"url":"{A}"}} there"#), &[][..]),
        // Whatever the name of its event.
        ("error", json!({ "url": A }).to_string(), &[]),
        ("", format!(r#"{{"url":"{A}""#), &[WarningKind::Unreadable]),
        ("", format!(r#"{{"url":"{A}",}}"#), &[WarningKind::Repaired]),
        ("", json!([{ "url": A }]).to_string(), &[WarningKind::Undocumented]),
        ("", json!([{"type": "x", "url": A}]).to_string(), &[]),
    ] {
        assert_eq!(seen(&[(event, data.clone())]), (one.clone(), kinds.to_vec()), "{data}");
    }
}

#[test]
fn words_of_an_error_event_are_its_message_and_may_name_its_code() {
    for (event, data, code, message) in [
        ("error", "busy [1]", None, "busy [1]"),
        (
            "Some.Error",
            "failed (InternalServiceError): again",
            Some("InternalServiceError"),
            "failed (InternalServiceError): again",
        ),
        ("error", "AuthenticationError: no", Some("AuthenticationError"), "AuthenticationError: no"),
        ("error", "- InvalidParameter.size.", Some("InvalidParameter.size"), "- InvalidParameter.size."),
    ] {
        let error = finished(&[(event, data.to_owned())]).unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message), "{data}");
    }
    // A comment is not a word, and an empty event is nothing.
    for data in [": keep-alive", " ", ""] {
        for event in ["", "error"] {
            let error = finished(&[(event, data.to_owned())]).unwrap_err();
            assert!(!error.message().contains("keep-alive"), "{event} {data}: {error}");
            assert_eq!(error.kind(), ErrorKind::NoImages, "{event} {data}");
        }
    }
    let error = finished(&[("error", json!({"detail": {"x": 1}}).to_string())]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
}

#[test]
fn only_an_undamaged_complete_stream_can_say_that_nothing_was_billed() {
    let refusal = || ("", failed("OutputImageSensitiveContentDetected", "no"));
    let repaired = completed(0).replace("}}", "},}");
    for (events, charge) in [
        (vec![refusal(), ("", completed(0))], Charge::No),
        (vec![refusal(), ("", repaired)], Charge::Unknown),
        (vec![refusal(), ("", json!({"usage": {"generated_images": 0}}).to_string())], Charge::Unknown),
    ] {
        assert_eq!(finished(&events).unwrap_err().charge(), charge, "{events:?}");
    }
}
