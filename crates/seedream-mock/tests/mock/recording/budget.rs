//! The budget: reserved before a request is sent, and only given back where nothing was bought.

use serde_json::{Value, json};

use super::raw_server::{RawServer, Reply};
use super::{CREATE, every_byte, recorder, recorder_of};
use crate::http1_client::{self, post, soon};
use crate::own_fixtures::Folder;

fn group(most: u32) -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "kites", "sequential_image_generation": "auto",
        "sequential_image_generation_options": { "max_images": most },
    })
}

#[tokio::test]
async fn a_request_beyond_the_budget_gets_a_402_of_the_provider_and_is_not_sent() {
    let folder = Folder::new("budget", &[]);
    let upstream = RawServer::start([Reply::json("200 OK", r#"{"data":[]}"#), Reply::json("200 OK", "{}")]).await;
    let proxy = recorder(&upstream.base(), 5, &folder.0).await;
    assert_eq!(soon(post(&proxy, CREATE, &group(4))).await.status, 200);
    let refused = soon(post(&proxy, CREATE, &group(2))).await;
    assert_eq!(refused.status, 402);
    let error = &refused.json()["error"];
    assert!(error["code"].is_string() && error["type"].is_string(), "the provider's form: {error}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("nothing was sent: the request may give 2 images, and 4 of the budget of 5 are reserved")
    );
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(soon(post(&proxy, CREATE, &group(1))).await.status, 200, "what fits is still sent");
    soon(proxy.recorded()).await;
    let summary = proxy.recording().unwrap();
    assert_eq!((summary.reserved, summary.budget, summary.refused, summary.exchanges), (5, 5, 1, 2));
}

#[tokio::test]
async fn a_rejection_frees_and_an_unknown_outcome_stays_reserved() {
    for (name, reply, reserved) in [
        ("rejected", Reply::json("400 Bad Request", "{}"), 0),
        ("too many requests", Reply::json("429 Too Many Requests", "{}"), 0),
        ("no timeout is a rejection", Reply::json("408 Request Timeout", "{}"), 3),
        ("an error of the server", Reply::json("500 Internal Server Error", "{}"), 3),
        ("a redirect", Reply::of([b"HTTP/1.1 303 See Other\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"]), 3),
        ("no response", Reply::default(), 3),
        ("a reset", Reply { resets: true, ..Reply::default() }, 3),
        ("a broken body", Reply::of([b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"]), 3),
    ] {
        let folder = Folder::new("outcome", &[]);
        let upstream = RawServer::start([reply]).await;
        let proxy = recorder(&upstream.base(), 3, &folder.0).await;
        soon(every_byte(&proxy, CREATE, "", group(3).to_string().as_bytes())).await;
        soon(proxy.recorded()).await;
        assert_eq!(proxy.recording().unwrap().reserved, reserved, "{name}");
    }
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_has_sold_nothing() {
    let folder = Folder::new("unreached", &[]);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = recorder(&format!("http://{gone}/api/v3"), 3, &folder.0).await;
    let response = soon(post(&proxy, CREATE, &group(3))).await;
    assert_eq!((response.status, &response.json()["error"]["code"]), (502, &json!("mock_upstream_unreachable")));
    soon(proxy.recorded()).await;
    let summary = proxy.recording().unwrap();
    assert_eq!((summary.reserved, summary.exchanges), (0, 0));
}

#[tokio::test]
async fn only_what_can_buy_counts_and_what_is_not_understood_counts_most() {
    let folder = Folder::new("free", &[]);
    let upstream = RawServer::start((0..3).map(|_| Reply::json("200 OK", "{}"))).await;
    let base = format!("{}/", upstream.origin());
    let proxy = recorder_of("evolink", &base, 14, &folder.0).await;
    for path in ["/evolink/v1/tasks/task-1", "/evolink/v1/models", "/evolink/v1/unknown"] {
        assert_eq!(soon(http1_client::get(&proxy, path)).await.status, 200, "{path}");
    }
    for body in [r#"{"n":"two"}"#, "no JSON", r#"{"n":1,"n":1}"#] {
        let target = "/evolink/v1/images/generations";
        let refused = soon(http1_client::send(&proxy, "POST", target, &[], body.as_bytes())).await.unwrap();
        assert_eq!(refused.status, 402, "{body}");
        assert!(refused.text().contains("may give 15 images"), "{}", refused.text());
    }
    let unknown = soon(http1_client::send(&proxy, "POST", "/evolink/v1/images/edits", &[], b"{}")).await.unwrap();
    assert_eq!(unknown.status, 402, "a path that no page states may buy");
    assert_eq!(upstream.requests().len(), 3);
}

/// The money of a client that has disconnected is gone all the same.
#[tokio::test]
async fn an_exchange_is_recorded_after_its_client_left() {
    let folder = Folder::new("left", &[]);
    let upstream = RawServer::start([Reply::json("200 OK", r#"{"data":[]}"#)]).await;
    let proxy = recorder(&upstream.base(), 3, &folder.0).await;
    let mut stream = tokio::net::TcpStream::connect(proxy.address()).await.unwrap();
    let body = group(3).to_string();
    let head = format!("POST {CREATE} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    soon(async {
        while upstream.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(stream);
    soon(proxy.recorded()).await;
    assert_eq!(super::exchange(&folder.0, 1)["response"]["status"], 200);
}

#[tokio::test]
async fn other_providers_and_paths_are_not_sent_anywhere() {
    let folder = Folder::new("others", &[]);
    let upstream = RawServer::start([]).await;
    let proxy = recorder(&upstream.base(), 3, &folder.0).await;
    for target in ["/evolink/v1/images/generations", "/ark/v1/images/generations"] {
        let response = soon(post(&proxy, target, &json!({}))).await;
        assert_eq!(
            (response.status, &response.json()["error"]["code"]),
            (404, &json!("mock_not_recording")),
            "{target}"
        );
    }
    assert_eq!(proxy.providers().len(), 1);
    assert!(upstream.requests().is_empty());
}

/// What a whole response states that it bills takes the place of what was reserved for it.
#[tokio::test]
async fn a_response_that_states_what_it_bills_settles_the_reservation() {
    let image = r#"{"b64_json":"AA=="}"#;
    let json = |body: &str| Reply::json("200 OK", body);
    let stream = |events: &str| {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n", events.len());
        Reply::of([head.as_bytes(), events.as_bytes()])
    };
    let cut = |length: usize, body: &str| {
        Reply::of([format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").as_bytes(), body.as_bytes()])
    };
    for (name, reply, reserved) in [
        ("fewer came", json(r#"{"data":[],"usage":{"generated_images":2}}"#), 2),
        ("none came", json(r#"{"error":{},"usage":{"generated_images":0}}"#), 0),
        ("more came", json(r#"{"usage":{"generated_images":17}}"#), 17),
        (
            "more are shown than stated",
            json(&format!(r#"{{"data":[{image},{{"b64_json":"BB=="}}],"usage":{{"generated_images":1}}}}"#)),
            2,
        ),
        ("nothing is stated", json(&format!(r#"{{"data":[{image}]}}"#)), 15),
        ("a stream", stream("data: {\"usage\":{\"generated_images\":3}}\n\ndata: [DONE]\n\n"), 3),
        ("a stream without its end", cut(500, "data: {\"usage\":{\"generated_images\":3}}\n\n"), 15),
    ] {
        let folder = Folder::new("settled", &[]);
        let upstream = RawServer::start([reply]).await;
        let proxy = recorder(&upstream.base(), 15, &folder.0).await;
        soon(every_byte(&proxy, CREATE, "", group(15).to_string().as_bytes())).await;
        soon(proxy.recorded()).await;
        assert_eq!(proxy.recording().unwrap().reserved, reserved, "{name}");
    }
}

/// What is sent while the recorder waits for its last exchanges would be lost.
#[tokio::test]
async fn a_recorder_that_ends_sends_nothing_more() {
    let folder = Folder::new("ended", &[]);
    let upstream = RawServer::start([]).await;
    let proxy = recorder(&upstream.base(), 15, &folder.0).await;
    soon(proxy.end_recording()).await;
    let refused = soon(post(&proxy, CREATE, &group(3))).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("mock_stopping")));
    assert_eq!((proxy.recording().unwrap().reserved, upstream.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_recorder_names_its_own_provider_alone() {
    let folder = Folder::new("named", &[]);
    let upstream = RawServer::start([]).await;
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    let ready: Value = serde_json::from_str(&proxy.ready_line()).unwrap();
    for bases in ["providers", "openai"] {
        assert_eq!(ready[bases].as_object().unwrap().keys().collect::<Vec<_>>(), ["ark"], "{bases}");
    }
}
