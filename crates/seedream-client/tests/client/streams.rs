//! Streams of events.

use std::time::Duration;

use futures_util::StreamExt as _;
use seedream_client::ImageProvider as _;
use seedream_core::{Charge, ErrorKind, Event, WarningKind};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    raw_server::{Act, Raw, response},
    tiny_dialects::{Tiny, client, request},
};

const ONE: &str = "event: image\ndata: {\"url\":\"https://a.example/0.png\"}\n\n";
const TWO: &str = "data: {\"failed\":true}\n\ndata: {\"url\":\"https://a.example/2.png\"}\n\ndata: [DONE]\n\n";

#[tokio::test]
async fn events_arrive_before_the_stream_ends() {
    let (open, gate) = oneshot::channel();
    let first = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n{ONE}");
    let server = Raw::start(vec![Act::Gated(first.into_bytes(), gate, TWO.into())]).await;
    let client = client(Tiny, &server.url).build().unwrap();
    let mut events = client.events(request().stream(true)).await.unwrap();
    // The server writes nothing more until this event has come.
    let event = timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(event, Event::Image(image) if image.index == 0));
    open.send(()).unwrap();
    let rest: Vec<_> = events.map(Result::unwrap).collect().await;
    assert!(
        matches!(&rest[..], [Event::ImageFailed(_), Event::Image(_), Event::Finished(done)] if done.outcomes.len() == 3),
        "{rest:?}"
    );
    assert_eq!(server.count("POST"), 1);
}

#[tokio::test]
async fn the_first_byte_decides_and_not_the_label() {
    let body = format!("{ONE}{TWO}");
    let json = r#" {"data":[{"url":"https://a.example/0.png"}]}"#;
    for (label, body, stream, images) in [
        ("application/json", body.as_str(), true, 2),
        ("text/event-stream; charset=utf-8", &body, true, 2),
        ("Text/Event-Stream", &body, false, 2),
        ("text/event-stream", json, true, 1),
        ("application/json", json, true, 1),
        ("application/json", json, false, 1),
        ("text/event-stream", ONE.trim_end(), true, 1),
    ] {
        let server = Raw::start(vec![response("200 OK", &format!("Content-Type: {label}\r\n"), body)]).await;
        let client = client(Tiny, &server.url).build().unwrap();
        let generation = client.generate(request().stream(stream)).await.unwrap();
        assert_eq!(generation.images().count(), images, "{label} {body}");
    }
}

#[tokio::test]
async fn a_refusal_of_a_stream_request_is_a_response() {
    let server =
        Raw::start(vec![response("400 Bad Request", "Content-Type: text/event-stream\r\n", "{\"error\":1}")]).await;
    let client = client(Tiny, &server.url).build().unwrap();
    let error = client.generate(request().stream(true)).await.unwrap_err();
    assert_eq!((error.charge(), error.status().unwrap().as_u16()), (Charge::No, 400));
}

#[tokio::test]
async fn a_last_event_whose_data_had_arrived_is_kept_when_the_connection_breaks() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n";
    // The blank line that would have ended it is missing, once as the first event and once as the second.
    for (before, images) in [("", 1), (ONE, 2)] {
        let body = format!("{head}{before}data: {{\"url\":\"https://a.example/1.png\"}}\n");
        let server = Raw::start(vec![Act::Answer(body.into_bytes())]).await;
        let generation = client(Tiny, &server.url).build().unwrap().generate(request().stream(true)).await.unwrap();
        assert_eq!((generation.images().count(), server.count("POST")), (images, 1));
    }
}

#[tokio::test]
async fn a_stream_that_ends_without_its_mark_and_with_too_few_images_is_told_of() {
    for (rest, told) in [("", true), ("data: [DONE]\n\n", false)] {
        let body = format!("{ONE}{rest}");
        let server = Raw::start(vec![response("200 OK", "Content-Type: text/event-stream\r\n", &body)]).await;
        let client = client(Tiny, &server.url).build().unwrap();
        let generation = client.generate(request().stream(true).count(3)).await.unwrap();
        let incomplete = |warning: &seedream_core::Warning| warning.kind == WarningKind::Incomplete;
        assert_eq!((generation.images().count(), generation.warnings.iter().any(incomplete)), (1, told));
    }
}

#[tokio::test]
async fn a_stream_that_breaks_keeps_what_came() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n";
    let server = Raw::start(vec![Act::Answer(format!("{head}{ONE}data: {{\"ur").into_bytes())]).await;
    let generation = client(Tiny, &server.url).build().unwrap().generate(request().stream(true)).await.unwrap();
    assert_eq!((generation.images().count(), server.count("POST")), (1, 1));
    assert!(generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete));

    let server = Raw::start(vec![Act::Answer(format!("{head}data: {{\"ur").into_bytes())]).await;
    let error = client(Tiny, &server.url).build().unwrap().generate(request().stream(true)).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), server.count("POST")), (ErrorKind::Transport, Charge::Unknown, 1));
}

#[tokio::test]
async fn what_is_neither_json_nor_events_is_kept_whole() {
    let server = Raw::start(vec![response("200 OK", "Content-Type: text/plain\r\n", "Service OK")]).await;
    let error = client(Tiny, &server.url).build().unwrap().generate(request().stream(true)).await.unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::MalformedResponse, Charge::Unknown));
    assert_eq!(error.body().unwrap().as_ref(), b"Service OK");
}
