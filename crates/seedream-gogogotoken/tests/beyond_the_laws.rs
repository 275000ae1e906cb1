//! What no law checks: the words of the document's advice, the end of a link without a signature, and that the adapter is held to the
//! lenient cases of the law `crooked` at all.

#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, StatusCode};
use seedream_core::{Checked, Decoded, Dialect, ImageRequest, Response, Result, Strictness, Timestamp};
use seedream_gogogotoken::Gogogotoken;

fn checked() -> Checked {
    let request = ImageRequest::new(&Gogogotoken.descriptor().default_model, "a lighthouse in fog");
    Gogogotoken.capabilities(&request.model).check(&request, Strictness::Strict).unwrap()
}

fn read(status: u16, body: String) -> Result<Decoded> {
    let status = StatusCode::from_u16(status).unwrap();
    Gogogotoken.decode(&checked(), &Response::new(status, HeaderMap::new(), body, Timestamp::UNIX_EPOCH))
}

#[test]
fn each_error_has_the_advice_of_the_document() {
    for (status, code, advice) in [
        (400, "InvalidParameter", Some("1920x1920")),
        (400, "model_not_found", None),
        (401, "", Some("API key")),
        (403, "", Some("group")),
        (418, "", None),
        (429, "", Some("less often")),
        (500, "", Some("log in the console")),
        (503, "model_not_found", Some("try again later")),
    ] {
        let body = format!(r#"{{"error": {{"code": "{code}", "message": "no"}}}}"#);
        let error = read(status, body).unwrap_err();
        let seen = error.advice();
        let same = match advice {
            Some(words) => seen.is_some_and(|seen| seen.contains(words)),
            None => seen.is_none(),
        };
        assert!(same, "{status} {code}: {seen:?}");
    }
}

#[test]
fn it_promises_to_read_shapes_that_its_document_does_not_show() {
    assert!(Gogogotoken.is_lenient());
}

#[test]
fn a_link_lives_for_a_day() {
    let decoded = read(200, r#"{"created": 1, "data": [{"url": "https://a.example/a.png"}]}"#.to_owned()).unwrap();
    let Decoded::Done(made) = decoded else { panic!("{decoded:?}") };
    let ends: Vec<_> = made.images().map(|image| image.data.expires_at().map(Timestamp::unix_seconds)).collect();
    assert_eq!(ends, [Some(1 + 24 * 60 * 60)]);
}

#[test]
fn what_the_provider_makes_of_a_request_has_its_members_and_its_count() {
    let members = [("model".to_owned(), "m".into())].into_iter().collect();
    let effective = Gogogotoken.effective(&checked(), members);
    assert_eq!((effective.body["model"].as_str(), effective.max_images), (Some("m"), Some(1)));
}
