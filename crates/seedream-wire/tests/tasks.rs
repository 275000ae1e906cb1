//! Tasks: their ids, facts and progress, wherever they stand.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use http::{HeaderMap, StatusCode};
use seedream_core::{
    Acceptance, Charge, Decoded, ErrorKind, Response, Result, Task, TaskId, TaskState, Timestamp, WarningKind,
};
use seedream_wire::{Reader, Tasks};
use serde_json::{Value, json};

fn tasks() -> Tasks {
    let reader = Reader { model: "m".into(), kind_of: |_, _| None, lifetime: None };
    Tasks { reader, kind_of_failure: |_| None, results: "results", failed: Charge::No }
}

fn response(status: u16, body: &Value) -> Response {
    Response::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.to_string(), Timestamp::UNIX_EPOCH)
}

fn state(status: u16, body: &Value) -> Result<TaskState> {
    let task = Task::new("p", "https://p.example", TaskId::new("t").unwrap(), "m".into());
    tasks().state(&task, &response(status, body))
}

/// The id of a task that a response accepts instead of images.
fn instead_of_images(body: &Value) -> Option<String> {
    match tasks().reader.outcome(&response(200, body)) {
        Ok(Decoded::Accepted(accepted)) => Some(accepted.id.to_string()),
        _ => None,
    }
}

fn accepted(status: u16, body: &Value) -> Result<Acceptance> {
    match tasks().accepted(&response(status, body))? {
        Decoded::Accepted(accepted) => Ok(accepted),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn a_bare_result_is_an_id_where_a_code_says_that_all_is_well() {
    let long = |length: usize| "a".repeat(length);
    for (body, id) in [
        (json!({"code": 1, "result": "ID"}), Some("ID")),
        (json!({"code": 22, "result": "ID"}), Some("ID")),
        (json!({"code": 201, "data": "ID"}), Some("ID")),
        (json!({"code": 1, "result": 7}), Some("7")),
        (json!({"code": "success", "result": "ID"}), Some("ID")),
        (json!({"code": "200", "result": "ID"}), Some("ID")),
        (json!({"status": "submitted", "result": "ID"}), Some("ID")),
        (json!({"success": true, "result": "ID"}), Some("ID")),
        (json!({"code": 5, "result": "ID"}), None),
        (json!({"code": "broken", "result": "ID"}), None),
        (json!({"success": false, "result": "ID"}), None),
        (json!({"code": null, "result": "ID"}), None),
        (json!({"result": "ID"}), None),
        (json!({"code": 1, "result": "files/a.png"}), None),
        (json!({"code": 1, "result": long(128)}), Some(&*long(128))),
        (json!({"code": 1, "result": long(129)}), None),
        (json!({"code": 0, "id": "img-1", "data": []}), None),
    ] {
        assert_eq!(instead_of_images(&body).as_deref(), id, "{body}");
    }
}

#[test]
fn an_acceptance_has_the_facts_of_every_layer() {
    let body = json!({
        "code": 200, "model": "x",
        "data": {
            "task_id": 7, "status": "pending", "submit_time": 5, "usage": {"credits_reserved": 1.5},
            "task_info": {"estimated_time": 45, "can_cancel": true},
        },
    });
    let task = accepted(200, &body).unwrap();
    assert_eq!((task.id.as_str(), task.reported_model.as_deref()), ("7", Some("x")));
    assert_eq!((task.estimated_seconds, task.can_cancel), (Some(45), Some(true)));
    assert_eq!(task.created, Timestamp::from_unix_seconds(5));
    assert_eq!(task.usage.reserved.unwrap().micros, 1_500_000);
    let plain = accepted(200, &json!({"id": "t", "status": "pending", "created_at": 6, "estimated_time": 3})).unwrap();
    assert_eq!((plain.created, plain.estimated_seconds), (Timestamp::from_unix_seconds(6), Some(3)));
}

#[test]
fn under_the_status_of_a_failure_only_a_running_task_is_accepted() {
    assert!(accepted(400, &json!({"id": "t", "status": "pending"})).is_ok());
    assert!(accepted(400, &json!({"id": "t", "status": "completed"})).is_ok());
    for body in [
        json!({"id": "t"}),
        json!({"id": "t", "status": "failed"}),
        json!({"id": "t", "status": "pending", "error": {"message": "no"}}),
        json!({"status": "pending"}),
    ] {
        assert!(accepted(400, &body).is_err(), "{body}");
    }
}

#[test]
fn the_progress_is_a_percentage_in_any_form() {
    for (progress, expected) in [
        (json!(45), Some(45)),
        (json!(45.9), Some(45)),
        (json!("45%"), Some(45)),
        (json!(" 45 "), Some(45)),
        (json!(120), Some(100)),
        (json!(-3), Some(0)),
        (json!("half"), None),
        (Value::Null, None),
    ] {
        let body = json!({"status": "processing", "progress": progress});
        let Ok(TaskState::Running { progress: seen, .. }) = state(200, &body) else { panic!("{body}") };
        assert_eq!(seen, expected, "{body}");
    }
}

#[test]
fn a_response_without_a_task_names_what_may_be_one() {
    for (body, named) in [
        (json!({"request_id": 7}), Some("(it names 7, which may be a task)")),
        (json!({"request_id": "a b"}), Some("(it names a b, which may be a task)")),
        (json!({"request_id": " "}), None),
        (json!({"request_id": "a".repeat(128)}), Some("a")),
        (json!({"request_id": "a".repeat(129)}), None),
        (json!({"request_id": true}), None),
        (json!({"name": "a"}), None),
    ] {
        let error = accepted(200, &body).unwrap_err();
        let told = error.message().contains("it names");
        assert_eq!(told, named.is_some(), "{body}: {error}");
        assert!(named.is_none_or(|named| error.message().contains(named)), "{body}: {error}");
    }
}

#[test]
fn a_status_in_other_words_leads_to_a_warning() {
    let (undocumented, incomplete) = (WarningKind::Undocumented, WarningKind::Incomplete);
    for (status, kinds) in [
        ("completed", &[][..]),
        ("done", &[undocumented]),
        ("Completed", &[undocumented]),
        ("failed", &[incomplete]),
        ("error", &[undocumented, incomplete]),
        ("cancelled", &[incomplete]),
        ("processing", &[]),
        ("dreaming", &[]),
    ] {
        let made = match state(200, &json!({"status": status, "results": ["https://p.example/a.png"]})).unwrap() {
            TaskState::Done(made) => made,
            TaskState::Running { found: Some(found), .. } => *found,
            other => panic!("{status}: {other:?}"),
        };
        let seen: Vec<_> = made.warnings.iter().map(|warning| warning.kind).collect();
        assert_eq!((seen.as_slice(), made.images().count()), (kinds, 1), "{status}");
    }
}

#[test]
fn a_poll_that_fails_says_nothing_about_the_charge() {
    for (status, kind) in [
        (404, ErrorKind::TaskNotFound),
        (403, ErrorKind::PermissionDenied),
        (405, ErrorKind::Unsupported),
        (500, ErrorKind::Server),
        (200, ErrorKind::Server),
    ] {
        let error = state(status, &json!({"error": {"message": "no", "code": "x", "param": "p"}})).unwrap_err();
        let seen = (error.kind(), error.charge(), error.code(), error.param(), error.message());
        assert_eq!(seen, (kind, Charge::Unknown, Some("x"), Some("p"), "no"), "{status}");
    }
}

#[test]
fn the_code_of_a_failed_task_is_that_of_its_error() {
    for (body, code) in [
        (json!({"code": 200, "status": "failed", "error": {"message": "no"}}), None),
        (json!({"code": 200, "status": "failed", "error": {"message": "no", "code": "x"}}), Some("x")),
        (json!({"code": "x", "status": "failed", "error": null, "message": "no"}), Some("x")),
    ] {
        let TaskState::Failed(error) = state(200, &body).unwrap() else { panic!("{body}") };
        assert_eq!((error.code(), error.message()), (code, "no"), "{body}");
    }
}
