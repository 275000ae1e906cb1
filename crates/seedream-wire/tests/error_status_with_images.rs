//! Responses with an error status that contain images or tasks.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use http::{HeaderMap, StatusCode};
use seedream_core::{
    Charge, Decoded, Error, ErrorKind, Response, Result, Task, TaskId, TaskState, Timestamp, WarningKind,
};
use seedream_wire::{Reader, Tasks, codes};
use serde_json::{Value, json};

const A: &str = "https://p.example/a.png";

fn reader() -> Reader {
    Reader { model: "m".into(), kind_of: |_, code| codes::ark(code), lifetime: None }
}

fn tasks() -> Tasks {
    Tasks { reader: reader(), kind_of_failure: |_| None, results: "results", failed: Charge::No }
}

fn response(status: u16, body: &Value) -> Response {
    Response::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.to_string(), Timestamp::UNIX_EPOCH)
}

fn read(status: u16, body: &Value) -> Result<Decoded> {
    reader().outcome(&response(status, body))
}

fn refused(status: u16, body: &Value) -> Error {
    read(status, body).unwrap_err()
}

#[test]
fn a_whole_response_under_the_status_of_a_failure_is_delivered() {
    let body = json!({"created": 1, "data": [{"url": A}], "usage": {"generated_images": 1}});
    for status in [400, 402, 429, 500, 503] {
        let Ok(Decoded::Done(generation)) = read(status, &body) else { panic!("{status}") };
        assert_eq!((generation.images().count(), generation.charge()), (1, Charge::Yes));
        let told = generation.warnings.iter().find(|warning| warning.kind == WarningKind::Undocumented).unwrap();
        assert!(told.message.contains(&status.to_string()), "{told}");
    }
}

#[test]
fn an_error_beside_images_or_a_bill_is_never_free() {
    let error = json!({"code": "RateLimitExceeded", "message": "slow down"});
    let with = refused(429, &json!({"error": error, "data": [{"url": A}], "usage": {"generated_images": 1}}));
    assert_eq!((with.kind(), with.charge(), with.is_safe_to_retry()), (ErrorKind::RateLimited, Charge::Yes, false));
    assert_eq!(with.generation().unwrap().images().count(), 1);
    let unbilled = refused(400, &json!({"error": error, "data": [{"url": A}]}));
    assert!(unbilled.charge() >= Charge::Unknown && unbilled.generation().is_some());
    let billed = refused(402, &json!({"error": error, "usage": {"generated_images": 2}}));
    assert_eq!(billed.charge(), Charge::Yes);
    for failed in [
        json!({"code": "Bad", "message": "no", "data": [{"url": A}]}),
        json!({"error": 7, "data": [{"url": A}]}),
        json!({"error": true, "data": [{"url": A}]}),
        json!({"error": "no", "data": [{"url": A}]}),
        json!({"error": ["no"], "data": [{"url": A}]}),
    ] {
        assert_eq!(refused(400, &failed).charge(), Charge::Yes, "{failed}");
    }
    // An image that cannot be decoded may have been billed.
    assert_eq!(refused(400, &json!({"data": [{"b64_json": "!!"}]})).charge(), Charge::Unknown);
    // An echo of the request contains no generated image.
    for body in [
        json!({"error": error, "request": {"image": [A], "prompt": "a kite"}}),
        json!({"error": error, "usage": {"generated_images": 0}}),
        json!({"error": error}),
    ] {
        assert_eq!(refused(400, &body).charge(), Charge::No, "{body}");
    }
}

#[test]
fn a_task_under_the_status_of_a_failure_was_accepted() {
    let task = json!({"id": "task-unified-9", "status": "pending", "object": "image.generation.task"});
    for outcome in [read(500, &task), tasks().accepted(&response(500, &task)), tasks().accepted(&response(400, &task))]
    {
        let Ok(Decoded::Accepted(accepted)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(accepted.id.as_str(), "task-unified-9");
    }
    let refused = json!({"id": "req-1", "status": "failed", "error": {"code": "x", "message": "no"}});
    assert!(tasks().accepted(&response(400, &refused)).is_err());
    assert!(tasks().accepted(&response(400, &json!({"error": {"code": "x", "message": "no"}}))).is_err());
}

#[test]
fn an_error_in_addition_to_images_is_a_warning() {
    let error = json!({"code": "OutputImageSensitiveContentDetected", "message": "two others were withheld"});
    let Ok(Decoded::Done(generation)) = read(200, &json!({"data": [{"url": A}], "error": error})) else { panic!() };
    let told: Vec<_> = generation.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert!(told.iter().any(|told| told.contains("two others were withheld (OutputImageSensitive")), "{told:?}");
    for none in [json!(null), json!(""), json!({})] {
        let Ok(Decoded::Done(generation)) = read(200, &json!({"data": [{"url": A}], "error": none})) else { panic!() };
        assert_eq!(generation.warnings, [], "{none}");
    }
}

#[test]
fn every_possible_task_id_is_in_the_message() {
    for (body, id) in [
        (json!({"id": "cgt-2025-abc"}), "cgt-2025-abc"),
        (json!({"message": "submitted", "data": "ID8"}), "ID8"),
        (json!({"message": "submitted", "id": "a/b?c d"}), "a/b?c d"),
        (json!({"tasks": [{"id": "N1"}, {"id": "N2"}]}), "N1, N2"),
        (json!({"request_id": "fal-1"}), "fal-1"),
    ] {
        let told = [read(200, &body), tasks().accepted(&response(200, &body))].map(|outcome| match outcome {
            Err(error) => error.message().to_owned(),
            Ok(Decoded::Accepted(accepted)) => accepted.id.to_string(),
            Ok(other) => panic!("{other:?}"),
        });
        assert!(told.iter().all(|told| told.contains(id)), "{body}: {told:?}");
    }
}

#[test]
fn only_the_documented_status_word_determines_the_charge_of_a_failed_task() {
    let task = Task::new("p", "https://p.example", TaskId::new("t").unwrap(), "m".into());
    for (status, charge) in [
        ("failed", Charge::No),
        ("FAILED", Charge::Unknown),
        ("failure", Charge::Unknown),
        ("error", Charge::Unknown),
        ("cancelled", Charge::Unknown),
    ] {
        let state = tasks().state(&task, &response(200, &json!({"id": "t", "status": status})));
        let Ok(TaskState::Failed(error)) = state else { panic!("{status}: {state:?}") };
        assert_eq!(error.charge(), charge, "{status}");
    }
    let state = tasks().state(&task, &response(200, &json!({"id": "t", "status": "cancelled"})));
    let Ok(TaskState::Failed(error)) = state else { panic!("{state:?}") };
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.message().contains("cancelled at the provider"), "{error}");
}

#[test]
fn a_list_beside_the_documented_one_is_taken_only_where_more_is_billed() {
    let beside = |billed: Value| {
        let body = json!({"data": [{"url": A}], "images": ["https://p.example/b.png"], "usage": billed});
        let Ok(Decoded::Done(generation)) = read(200, &body) else { panic!("{body}") };
        generation.images().count()
    };
    assert_eq!(beside(json!({"generated_images": 1})), 1, "the other is a reference that was sent");
    assert_eq!(beside(json!({"generated_images": 2})), 2);
    assert_eq!(beside(json!(null)), 2, "no bill says which it is");
}

#[test]
fn omitted_values_lead_to_a_warning() {
    let log: Vec<&str> = vec!["s"; 400_000];
    let body = json!({"log": log, "data": [{"url": A}], "usage": {"generated_images": 1}});
    let Ok(Decoded::Done(generation)) = read(200, &body) else { panic!() };
    assert_eq!((generation.images().count(), generation.billed()), (1, Some(1)));
    let told: Vec<_> = generation.warnings.iter().map(|warning| warning.kind).collect();
    assert_eq!(told, [WarningKind::Unreadable], "and it is not called repaired");
}
