//! What no law checks: codes that no exchange shows, the end of a link without a signature, what the provider makes of a request, and that the adapter is held to the
//! lenient cases of the law `crooked` at all.

#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, StatusCode};
use seedream_core::{
    Dialect, ErrorKind, ImageRequest, Medium, Response, Stage, Strictness, Task, TaskDialect, TaskId, TaskState,
    Timestamp,
};
use seedream_evolink::Evolink;
use serde_json::json;

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
    let ends: Vec<_> = made.images().map(|image| image.data.expires_at().map(Timestamp::unix_seconds)).collect();
    assert_eq!(ends, [Some(1 + 24 * 60 * 60)]);
}

#[test]
fn the_provider_fills_in_defaults_and_makes_fewer_images_beside_references() {
    for (count, references, n, most) in [(None, 0, 1, 1), (Some(5), 0, 9, 5), (Some(3), 12, 9, 3), (Some(5), 12, 3, 3)]
    {
        let mut request = ImageRequest::new(&Evolink.descriptor().default_model, "images of a lighthouse");
        request.count = count.map(u32::into);
        let request = (0..references).fold(request, |request, _| request.reference("https://a.example/b.png"));
        let checked = Evolink.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
        // A number that was sent stays as it is unless fewer are made.
        let sent = count.map(|_| ("n".to_owned(), 9.into()));
        let effective = Evolink.effective(&checked, sent.into_iter().collect());
        let expected = json!({"n": n, "size": "2048x2048", "prompt_priority": "standard"});
        assert_eq!(
            (serde_json::Value::Object(effective.body), effective.max_images),
            (expected, Some(most)),
            "{count:?}"
        );
    }
}

#[test]
fn every_code_of_the_pages_is_understood() {
    let request = ImageRequest::new(&Evolink.descriptor().default_model, "a lighthouse");
    let checked = Evolink.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
    // The status says nothing about most of them.
    for (kind, status, codes) in [
        (ErrorKind::InvalidRequest, 500, &["invalid_request", "invalid_task_id"][..]),
        (ErrorKind::Authentication, 418, &["unauthorized"]),
        (ErrorKind::Balance, 418, &["insufficient_quota", "quota_exceeded"]),
        (ErrorKind::PermissionDenied, 418, &["model_access_denied", "permission_denied"]),
        (ErrorKind::TaskNotFound, 418, &["task_not_found"]),
        (ErrorKind::RateLimited, 418, &["rate_limit_exceeded"]),
        (ErrorKind::Server, 418, &["internal_error"]),
        (ErrorKind::rejected(Stage::Unknown, Medium::Unknown), 400, &["content_policy_violation"]),
        (ErrorKind::ModelNotFound, 404, &["", "404"]),
        (ErrorKind::ReferenceImage, 413, &["", "413"]),
        (ErrorKind::InvalidRequest, 418, &["", "418"]),
        (ErrorKind::Unsupported, 404, &["unheard"]),
    ] {
        for code in codes {
            let body = json!({"error": {"code": code, "message": "no"}}).to_string();
            let status = StatusCode::from_u16(status).unwrap();
            let response = Response::new(status, HeaderMap::new(), body, Timestamp::UNIX_EPOCH);
            let error = Evolink.decode(&checked, &response).unwrap_err();
            assert_eq!(error.kind(), kind, "{status} {code}");
        }
    }
    let task = Task::new("evolink", "https://a.example", TaskId::new("task-unified-1-a").unwrap(), "m".into());
    for (kind, codes) in [
        (ErrorKind::rejected(Stage::Unknown, Medium::Unknown), &["content_policy_violation"][..]),
        (ErrorKind::InvalidRequest, &["invalid_parameters"]),
        (ErrorKind::ReferenceImage, &["image_processing_error", "image_dimension_mismatch"]),
        (ErrorKind::Cancelled, &["request_cancelled"]),
        (ErrorKind::RateLimited, &["quota_exceeded"]),
        (ErrorKind::Overloaded, &["resource_exhausted"]),
        (ErrorKind::TaskFailed, &["generation_timeout", "service_error", "unheard"]),
    ] {
        for code in codes {
            let body = json!({"status": "failed", "error": {"code": code, "message": "no"}}).to_string();
            let response = Response::new(StatusCode::OK, HeaderMap::new(), body, Timestamp::UNIX_EPOCH);
            let TaskState::Failed(error) = Evolink.decode_poll(&task, &response).unwrap() else { panic!("{code}") };
            assert_eq!(error.kind(), kind, "{code}");
        }
    }
}
