//! What no law checks: the end of a link without a signature, and that the adapter is held to the lenient cases of the law `crooked` at
//! all.

#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, StatusCode};
use seedream_core::{Dialect, ImageData, Response, Task, TaskDialect, TaskId, TaskState, Timestamp};
use seedream_evolink::Evolink;

#[test]
fn it_promises_to_read_shapes_that_its_document_does_not_show() {
    assert!(Evolink.is_lenient());
}

#[test]
fn a_link_lives_for_a_day() {
    let body = r#"{"created": 1, "status": "completed", "results": ["https://a.example/a.png"]}"#;
    let task = Task::new("evolink", "https://a.example", TaskId::new("task-unified-1-a").unwrap(), "m".into());
    let response = Response::new(StatusCode::OK, HeaderMap::new(), body, Timestamp::UNIX_EPOCH);
    let TaskState::Done(made) = Evolink.decode_poll(&task, &response).unwrap() else { panic!("not done") };
    let ends: Vec<_> = made
        .images()
        .map(|image| match &image.data {
            ImageData::Url { expires_at, .. } => expires_at.map(Timestamp::unix_seconds),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [Some(1 + 24 * 60 * 60)]);
}
