//! M10: streams of events.

use seedream_mock::MockServer;
use serde_json::{Value, json};

use crate::http1::{Answer, download, post, send};

fn group() -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite", "size": "1K", "stream": true,
        "sequential_image_generation": "auto",
    })
}

/// Name and data of each event.
fn events(answer: &Answer) -> Vec<(String, String)> {
    let frame = |frame: &str| {
        let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        (line("event: "), line("data: "))
    };
    answer.text().split_terminator("\n\n").map(frame).collect()
}

#[tokio::test]
async fn m10_events_come_in_order_one_a_chunk() {
    let mock = MockServer::start().await.unwrap();
    let answer = post(&mock, "/ark/api/v3/images/generations", &group()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
    let events = events(&answer);
    assert_eq!(answer.chunks.len(), events.len(), "every event is a flush of its own");
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
async fn m10_inline_streams_carry_the_bytes() {
    let mock = MockServer::start().await.unwrap();
    let mut body = group();
    body["response_format"] = json!("b64_json");
    let answer = post(&mock, "/ark/api/v3/images/generations", &body).await;
    let first: Value = serde_json::from_str(&events(&answer)[0].1).unwrap();
    assert!(first["b64_json"].as_str().unwrap().starts_with("/9j/"), "a JPEG");
}

#[tokio::test]
async fn m11_a_withheld_picture_is_an_event_and_the_others_follow() {
    let mock = MockServer::start().await.unwrap();
    let key = [("authorization", "Bearer sk-mock-partial")];
    let body = group().to_string();
    let answer = send(&mock, "POST", "/ark/api/v3/images/generations", &key, body.as_bytes()).await.unwrap();
    let events = events(&answer);
    assert_eq!(events[1].0, "image_generation.partial_failed");
    let failed: Value = serde_json::from_str(&events[1].1).unwrap();
    assert_eq!(failed["error"]["code"], "OutputImageSensitiveContentDetected");
    assert_eq!((events[2].0.as_str(), events.len()), ("image_generation.partial_succeeded", 5));
}

#[tokio::test]
async fn m10_a_refused_stream_is_plain_json() {
    let mock = MockServer::start().await.unwrap();
    let mut body = group();
    body["size"] = json!("8x8");
    let answer = post(&mock, "/ark/api/v3/images/generations", &body).await;
    assert_eq!((answer.status, answer.header("content-type")), (400, "application/json"));
}
