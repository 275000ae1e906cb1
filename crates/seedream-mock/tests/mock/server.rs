//! The server itself: addresses, the ready line, isolation, the end.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use seedream_mock::MockServer;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::http1_client::{download, get, post, send};

#[tokio::test]
async fn the_ready_line_says_where_everything_is() {
    let mock = MockServer::start().await.unwrap();
    let line = mock.ready_line();
    assert!(line.starts_with(r#"{"event":"ready","url":"http://127.0.0.1:"#) && !line.contains('\n'), "{line}");
    let ready: Value = serde_json::from_str(&line).unwrap();
    let url = mock.url();
    let wanted = json!({
        "gogogotoken": format!("{url}/gogogotoken"), "aiearth": format!("{url}/aiearth/v1"),
        "evolink": format!("{url}/evolink"), "opeai": format!("{url}/opeai"), "ark": format!("{url}/ark/api/v3"),
    });
    assert_eq!(ready["providers"], wanted);
    assert_eq!(ready["pid"], std::process::id());
    assert_eq!(mock.base_url("ark"), Some(format!("{url}/ark/api/v3")));
    assert_eq!(mock.base_url("nobody"), None);
    let health = download(&mock, &format!("{}/health", ready["admin"].as_str().unwrap())).await;
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("ok")));
}

#[tokio::test]
async fn only_loopback_is_bound_without_an_admin_token() {
    let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let refused = MockServer::builder().bind(everywhere).start().await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    let mock = MockServer::builder().bind(everywhere).admin_token("t0ken").start().await.unwrap();
    let port = mock.address().port();
    assert_eq!(mock.url(), format!("http://127.0.0.1:{port}"));
    let mock = MockServer::builder().admin_token("t0ken").start().await.unwrap();
    assert_eq!(download(&mock, "/__mock/v1/health").await.status, 401);
    let headers = [("authorization", "Bearer t0ken")];
    assert_eq!(send(&mock, "GET", "/__mock/v1/health", &headers, b"").await.unwrap().status, 200);
}

#[tokio::test]
async fn every_dialect_is_on_one_port() {
    let mock = MockServer::start().await.unwrap();
    for provider in seedream_fixtures::providers() {
        let body = json!({ "model": provider.default_model, "prompt": "an ordinary test sentence" });
        let response = post(&mock, &crate::engine_calls::create_path(&provider.id), &body).await;
        assert_eq!(response.status, 200, "{}", provider.id);
        for header in &provider.request_id_headers {
            assert!(!response.header(header).is_empty(), "{} has {header}", provider.id);
        }
    }
    let relay = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "an ordinary test sentence" });
    assert_eq!(post(&mock, "/ark/v1/images/generations", &relay).await.status, 200);
}

#[tokio::test]
async fn an_unknown_route_names_the_nearest() {
    let mock = MockServer::start().await.unwrap();
    for path in ["/evolink/v1/image/generations", "/evolnk/v1/images/generations"] {
        let response = post(&mock, path, &json!({})).await;
        assert_eq!(response.status, 404);
        let message = response.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("nearest routes are POST /evolink/v1/images/generations"), "{message}");
    }
    assert_eq!(get(&mock, "/evolink/v1/images/generations").await.status, 404);
    assert_eq!(download(&mock, "/").await.status, 404);
}

#[tokio::test]
async fn many_mocks_live_in_one_process_and_know_nothing_of_each_other() {
    let mut mocks = Vec::new();
    for _ in 0..16 {
        mocks.push(MockServer::start().await.unwrap());
    }
    post(&mocks[3], "/ark/api/v3/images/generations", &json!({})).await;
    let counts: Vec<usize> = mocks.iter().map(|mock| mock.journal().len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 1);
    assert_eq!(counts[3], 1);
}

#[tokio::test]
async fn a_stopped_or_dropped_mock_is_gone() {
    let mock = MockServer::start().await.unwrap();
    let address = mock.address();
    mock.stop().await;
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);

    let mock = MockServer::start().await.unwrap();
    let address = mock.address();
    drop(mock);
    // The listener closes when its task next runs.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
