//! Streams of events, and what others make of them.

use std::io::ErrorKind;
use std::time::Duration;

use jiff::Timestamp;
use seedream_mock::{Clock, MockServer, Script};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::engine_calls::{create_path, engine, json, now, post_with, request};
use crate::http1_client::{Received, download, post, send, soon};

fn group() -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite", "size": "1K", "stream": true,
        "sequential_image_generation": "auto",
    })
}

/// Name and data of each event.
fn events(response: &Received) -> Vec<(String, String)> {
    let frame = |frame: &str| {
        let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        (line("event: "), line("data: "))
    };
    response.text().split_terminator("\n\n").map(frame).collect()
}

#[tokio::test]
async fn events_come_in_order_one_a_chunk() {
    let mock = MockServer::start().await.unwrap();
    let response = post(&mock, "/ark/api/v3/images/generations", &group()).await;
    assert_eq!((response.status, response.header("content-type")), (200, "text/event-stream"));
    let events = events(&response);
    assert_eq!(response.chunks.len(), events.len(), "every event is a flush of its own");
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let partial = "image_generation.partial_succeeded";
    assert_eq!(names, [partial, partial, partial, "image_generation.completed", ""]);
    assert_eq!(events[4].1, "[DONE]");
    for (index, (name, data)) in events[..3].iter().enumerate() {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!((data["type"].as_str(), data["image_index"].as_u64()), (Some(name.as_str()), Some(index as u64)));
        assert_eq!(data["size"], "1024x1024");
        assert_eq!(download(&mock, data["url"].as_str().unwrap()).await.status, 200);
    }
    let completed: Value = serde_json::from_str(&events[3].1).unwrap();
    assert_eq!(completed["usage"], json!({ "generated_images": 3, "output_tokens": 12288, "total_tokens": 12288 }));
    assert_eq!(completed.get("url"), None);
}

#[tokio::test]
async fn inline_streams_carry_the_bytes() {
    let mock = MockServer::start().await.unwrap();
    let mut body = group();
    body["response_format"] = json!("b64_json");
    let response = post(&mock, "/ark/api/v3/images/generations", &body).await;
    let first: Value = serde_json::from_str(&events(&response)[0].1).unwrap();
    assert!(first["b64_json"].as_str().unwrap().starts_with("/9j/"), "a JPEG");
}

#[tokio::test]
async fn a_withheld_image_is_an_event_and_the_others_follow() {
    let mock = MockServer::start().await.unwrap();
    let key = [("authorization", "Bearer sk-mock-partial")];
    let body = group().to_string();
    let response = send(&mock, "POST", "/ark/api/v3/images/generations", &key, body.as_bytes()).await.unwrap();
    let events = events(&response);
    assert_eq!(events[1].0, "image_generation.partial_failed");
    let failed: Value = serde_json::from_str(&events[1].1).unwrap();
    assert_eq!(failed["error"]["code"], "OutputImageSensitiveContentDetected");
    assert_eq!((events[2].0.as_str(), events.len()), ("image_generation.partial_succeeded", 5));
}

#[tokio::test]
async fn a_refused_stream_is_plain_json() {
    let mock = MockServer::start().await.unwrap();
    let mut body = group();
    body["size"] = json!("8x8");
    let response = post(&mock, "/ark/api/v3/images/generations", &body).await;
    assert_eq!((response.status, response.header("content-type")), (400, "application/json"));
}

/// A group of three as a stream with some difference, as it would be written to a socket.
fn streamed(fault: &str) -> Script {
    post_with(&engine(), fault, &create_path("ark"), &group())
}

fn text(script: &Script) -> String {
    String::from_utf8(script.body().to_vec()).unwrap()
}

/// The data of each event, as a reader of server-sent events gets it.
fn read(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let data = |frame: &str| {
        let lines: Vec<&str> = frame.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        lines.join("\n")
    };
    text.split_terminator("\n\n").map(data).filter(|data| !data.is_empty()).collect()
}

/// The type of each event, or its text where it is no JSON.
fn types(text: &str) -> Vec<String> {
    let r#type = |data: &String| match serde_json::from_str::<Value>(data) {
        Ok(event) => event["type"].as_str().unwrap_or("error").replace("image_generation.", ""),
        Err(_) => data.clone(),
    };
    read(text).iter().map(r#type).collect()
}

const MADE: &str = "partial_succeeded";

#[test]
fn streams_end_in_every_way() {
    for (fault, wanted) in [
        ("", vec![MADE, MADE, MADE, "completed", "[DONE]"]),
        ("sse=no-completed", vec![MADE, MADE, MADE, "[DONE]"]),
        ("sse=no-done", vec![MADE, MADE, MADE, "completed"]),
        ("sse=no-completed,no-done", vec![MADE, MADE, MADE]),
        ("sse=cut", vec![MADE, "partial_failed"]),
        ("sse=cut moderate=2", vec![MADE, MADE, "partial_failed"]),
        ("sse=error", vec![MADE, "error"]),
        ("sse=openai", vec!["completed", "completed", "completed"]),
        ("sse=json-as-stream", vec!["completed", "completed", "completed", "[DONE]"]),
    ] {
        assert_eq!(types(&text(&streamed(fault))), wanted, "{fault}");
    }
}

/// The official SDK takes the request id of a stream that breaks from here, and has none without it.
#[test]
fn ark_sends_the_callers_own_request_id_back() {
    let engine = engine();
    let asked = |path: &str, body: String| {
        let mut request = request("POST", path, Some("sk-test"), body);
        request.headers_mut().insert("x-client-request-id", "20261125224703sTVf".parse().unwrap());
        let script = engine.handle(now(), &request);
        script.header("x-client-request-id").map(str::to_owned)
    };
    for (case, body) in [("a stream", group().to_string()), ("a refusal", String::from("{}"))] {
        assert_eq!(asked("/ark/api/v3/images/generations", body).as_deref(), Some("20261125224703sTVf"), "{case}");
    }
    for path in ["/ark/v1/images/generations", "/gogogotoken/v1/images/generations"] {
        assert_eq!(asked(path, group().to_string()), None, "{path} is not known to do so");
    }
    assert_eq!(streamed("").header("x-client-request-id"), None, "what was not sent does not come back");
}

#[test]
fn streams_are_written_in_every_way_and_say_the_same() {
    let plain = text(&streamed(""));
    let values = |text: &str| -> Vec<Value> {
        read(text).iter().map(|data| serde_json::from_str(data).unwrap_or(Value::from(data.as_str()))).collect()
    };
    for fault in ["sse=crlf", "sse=cr", "sse=multiline", "sse=comments", "sse=split", "sse=split,crlf,multiline"] {
        let script = streamed(fault);
        let body = text(&script);
        assert_ne!(body, plain, "{fault}");
        assert_eq!(values(&body), values(&plain), "{fault}");
    }
    let (crlf, cr) = (text(&streamed("sse=crlf")), text(&streamed("sse=cr")));
    assert_eq!(crlf.matches('\n').count(), crlf.matches("\r\n").count());
    assert!(crlf.contains("\r\n\r\n") && cr.contains("\r\r") && !cr.contains('\n'));
    let lines = text(&streamed("sse=multiline"));
    assert!(lines.lines().filter(|line| line.starts_with("data: ")).count() > 20, "{lines}");
    let comments = text(&streamed("sse=comments"));
    assert_eq!(comments.matches("\n\n:").count() + 1, 5, "a comment before each event");
}

#[test]
fn printed_events_are_those_of_the_documents() {
    let body = text(&streamed("sse=pretty"));
    let first = body.split("\n\n").next().unwrap();
    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(
        lines[..3],
        ["event: image_generation.partial_succeeded", "data: {", "  \"type\": \"image_generation.partial_succeeded\","]
    );
    assert_eq!((lines.last(), lines.iter().filter(|line| line.starts_with("data:")).count()), (Some(&"}"), 1));
    let json: Value = serde_json::from_str(first.split_once("data: ").unwrap().1).unwrap();
    assert_eq!(json["image_index"], 0);
    let mut inline = group();
    inline["response_format"] = json!("b64_json");
    let body = text(&post_with(&engine(), "sse=pretty", &create_path("ark"), &inline));
    let json: Value = serde_json::from_str(body.split("\n\n").next().unwrap().split_once("data: ").unwrap().1).unwrap();
    assert!(json["b64_json"].as_str().unwrap().starts_with("/9j/"), "a picture, and no marker of one");
}

#[test]
fn pieces_end_inside_characters() {
    let script = streamed("sse=split");
    let broken = script.chunks.iter().filter(|chunk| {
        let bytes = chunk.bytes(|_| unreachable!());
        std::str::from_utf8(&bytes).is_err()
    });
    assert!(broken.count() > 5);
    assert!(script.chunks.iter().all(|chunk| chunk.bytes(|_| unreachable!()).len() <= 4));
}

#[test]
fn openai_and_new_api_put_the_image_into_completed() {
    let events = |fault: &str| -> Vec<Value> {
        read(&text(&streamed(fault))).iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    };
    for event in events("sse=openai") {
        assert!(event["b64_json"].as_str().unwrap().starts_with("/9j/"), "always inline");
        assert_eq!((&event["size"], &event["usage"]["output_tokens"]), (&json!("1024x1024"), &json!(4096)));
        assert!(event["created_at"].is_i64() && event.get("created").is_none());
    }
    for event in events("sse=json-as-stream") {
        assert!(event["url"].is_string() && event["created_at"].is_i64() && event.get("size").is_none(), "{event}");
    }
    let error = &events("sse=error")[1];
    assert_eq!((&error["error"]["code"], error.get("model")), (&json!("InternalServiceError"), None));
}

#[test]
fn a_request_for_a_stream_can_get_json() {
    let script = streamed("sse=json");
    assert_eq!((script.header("content-type"), script.streamed), (Some("application/json"), false));
    assert_eq!(json(&script)["data"].as_array().unwrap().len(), 3);
}

#[test]
fn what_came_is_billed() {
    let engine = engine();
    for fault in ["", "sse=cut", "sse=error", "sse=openai", "sse=no-completed,no-done"] {
        post_with(&engine, fault, &create_path("ark"), &group());
    }
    let billed: Vec<u32> = engine.journal(None).iter().map(|entry| entry.billed).collect();
    assert_eq!(billed, [3, 2, 1, 3, 3], "a relay that cuts a stream was charged for all of it");
}

#[tokio::test]
async fn the_head_comes_with_the_first_image_and_each_event_by_itself() {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
    let body = group().to_string();
    let request = format!(
        "POST /ark/api/v3/images/generations HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\nconnection: close\r\nauthorization: Bearer sk-test\r\n\
         x-mock-fault: pace=10s\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    for image in 0..3 {
        soon(clock.until_waiting(1)).await;
        let mut one = [0];
        assert_eq!(stream.try_read(&mut one).unwrap_err().kind(), ErrorKind::WouldBlock, "before image {image}");
        clock.advance(Duration::from_secs(10));
        while !String::from_utf8_lossy(&seen).contains(&format!("\"image_index\":{image}")) {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
        }
        // The rest of this event, up to the end of its chunk. The last image waits for nothing that follows it.
        while image < 2 && !seen.ends_with(b"\n\n\r\n") {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
        }
        let seen = String::from_utf8_lossy(&seen);
        assert!(seen.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(image == 2 || seen.matches("event: ").count() == image + 1, "{seen}");
    }
    stream.read_to_end(&mut seen).await.unwrap();
    let seen = String::from_utf8_lossy(&seen).into_owned();
    let created: Vec<&str> = seen.split("\"created\":").skip(1).map(|rest| &rest[..10]).collect();
    assert_eq!(created, ["1795000010", "1795000020", "1795000030", "1795000030"], "the time of each event");
}
