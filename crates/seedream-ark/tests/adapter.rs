//! What no law checks: the end of a link without a signature, and that the adapter is held to the lenient cases of the law `crooked` at
//! all.

#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, StatusCode};
use seedream_ark::Ark;
use seedream_core::{Decoded, Dialect, ImageData, ImageRequest, Response, Strictness, Timestamp};

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
    let ends: Vec<_> = made
        .images()
        .map(|image| match &image.data {
            ImageData::Url { expires_at, .. } => expires_at.map(Timestamp::unix_seconds),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [Some(1 + 24 * 60 * 60)]);
}
