//! Errors: which values are one, and which member is its code, its message and its reason.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use http::{HeaderMap, HeaderValue, StatusCode};
use seedream_core::{ErrorKind, Response, Timestamp};
use seedream_wire::{Failure, Reader};
use serde_json::{Value, json};

fn of(body: impl Into<bytes::Bytes>) -> Failure {
    Failure::of(&Response::new(StatusCode::BAD_REQUEST, HeaderMap::new(), body, Timestamp::UNIX_EPOCH))
}

const NO_REASON: &str = "the provider gives no reason";

#[test]
fn only_some_values_are_an_error_by_themselves() {
    for (value, message) in [
        (json!({"message": "done"}), None),
        (json!({"message": "done", "code": 0}), None),
        (json!({"message": "done", "code": 200}), None),
        (json!({"message": "done", "code": "success"}), None),
        (json!({"message": "", "code": 0}), None),
        (json!({"success": true, "msg": "done"}), None),
        (json!({"success": "true", "msg": "done"}), None),
        (json!({"code": "Bad"}), None),
        (json!({"error": []}), None),
        (json!({"errors": {}}), None),
        (json!([{"error": {"message": "no"}}]), None),
        (json!(r#"{"error": {"message": "no"}}"#), None),
        (json!({"message": "no", "code": "Bad"}), Some("no")),
        (json!({"message": "no", "code": null}), Some("no")),
        (json!({"message": "", "code": "Bad"}), Some(NO_REASON)),
        (json!({"message": "", "code": ""}), Some(NO_REASON)),
        (json!({"message": "", "code": "2001"}), Some(NO_REASON)),
        (json!({"message": "", "code": 404}), Some(NO_REASON)),
        (json!({"success": false, "msg": "no"}), Some("no")),
        (json!({"success": "false", "msg": "no"}), Some("no")),
        (json!({"error": {"message": "no"}}), Some("no")),
    ] {
        let failure = Failure::of_json(&value);
        assert_eq!(failure.map(|failure| failure.message).as_deref(), message, "{value}");
    }
}

#[test]
fn each_part_is_taken_from_the_place_that_has_it() {
    for (body, code, param, request_id, message) in [
        // What the envelope says counts where the error says nothing.
        (json!({"error": {"message": "no"}, "code": "C", "param": "p", "request_id": "r"}), "C", "p", "r", "no"),
        (
            json!({"error": {"message": "no", "code": "D", "param": "q", "request_id": "s"}, "code": "C", "param": "p", "request_id": "r"}),
            "D",
            "q",
            "s",
            "no",
        ),
        (json!({"error": " ", "message": "busy"}), "", "", "", "busy"),
        (json!({"error": [], "message": "busy"}), "", "", "", "busy"),
        (json!({"error": ["too small"], "message": "busy"}), "", "", "", "too small"),
        (json!({"errors": [], "message": "busy"}), "", "", "", "busy"),
        (json!({"errors": {}, "message": "busy"}), "", "", "", "busy"),
        (json!({"message": null, "msg": "busy"}), "", "", "", "busy"),
        (json!({"message": "", "code": 0}), "0", "", "", NO_REASON),
        // An error inside an error counts where it has a code, or where the outer one has no words.
        (json!({"error": {"message": "outer", "error": {"message": "inner"}}}), "", "", "", "outer"),
        (json!({"error": {"message": "outer", "error": {"message": "inner", "code": "C"}}}), "C", "", "", "inner"),
        (json!({"error": {"error": {"message": "inner"}}}), "", "", "", "inner"),
        (json!(r#"{"error": {"message": "no", "code": "C"}}"#), "C", "", "", "no"),
        // A code before the words.
        (json!({"error": "no_money: top up"}), "no_money", "", "", "no_money: top up"),
        (json!({"error": "e_42: top up"}), "e_42", "", "", "e_42: top up"),
        (json!({"error": "No_Money: top up"}), "", "", "", "No_Money: top up"),
        (json!({"error": "no__money: top up"}), "", "", "", "no__money: top up"),
        (json!({"error": "upstream: busy"}), "", "", "", "upstream: busy"),
    ] {
        let failure = of(body.to_string());
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        assert_eq!(
            (&*part(&failure.code), &*part(&failure.param), &*part(&failure.request_id), &*failure.message),
            (code, param, request_id, message),
            "{body}"
        );
    }
}

#[test]
fn four_errors_inside_each_other_are_looked_through() {
    let wrapped = |depth: usize| {
        (0..depth).fold("deepest".to_owned(), |message, at| {
            json!({"error": {"message": message, "code": format!("c{at}")}}).to_string()
        })
    };
    assert_eq!(of(wrapped(5)).message, "deepest");
    let failure = of(wrapped(6));
    assert_eq!(failure.code.as_deref(), Some("c1"));
    let inner: Value = serde_json::from_str(&failure.message).unwrap();
    assert_eq!(inner["error"]["code"], "c0");
}

#[test]
fn what_is_not_json_is_described() {
    for (body, message) in [
        (&b"\0\x01binary"[..], "the response is 8 bytes that are not text"),
        (b"upstream\r\n\tconnect error\n", "the response is not JSON: upstream\r\n\tconnect error"),
        (b"<html><h1> 502 </h1></html>", "the response is a web page: 502"),
        (b"<html></html>", "the response is a web page"),
        (b" \n", "the response has no body"),
        (b"[1,2]", "the response is JSON, but not an object: [1,2]"),
        (br#"{"data":[],"id":1}"#, "the response is JSON with the members data, id"),
    ] {
        let failure = of(body);
        assert_eq!(failure, Failure { message: message.to_owned(), ..Failure::default() }, "{body:?}");
    }
}

#[test]
fn a_status_is_the_kind_of_an_error_without_a_known_code() {
    let reader = Reader { model: "m".into(), kind_of: |_, _| None, lifetime: None };
    for (kind, statuses) in [
        (ErrorKind::Server, &[200, 500, 502, 503, 599][..]),
        (ErrorKind::Config, &[301, 307]),
        (ErrorKind::Authentication, &[401]),
        (ErrorKind::Balance, &[402]),
        (ErrorKind::PermissionDenied, &[403]),
        (ErrorKind::Unsupported, &[404, 405, 501]),
        (ErrorKind::Timeout, &[408, 499, 504]),
        (ErrorKind::RateLimited, &[429]),
        (ErrorKind::InvalidRequest, &[400, 418]),
    ] {
        for status in statuses {
            let head = StatusCode::from_u16(*status).unwrap();
            let error = reader.error(&Response::new(head, HeaderMap::new(), "", Timestamp::UNIX_EPOCH));
            assert_eq!(error.kind(), kind, "{status}");
        }
    }
    let mut headers = HeaderMap::new();
    let moved = |headers: &HeaderMap| {
        let response = Response::new(StatusCode::FOUND, headers.clone(), "", Timestamp::UNIX_EPOCH);
        reader.error(&response).message().to_owned()
    };
    assert!(moved(&headers).contains("redirects to an unknown address"));
    headers.insert("location", HeaderValue::from_static("https://b.example/"));
    assert!(moved(&headers).contains("redirects to https://b.example/"));
}

#[test]
fn a_code_that_is_a_status_means_that_status() {
    let kind_of = |status: u16, code: &str| match (status, code) {
        (_, "Known") => Some(ErrorKind::Balance),
        (418, "") => Some(ErrorKind::Overloaded),
        _ => None,
    };
    let reader = Reader { model: "m".into(), kind_of, lifetime: None };
    for (status, code, kind) in [
        (400, "Known", ErrorKind::Balance),
        (200, "Known", ErrorKind::Balance),
        (200, "Other", ErrorKind::Server),
        (200, "429", ErrorKind::RateLimited),
        (200, "418", ErrorKind::Overloaded),
        (200, "400", ErrorKind::InvalidRequest),
        (200, "600", ErrorKind::Server),
        (418, "418", ErrorKind::Overloaded),
        (400, "429", ErrorKind::InvalidRequest),
    ] {
        let body = json!({"error": {"code": code, "message": "no"}}).to_string();
        let head = StatusCode::from_u16(status).unwrap();
        let error = reader.error(&Response::new(head, HeaderMap::new(), body, Timestamp::UNIX_EPOCH));
        assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{status} {code}");
    }
}
