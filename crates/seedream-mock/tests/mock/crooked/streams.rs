//! Streams that are framed badly, say things twice, miscount, or do not end.

use std::time::Duration;

use jiff::Timestamp;
use seedream_mock::{Clock, Engine, MockServer, Script};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::engine_calls::{create_path, engine, post_with};
use crate::http1_client::soon;

fn kites(inline: bool) -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "2 images of a kite", "sequential_image_generation": "auto",
        "size": "1024x1024", "stream": true, "response_format": if inline { "b64_json" } else { "url" },
    })
}

fn ark(engine: &Engine, fault: &str) -> Script {
    post_with(engine, fault, &create_path("ark"), &kites(false))
}

fn text(script: &Script) -> String {
    String::from_utf8(script.body().to_vec()).unwrap()
}

fn said(fault: &str) -> String {
    let script = ark(&engine(), fault);
    assert_eq!(script.header("content-type"), Some("text/event-stream"), "{fault}");
    text(&script)
}

fn billed(engine: &Engine) -> u32 {
    engine.journal(None).iter().map(|entry| entry.billed).sum()
}

/// The values of all lines that say `data: {`.
fn values(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| data.starts_with('{'));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[test]
fn events_are_framed_badly() {
    let one = said("stream=one-newline");
    assert!(!one.contains("\n\n") && one.ends_with("data: [DONE]\n"), "{one}");
    assert_eq!(values(&one).len(), 3);
    let twice = said("stream=data-data");
    assert!(twice.contains("\ndata: data: {\"type\"") && twice.ends_with("data: data: [DONE]\n\n"), "{twice}");
    let empty = said("stream=empty-data");
    assert!(empty.starts_with("data:\n\nevent: image_generation"), "{empty}");
    assert_eq!(empty.matches("data:\n\n").count(), 4);
    let comments = said("stream=comment-data");
    assert!(comments.starts_with("data: : keepalive\n\nevent:") && comments.matches("data: : keepalive").count() == 4);
    let both = said("stream=one-newline,data-data sse=crlf");
    assert!(both.contains("\r\ndata: data: {") && !both.contains("\r\n\r\n"), "{both}");
}

#[test]
fn a_whole_document_stands_where_events_should_be() {
    let bare = said("stream=bare-json");
    let mut parts = bare.split(": keepalive 画像\n\n");
    let document: Value = serde_json::from_str(parts.nth(1).unwrap().trim()).unwrap();
    assert_eq!(document["data"].as_array().map(Vec::len), Some(2));
    let whole = said("stream=whole");
    let values = values(&whole);
    assert_eq!((values.len(), values[0]["data"].as_array().map(Vec::len)), (1, Some(2)));
    assert!(whole.ends_with("\n\ndata: [DONE]\n\n"));
    let engine = engine();
    for fault in ["stream=whole", "stream=bare-json"] {
        let inline = text(&post_with(&engine, fault, &create_path("ark"), &kites(true)));
        assert_eq!(inline.matches("\"b64_json\":\"/9j/").count(), 2, "{fault}");
    }
    assert_eq!(billed(&engine), 4);
}

#[test]
fn an_error_stands_in_the_stream_and_nothing_is_billed() {
    let engine = engine();
    let words = ark(&engine, "stream=error-text refuse=balance");
    assert_eq!(words.status, 200);
    let words = text(&words);
    assert!(
        words.contains("event: error\ndata: AccountOverdueError: The request failed because your account"),
        "{words}"
    );
    let json = text(&ark(&engine, "stream=error-json refuse=moderated-prompt"));
    assert!(
        json.starts_with(": keepalive") && json.contains("\n\n{\"error\":{\"code\":\"InputTextSensitiveContent"),
        "{json}"
    );
    let own = text(&ark(&engine, "stream=error-text"));
    assert!(own.contains("data: InternalServiceError: "), "{own}");
    let nested = text(&ark(&engine, "stream=error-json refuse=balance error=msg,nested"));
    assert!(nested.contains("{\"code\":\"upstream_error\",\"msg\":\"{"), "{nested}");
    assert_eq!(billed(&engine), 0);
    let plain = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite" });
    assert_eq!(post_with(&engine, "stream=error-text refuse=balance", &create_path("ark"), &plain).status, 403);
}

#[tokio::test]
async fn a_stream_goes_on_after_it_has_ended() {
    for fault in ["stream=no-end", "stream=no-end coding=zstd"] {
        let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
        let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
        let body = kites(false).to_string();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\nauthorization: Bearer sk-test\r\nx-mock-fault: {fault}\r\n\
             content-length: {}\r\n\r\n{body}",
            create_path("ark"),
            body.len()
        );
        let mut socket = tokio::net::TcpStream::connect(mock.address()).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        soon(clock.until_waiting(1)).await;
        for kept_alive in 0..3 {
            while seen.windows(9).filter(|part| part == b"keepalive").count() < kept_alive
                || !seen.windows(9).any(|part| part == b"completed")
            {
                soon(socket.read_buf(&mut seen)).await.unwrap();
            }
            soon(clock.until_waiting(1)).await;
            let mut one = [0];
            assert!(socket.try_read(&mut one).is_err(), "it waits for the clock");
            clock.advance(Duration::from_secs(15));
        }
        let said = String::from_utf8_lossy(&seen).into_owned();
        assert!(!said.contains("[DONE]"), "{said}");
        assert!(mock.ledger().iter().all(|bill| bill.answered && bill.images == 2), "everything that counts has come");
    }
}

#[test]
fn things_are_said_twice_and_billed_once() {
    let engine = engine();
    let repeated = values(&text(&ark(&engine, "stream=repeat")));
    assert_eq!((repeated.len(), &repeated[0]), (6, &repeated[1]));
    let replayed = text(&ark(&engine, "stream=replay"));
    let events = values(&replayed);
    assert_eq!((events.len(), &events[0]), (6, &events[3]));
    assert_eq!(replayed.matches("[DONE]").count(), 2);
    assert_eq!(billed(&engine), 4);
}

#[test]
fn counts_disagree_and_are_billed_as_they_are_counted() {
    let usage = |fault: &str| {
        let engine = engine();
        let events = values(&text(&ark(&engine, fault)));
        (events.last().unwrap()["usage"]["generated_images"].clone(), billed(&engine))
    };
    assert_eq!(usage(""), (json!(2), 2));
    assert_eq!(usage("stream=overbilled"), (json!(3), 3));
    let engine = engine();
    let unreadable = text(&ark(&engine, "stream=unreadable-free"));
    let data: Vec<&str> = unreadable.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert!(serde_json::from_str::<Value>(data[0]).is_err() && serde_json::from_str::<Value>(data[1]).is_ok());
    assert!(data[2].contains("\"generated_images\":0"), "{}", data[2]);
    assert_eq!(billed(&engine), 2, "what could not be read was made");
}

#[test]
fn the_last_event_ends_right_after_its_image() {
    let engine = engine();
    let cut = text(&ark(&engine, "stream=cut-url"));
    let (before, last) = cut.rsplit_once("data: ").unwrap();
    assert!(before.contains("\"image_index\":0") && last.contains("\"image_index\":1,\"url\":\"http://mock"), "{cut}");
    assert!(last.ends_with('"') && !last.contains("size"), "{last}");
    let free = values(&text(&ark(&engine, "stream=free-first,one-newline")));
    assert_eq!(free[0]["usage"]["generated_images"], 0);
    let free = text(&ark(&engine, "stream=free-first,cut-url"));
    assert!(free.contains("\"generated_images\":0") && free.ends_with('"'), "{free}");
    let inline = text(&post_with(&engine, "stream=cut-url", &create_path("ark"), &kites(true)));
    assert!(inline.ends_with('"') && inline.matches("b64_json").count() == 2);
    let brace = text(&ark(&engine, "truncate=brace"));
    assert!(brace.ends_with("\"total_tokens\":8192}"), "{}", &brace[brace.len() - 60..]);
}

#[test]
fn many_small_events_come_before_the_end() {
    let script = ark(&engine(), "stream=many:20");
    assert_eq!(script.chunks.len(), 2 + 20 + 2);
    let text = text(&script);
    assert_eq!(text.matches("image_generation.progress").count(), 20_000);
    assert!(text.rfind("progress") < text.find("image_generation.completed"));
}
