//! Faults of the wire, over the real transport and real sockets.

use std::time::Duration;

use seedream_client::ImageProvider as _;
use seedream_core::{Charge, ErrorKind, ImageData, Policy, WarningKind};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    raw_server::{Act, Raw, response},
    tiny_dialects::{Tiny, client, request, texts},
};

#[tokio::test]
async fn a_connection_that_closes_behind_the_request_is_one_post_and_unknown() {
    let server = Raw::start(vec![Act::Close]).await;
    let error = client(Tiny, &server.url).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((server.count("POST"), error.charge(), error.kind()), (1, Charge::Unknown, ErrorKind::Transport));
    assert!(!error.is_safe_to_retry());
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_and_costs_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(Tiny, &format!("http://{closed}")).build().unwrap();
    let error = client.generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), error.attempts().len()), (ErrorKind::Transport, Charge::No, 3));
    assert!(error.attempts().iter().all(|attempt| attempt.outcome.starts_with("not sent")), "{error:?}");
    assert!(error.is_safe_to_retry() && error.message().contains("could not connect"), "{error}");
}

/// A server that accepts connections and says nothing on them.
async fn mute() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
        }
    });
    address.to_string()
}

#[tokio::test]
async fn a_deadline_within_the_handshake_costs_nothing_and_behind_it_nobody_knows() {
    let mut policy = Policy::default();
    policy.deadline = Duration::from_millis(400);
    let at = mute().await;
    for (url, charge) in [(format!("https://{at}"), Charge::No), (format!("http://{at}"), Charge::Unknown)] {
        let client = client(Tiny, &url).policy(policy.clone()).build().unwrap();
        let error = client.generate(request()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Config), "{error}");
        assert_eq!(error.charge(), charge, "{url}");
    }
}

#[tokio::test]
async fn a_request_that_was_dropped_on_its_way_is_not_sent_again() {
    let (_open, gate) = oneshot::channel();
    let server = Raw::start(vec![Act::Gated(Vec::new(), gate, Vec::new()), response("200 OK", "", "{}")]).await;
    let client = client(Tiny, &server.url).build().unwrap();
    let mut waiting = Box::pin(client.generate(request()));
    while server.count("POST") == 0 {
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    drop((waiting, _open));
    // The response to this comes behind everything that was still under way.
    assert!(client.models().await.unwrap().is_empty());
    assert_eq!((server.count("POST"), server.count("GET")), (1, 1));
}

const CUT: &str =
    r#"{"data":[{"url":"https://a.example/0.png"},{"url":"https://a.example/1.png"},{"url":"https://a.exa"#;

#[tokio::test]
async fn a_response_that_is_cut_keeps_the_images_before_the_cut() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_owned(),
        // A chunk that promises more than comes.
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n".to_owned(),
        // No length: the end of the connection is the end of the response.
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        // A gateway that lost its upstream and ends in good order.
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", CUT.len()),
    ] {
        let server = Raw::start(vec![Act::Answer(format!("{head}{CUT}").into_bytes())]).await;
        let generation = client(Tiny, &server.url).build().unwrap().generate(request()).await.unwrap();
        assert_eq!((generation.images().count(), server.count("POST")), (2, 1), "{head}");
        assert!(generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete), "{head}");
    }
}

#[tokio::test]
async fn a_response_cut_before_its_first_image_is_unknown_and_kept() {
    let server = Raw::start(vec![Act::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"da".to_vec())]).await;
    let error = client(Tiny, &server.url).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((error.charge(), server.count("POST")), (Charge::Unknown, 1));
    assert_eq!(error.body().unwrap().as_ref(), b"{\"da");
}

#[tokio::test]
async fn a_response_over_the_limit_keeps_the_images_before_it() {
    let images = r#"[{"url":"https://a.example/0.png"},{"url":"https://a.example/1.png"}]"#;
    let body = format!(r#"{{"data":{images},"padding":"{}"}}"#, "x".repeat(3 << 20));
    let server = Raw::start(vec![response("200 OK", "", &body), response("200 OK", "", &body)]).await;
    let limited = client(Tiny, &server.url).max_response_bytes(2 << 20).build().unwrap();
    let generation = limited.generate(request()).await.unwrap();
    assert_eq!(generation.images().count(), 2);
    let why = generation.warnings.iter().find(|warning| warning.kind == WarningKind::Incomplete).unwrap();
    assert!(why.message.contains("larger than the limit"), "{why}");
    let tight = client(Tiny, &server.url).max_response_bytes(10).build().unwrap();
    let error = tight.generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::TooLarge, Charge::Unknown));
}

#[tokio::test]
async fn no_text_of_an_error_holds_the_key() {
    let echo = r#"{"error":"the key canary-0123456789 (Bearer canary-0123456789) is bad, see https://a.example/?canary-0123456789"}"#;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let acts =
        || vec![response("401 Unauthorized", "", echo), response("307 x", "Location: /?canary-0123456789\r\n", "")];
    let server = Raw::start(acts().into_iter().chain([Act::Close]).collect()).await;
    for url in [server.url.clone(), server.url.clone(), server.url.clone(), format!("http://{closed}")] {
        let client = client(Tiny, &url).build().unwrap();
        assert!(!format!("{client:?}{client:#?}").contains("canary"));
        let error = client.generate(request()).await.unwrap_err();
        let texts = texts(&error);
        assert!(!texts.contains("canary"), "{texts}");
    }
    assert!(server.requests().iter().all(|request| request.contains("Bearer canary-0123456789")));
}

#[tokio::test]
async fn an_image_whose_url_holds_the_key_is_still_found() {
    let body = r#"{"data":[{"url":"https://a.example/canary-0123456789/0.png"}]}"#;
    let server = Raw::start(vec![response("200 OK", "", body)]).await;
    let generation = client(Tiny, &server.url).build().unwrap().generate(request()).await.unwrap();
    let ImageData::Url { url, .. } = &generation.images().next().unwrap().data else { panic!("a URL") };
    assert_eq!(url, "https://a.example/canary-0123456789/0.png");
}
