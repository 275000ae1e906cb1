//! Which refusals pass by themselves and are sent again, and which are final, by every published code.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode};
use seedream::seedream_core::{Dialect, Encoded, Input, Operation, Policy, Response, Then, Timestamp};
use seedream::{Charge, Error, ErrorKind, ImageRequest, Strictness};

use crate::mock_and_clients::dialect;

/// How often a request is sent that is always answered so, and how it ends.
fn ask(dialect: &Arc<dyn Dialect>, status: u16, body: &str) -> (usize, Error) {
    let request = ImageRequest::new(&dialect.descriptor().default_model, "a lighthouse");
    let checked = dialect.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
    let prepared = Encoded::new(&**dialect, checked).unwrap();
    let mut operation = Operation::submit(dialect.clone(), prepared, "https://api.example", Policy::default(), 1);
    let (mut input, mut now, mut sent) = (Input::Begin, Duration::ZERO, 0);
    loop {
        input = match operation.on(input, now).then {
            Then::Send(_) => {
                sent += 1;
                let status = StatusCode::from_u16(status).unwrap();
                Input::Response(Response::new(status, HeaderMap::new(), body.to_owned(), Timestamp::UNIX_EPOCH))
            }
            Then::WaitUntil(until) => {
                now = until;
                Input::Woke
            }
            Then::Read | Then::Continue => panic!("no stream, and nothing is cancelled"),
            Then::ReadUntil(_) => Input::Woke,
            Then::Done(outcome) => return (sent, outcome.unwrap_err()),
        };
    }
}

/// Bodies as the family writes them, and as one code was once seen, without the envelope.
fn bodies(code: &str) -> [String; 2] {
    [
        format!(r#"{{"error":{{"code":"{code}","message":"no","param":"","type":"TooManyRequests"}}}}"#),
        format!(r#"{{"code":"{code}","message":"no","param":"","type":""}}"#),
    ]
}

const AGAIN: (usize, Charge) = (3, Charge::No);
const FINAL: (usize, Charge) = (1, Charge::No);
const OPEN: (usize, Charge) = (1, Charge::Unknown);

#[test]
fn what_passes_in_arks_family_is_sent_again_and_what_does_not_is_not() {
    use ErrorKind::{Balance, ModelNotFound, Overloaded, QuotaExhausted, RateLimited, Server, Timeout};
    let table = [
        (429, "RateLimitExceeded.EndpointRPMExceeded", RateLimited, AGAIN),
        (429, "RateLimitExceeded.EndpointTPMExceeded", RateLimited, AGAIN),
        (429, "ModelAccountRpmRateLimitExceeded", RateLimited, AGAIN),
        (429, "ModelAccountTpmRateLimitExceeded", RateLimited, AGAIN),
        (429, "ModelAccountIpmRateLimitExceeded", RateLimited, AGAIN),
        (429, "APIAccountRpmRateLimitExceeded", RateLimited, AGAIN),
        (429, "AccountRateLimitExceeded", RateLimited, AGAIN),
        (429, "RequestBurstTooFast", RateLimited, AGAIN),
        (429, "ServerOverloaded", Overloaded, AGAIN),
        (429, "InflightBatchsizeExceeded", Overloaded, AGAIN),
        // The relays' own.
        (429, "token_concurrency_limit_reached", RateLimited, AGAIN),
        (429, "rate_limit_exceeded", RateLimited, AGAIN),
        (429, "", RateLimited, AGAIN),
        (503, "ServerOverloaded", Overloaded, AGAIN),
        (503, "rate_limit_exceeded", RateLimited, AGAIN),
        // A plan's window, a free trial, a ceiling of the owner: not within a minute.
        (429, "QuotaExceeded", QuotaExhausted, FINAL),
        (429, "SetLimitExceeded", QuotaExhausted, FINAL),
        (403, "AccountOverdueError", Balance, FINAL),
        (403, "insufficient_user_quota", Balance, FINAL),
        (403, "pre_consume_token_quota_failed", QuotaExhausted, FINAL),
        // No channel has the model.
        (503, "model_not_found", ModelNotFound, FINAL),
        // A code that passes, under a status that is final.
        (400, "ContentSecurityDetectionError", Overloaded, FINAL),
        (400, "ServerOverloaded", Overloaded, FINAL),
        // Whether the work was done stays open.
        (500, "InternalServiceError", Server, OPEN),
        (500, "ServerOverloaded", Overloaded, OPEN),
        (503, "InternalServiceError", Server, OPEN),
        (503, "", Server, OPEN),
        (504, "", Timeout, OPEN),
        (408, "rate_limit_exceeded", RateLimited, OPEN),
    ];
    for id in ["gogogotoken", "aiearth", "opeai", "ark"] {
        let dialect = dialect(id);
        for (status, code, kind, (sent, charge)) in table {
            for body in bodies(code) {
                let (times, error) = ask(&dialect, status, &body);
                let said = (times, error.kind(), error.charge(), error.attempts().len());
                assert_eq!(said, (sent, kind, charge, sent), "{id}: {status} {body}: {error}");
            }
        }
        for (status, body, (sent, charge)) in [
            (429, "", AGAIN),
            (429, "<html>slow down</html>", AGAIN),
            (503, "<html>busy</html>", OPEN),
            (502, "", OPEN),
        ] {
            let (times, error) = ask(&dialect, status, body);
            assert_eq!((times, error.charge()), (sent, charge), "{id}: {status} {body}: {error}");
        }
    }
}

#[test]
fn what_passes_at_evolink_is_sent_again_and_what_does_not_is_not() {
    use ErrorKind::{Balance, PermissionDenied, RateLimited, Server};
    let evolink = dialect("evolink");
    for (status, code, kind, (sent, charge)) in [
        (429, r#""rate_limit_exceeded""#, RateLimited, AGAIN),
        // Older pages have the status in the place of the code.
        (429, "429", RateLimited, AGAIN),
        (429, "null", RateLimited, AGAIN),
        (402, r#""insufficient_quota""#, Balance, FINAL),
        // The account's, where a task's code of the same name means the rate.
        (402, r#""quota_exceeded""#, Balance, FINAL),
        (403, r#""model_access_denied""#, PermissionDenied, FINAL),
        (500, r#""internal_error""#, Server, OPEN),
        (502, "502", Server, OPEN),
        (503, "503", Server, OPEN),
    ] {
        let body = format!(r#"{{"error":{{"code":{code},"message":"no","type":"evo_api_error"}}}}"#);
        let (times, error) = ask(&evolink, status, &body);
        assert_eq!((times, error.kind(), error.charge()), (sent, kind, charge), "{status} {code}: {error}");
    }
    let (times, error) = ask(&evolink, 429, "");
    assert_eq!((times, error.charge()), AGAIN);
}
