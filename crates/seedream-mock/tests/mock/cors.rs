//! What a browser may do for a page.

use seedream_mock::MockServer;
use serde_json::json;

use crate::http1_client::{Received, send};

const CREATE: &str = "/ark/api/v3/images/generations";
const ADMIN: &str = "/__mock/v1/settings";
const HERE: &str = "http://localhost:5173";
const ELSEWHERE: &str = "https://app.example";

async fn preflight(mock: &MockServer, target: &str, origin: &str) -> Received {
    let asks = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    send(mock, "OPTIONS", target, &asks, b"").await.unwrap()
}

async fn create(mock: &MockServer, origin: &str) -> Received {
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite on a page" }).to_string();
    send(mock, "POST", CREATE, &[("authorization", "Bearer sk-test"), ("origin", origin)], body.as_bytes())
        .await
        .unwrap()
}

fn has_no_cors(response: &Received) -> bool {
    response.headers.iter().all(|(name, _)| !name.starts_with("access-control-"))
}

#[tokio::test]
async fn a_page_of_this_machine_may_use_everything() {
    let mock = MockServer::start().await.unwrap();
    for origin in [HERE, "http://127.0.0.1:8000", "http://[::1]:3000"] {
        for target in [CREATE, "/s/blue/evolink/v1/images/generations", "/pictures/ark/x.jpeg", ADMIN] {
            let asked = preflight(&mock, target, origin).await;
            assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, origin), "{target}");
            assert_eq!(asked.header("access-control-allow-headers"), "authorization,content-type", "{target}");
            assert!(asked.header("access-control-allow-methods").split(", ").any(|method| method == "POST"));
        }
    }
    assert_eq!(mock.journal().len(), 0, "a preflight is no request to a provider");

    let made = create(&mock, HERE).await;
    assert_eq!((made.status, made.header("access-control-allow-origin"), made.header("vary")), (200, HERE, "origin"));
    let exposed: Vec<&str> = made.header("access-control-expose-headers").split(", ").collect();
    let ids = &seedream_fixtures::provider("ark").unwrap().request_id_headers;
    assert!(ids.iter().all(|id| exposed.contains(&id.as_str())) && exposed.contains(&"x-mock-fixture"), "{exposed:?}");
    let url = made.json()["data"][0]["url"].as_str().unwrap().to_owned();
    let image = send(&mock, "GET", &url, &[("origin", HERE)], b"").await.unwrap();
    assert_eq!((image.status, image.header("access-control-allow-origin")), (200, HERE));
    let refused = send(&mock, "POST", CREATE, &[("origin", HERE)], b"{}").await.unwrap();
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, HERE), "errors can be read too");
    let change = send(&mock, "POST", ADMIN, &[("origin", HERE)], br#"{"validate":"warn"}"#).await.unwrap();
    assert_eq!((change.status, change.header("access-control-allow-origin")), (200, HERE));
    assert!(has_no_cors(&send(&mock, "GET", &url, &[], b"").await.unwrap()), "no page, no header");
}

#[tokio::test]
async fn a_foreign_page_reads_nothing_and_never_changes_the_mock() {
    let mock = MockServer::start().await.unwrap();
    for origin in [ELSEWHERE, "null", "http://localhost.example", "http://127.0.0.1.example:80"] {
        let asked = preflight(&mock, CREATE, origin).await;
        assert!(asked.status == 403 && has_no_cors(&asked), "{origin}");
        assert!(asked.json()["error"]["message"].as_str().unwrap().contains(&format!("--cors {origin}")), "{origin}");
        assert!(has_no_cors(&create(&mock, origin).await), "{origin}");
        // Such a request needs no preflight.
        let simple = [("origin", origin), ("content-type", "text/plain")];
        let change = send(&mock, "POST", ADMIN, &simple, br#"{"validate":"off"}"#).await.unwrap();
        assert!(change.status == 403 && has_no_cors(&change), "{origin}");
    }
    let settings = send(&mock, "GET", ADMIN, &[], b"").await.unwrap();
    assert!(settings.text().contains(r#""validate":"strict""#), "{}", settings.text());
}

#[tokio::test]
async fn other_origins_are_allowed_by_name_or_all_at_once_but_not_to_change_the_mock() {
    for wish in [ELSEWHERE, "*"] {
        let mock = MockServer::builder().cors([wish.parse().unwrap()]).start().await.unwrap();
        assert_eq!(preflight(&mock, CREATE, ELSEWHERE).await.status, 204, "{wish}");
        let made = create(&mock, ELSEWHERE).await;
        assert_eq!(made.header("access-control-allow-origin"), ELSEWHERE, "{wish}");
        let url = made.json()["data"][0]["url"].as_str().unwrap().to_owned();
        let image = send(&mock, "GET", &url, &[("origin", ELSEWHERE)], b"").await.unwrap();
        assert_eq!(image.header("access-control-allow-origin"), ELSEWHERE, "{wish}");
        assert_eq!(has_no_cors(&create(&mock, "https://another.example").await), wish != "*");
        assert_eq!(preflight(&mock, ADMIN, ELSEWHERE).await.status, 403, "{wish}");
        let change = send(&mock, "POST", ADMIN, &[("origin", ELSEWHERE)], b"{}").await.unwrap();
        assert!(change.status == 403 && has_no_cors(&change), "{wish}");
        assert_eq!(create(&mock, HERE).await.header("access-control-allow-origin"), HERE, "this machine still may");
    }
}
