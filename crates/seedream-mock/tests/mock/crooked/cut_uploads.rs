//! Requests that are cut off while their body is still being read.

use std::io::ErrorKind;

use seedream_mock::{MockServer, ScriptEnd};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::engine_calls::{create_path, engine, post_with};
use crate::http1_client;

const LENGTH: usize = 17 << 20;

/// Sends a large request until it breaks off; says how many bytes of the body were taken, and how it ended.
async fn upload(mock: &MockServer, header: &str) -> (usize, ErrorKind) {
    let mut socket = tokio::net::TcpStream::connect(mock.address()).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\nauthorization: Bearer sk-test\r\ncontent-length: {LENGTH}\r\n{header}\r\n",
        create_path("ark")
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut sent = 0;
    while sent < LENGTH {
        match http1_client::soon(socket.write(&[b' '; 65_536][..65_536.min(LENGTH - sent)])).await {
            Ok(bytes) => sent += bytes,
            Err(error) => return (sent, error.kind()),
        }
    }
    let mut response = Vec::new();
    match http1_client::soon(socket.read_to_end(&mut response)).await {
        Err(error) => (sent, error.kind()),
        Ok(_) => panic!("{}", String::from_utf8_lossy(&response)),
    }
}

#[tokio::test]
async fn a_connection_is_reset_while_the_request_is_still_being_sent() {
    let mock = MockServer::start().await.unwrap();
    mock.default_session()
        .add_faults(["status=418 times=1".parse().unwrap(), "reset@request:1000000 times=1".parse().unwrap()]);
    for (header, fault) in [
        ("x-mock-fault: reset@request\r\n", "reset@request:65536"),
        ("x-mock-fault: close@request:10\r\n", "close@request:10"),
    ] {
        let (sent, kind) = upload(&mock, header).await;
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
        assert!(sent < LENGTH, "{fault}: {sent}");
        let entry = mock.journal().pop().unwrap();
        assert_eq!((entry.status, entry.billed), (0, 0));
        assert!(entry.fault.as_deref().unwrap().contains(fault), "{:?}", entry.fault);
    }
    assert!(mock.ledger().is_empty(), "what never came whole is not billed");
}

#[tokio::test]
async fn rules_of_a_session_cut_off_in_their_turn_and_are_used_up_once() {
    let mock = MockServer::start().await.unwrap();
    let kite = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite" });
    mock.default_session()
        .add_faults(["status=503 times=1".parse().unwrap(), "reset@request:0 times=1".parse().unwrap()]);
    let post = async || {
        let headers = [("authorization", "Bearer sk-test")];
        http1_client::send(&mock, "POST", &create_path("ark"), &headers, kite.to_string().as_bytes()).await
    };
    assert_eq!(post().await.unwrap().status, 503, "the question whether it is cut off uses nothing up");
    assert!(post().await.is_err());
    assert_eq!(post().await.unwrap().status, 200);
    assert_eq!(mock.journal().iter().map(|entry| entry.billed).collect::<Vec<_>>(), [0, 0, 1]);
}

#[test]
fn a_whole_request_that_is_to_be_cut_off_gets_nothing() {
    let engine = engine();
    let kite = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite" });
    let script = post_with(&engine, "reset@request:5", &create_path("ark"), &kite);
    assert_eq!((script.end, script.body().len()), (ScriptEnd::Reset, 0));
    assert_eq!(engine.journal(None)[0].billed, 0);
}
