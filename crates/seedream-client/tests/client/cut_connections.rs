//! A connection that is cut at every byte of a request and of a response, over the real transport and real sockets.
//!
//! Behind the first byte of a purchase's body there is one POST, whatever happens: the error says that it may be billed, and what
//! had arrived is kept. Before it nothing counts as sent.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use seedream_client::{Client, ImageProvider as _, ReqwestTransport};
use seedream_core::{Charge, Dialect, Error, ErrorKind, Generation, ImageRequest, Result};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    raw_server::{Act, ENDS, End, Raw, cut, response},
    tiny_dialects::{Tiny, TinyTasks, client, request},
};

const IMAGES: &str = r#"{"data":[{"url":"https://a.example/0.png"},{"url":"https://a.example/1.png"}]}"#;
const ACCEPTED: &str = r#"{"id":"job-1","eta":0}"#;
const DONE: &str = r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#;

/// Clients that share what does not belong to one connection.
struct Shared(Arc<ReqwestTransport>);

impl Shared {
    fn new() -> Self {
        Self(Arc::new(ReqwestTransport::new()))
    }

    fn client(&self, dialect: impl Dialect, url: &str) -> Client {
        client(dialect, url).polls_per_second(0).transport(self.0.clone()).build().unwrap()
    }

    async fn generate(&self, dialect: impl Dialect, server: &Raw, request: ImageRequest) -> Result<Generation> {
        self.client(dialect, &server.url).generate(request).await
    }
}

fn with_length(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn in_chunks(body: &str) -> Vec<u8> {
    let (first, second) = body.split_at(1);
    let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}{}0\r\n\r\n", chunk(first), chunk(second))
        .into_bytes()
}

/// How often something stands in what arrived.
fn count(arrived: &[u8], what: &str) -> usize {
    String::from_utf8_lossy(arrived).matches(what).count()
}

fn ended(error: &Error) -> Vec<&str> {
    error.attempts().iter().map(|attempt| attempt.outcome.split(':').next().unwrap()).collect()
}

/// A purchase whose request is cut at this byte.
async fn cut_request(shared: &Shared, dialect: impl Dialect, bought: &ImageRequest, at: usize, end: End) {
    let server = Raw::start((0..3).map(|_| Act::CutRequest(at, end)).collect()).await;
    let error = shared.generate(dialect, &server, bought.clone()).await.unwrap_err();
    let bodies = |requests: &[String]| {
        requests
            .iter()
            .filter(|request| request.split_once("\r\n\r\n").is_some_and(|(_, body)| !body.is_empty()))
            .count()
    };
    let (attempts, seen) = (ended(&error), server.requests());
    match error.charge() {
        // Nothing of the body had left, so it was tried again; and indeed nobody saw a byte of one.
        Charge::No => assert_eq!((attempts, bodies(&seen)), (vec!["not sent"; 3], 0), "{at} {end:?}: {error:?}"),
        Charge::Unknown => {
            let (last, before) = attempts.split_last().unwrap();
            assert!(
                *last == "broken" && before.iter().all(|outcome| *outcome == "not sent"),
                "{at} {end:?}: {error:?}"
            );
            assert!(bodies(&seen) <= 1 && error.task().is_none() && !error.is_safe_to_retry());
        }
        Charge::Yes => panic!("{at} {end:?}: {error:?}"),
    }
    if at > head_of(&seen) {
        assert_eq!((error.charge(), ended(&error), seen.len()), (Charge::Unknown, vec!["broken"], 1), "{at} {end:?}");
    }
}

/// How long the head of a request is.
fn head_of(seen: &[String]) -> usize {
    seen.first().and_then(|request| request.find("\r\n\r\n")).map_or(usize::MAX, |end| end + 4)
}

async fn length_of(shared: &Shared, dialect: impl Dialect, bought: &ImageRequest) -> usize {
    let server = Raw::start(vec![Act::Close]).await;
    shared.generate(dialect, &server, bought.clone()).await.unwrap_err();
    server.requests()[0].len()
}

#[tokio::test]
async fn a_request_cut_at_any_byte_is_one_post_behind_the_first_of_its_body() {
    let shared = Shared::new();
    for end in ENDS {
        for at in 0..=length_of(&shared, Tiny, &request()).await {
            cut_request(&shared, Tiny, &request(), at, end).await;
        }
    }
}

#[tokio::test]
async fn a_request_for_a_task_cut_at_any_byte_is_one_post_behind_the_first_of_its_body() {
    let shared = Shared::new();
    for end in ENDS {
        for at in 0..=length_of(&shared, TinyTasks, &request()).await {
            cut_request(&shared, TinyTasks, &request(), at, end).await;
        }
    }
}

#[tokio::test]
async fn a_request_that_no_buffer_holds_is_one_post_when_it_is_cut() {
    // As large as one with images in it: the connection breaks while it is still being written.
    let large = ImageRequest::new("tiny-1", "x".repeat(12 << 20));
    let shared = Shared::new();
    for end in ENDS {
        for at in [1 << 12, 1 << 20, 8 << 20] {
            cut_request(&shared, Tiny, &large, at, end).await;
        }
    }
}

/// The only stage over TLS before the body is the handshake; on a machine without CA certificates it does not come to one.
#[tokio::test]
async fn a_handshake_cut_at_any_byte_sent_nothing_and_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (at, connections) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(AtomicUsize::new(0)));
    let hello = Arc::new(AtomicUsize::new(0));
    let (cut_at, counted, longest) = (at.clone(), connections.clone(), hello.clone());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut taken = Vec::new();
            if cut_at.load(Ordering::SeqCst) == usize::MAX {
                // A record says how long it is.
                let mut record = [0; 5];
                socket.read_exact(&mut record).await.unwrap();
                longest.store(5 + usize::from(u16::from_be_bytes([record[3], record[4]])), Ordering::SeqCst);
            } else {
                taken.resize(cut_at.load(Ordering::SeqCst), 0);
                let _ = socket.read_exact(&mut taken).await;
                socket.shutdown().await.unwrap_or_default();
                let _ = socket.read_to_end(&mut taken).await;
            }
        }
    });
    let client = Shared::new().client(Tiny, &url);
    let first = client.generate(request()).await.unwrap_err();
    assert_eq!(first.charge(), Charge::No);
    if first.kind() == ErrorKind::Config {
        return;
    }
    for bytes in 0..=hello.load(Ordering::SeqCst) {
        at.store(bytes, Ordering::SeqCst);
        let before = connections.load(Ordering::SeqCst);
        let error = client.generate(request()).await.unwrap_err();
        assert_eq!((error.charge(), ended(&error)), (Charge::No, vec!["not sent"; 3]), "{bytes}: {error:?}");
        assert_eq!(connections.load(Ordering::SeqCst) - before, 3);
        assert!(error.is_safe_to_retry());
    }
}

#[tokio::test]
async fn a_response_cut_at_any_byte_is_one_post_and_keeps_every_image_that_had_arrived() {
    let shared = Shared::new();
    for whole in [with_length("200 OK", IMAGES), in_chunks(IMAGES)] {
        for (at, end) in (0..whole.len()).flat_map(|at| ENDS.map(|end| (at, end))) {
            let server = Raw::start(vec![cut(&whole, at, end), response("200 OK", "", IMAGES)]).await;
            let arrived = count(&whole[..at], ".png\"");
            match shared.generate(Tiny, &server, request()).await {
                Ok(generation) => assert_eq!((generation.images().count(), arrived.max(1)), (arrived, arrived), "{at}"),
                Err(error) => {
                    assert_eq!(
                        (arrived, error.charge(), ended(&error)),
                        (0, Charge::Unknown, vec!["broken"]),
                        "{at} {end:?}"
                    );
                }
            }
            assert_eq!(server.requests().len(), 1, "{at} {end:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_cut_at_any_byte_is_one_post_and_keeps_every_image_that_had_arrived() {
    let shared = Shared::new();
    let events: String =
        (0..3).map(|n| format!("event: picture\ndata: {{\"url\":\"https://a.example/{n}.png\"}}\n\n")).collect();
    let whole = with_length("200 OK", &format!("{events}data: [DONE]\n\n"));
    for (at, end) in (0..whole.len()).flat_map(|at| ENDS.map(|end| (at, end))) {
        let server = Raw::start(vec![cut(&whole, at, end), response("200 OK", "", IMAGES)]).await;
        // An event whose data is whole has arrived, with or without the line behind it.
        let arrived = count(&whole[..at], ".png\"}");
        match shared.generate(Tiny, &server, request().stream(true)).await {
            Ok(generation) => assert_eq!((generation.images().count(), arrived.max(1)), (arrived, arrived), "{at}"),
            Err(error) => assert_eq!((arrived, error.charge()), (0, Charge::Unknown), "{at} {end:?}: {error:?}"),
        }
        assert_eq!(server.requests().len(), 1, "{at} {end:?}");
    }
}

#[tokio::test]
async fn a_refusal_cut_at_any_byte_is_free_once_its_head_has_arrived() {
    let shared = Shared::new();
    let whole = with_length("400 Bad Request", "no such size");
    let head = whole.len() - "no such size".len();
    for (at, end) in (0..=whole.len()).flat_map(|at| ENDS.map(|end| (at, end))) {
        let server = Raw::start(vec![cut(&whole, at, end), response("200 OK", "", IMAGES)]).await;
        let error = shared.generate(Tiny, &server, request()).await.unwrap_err();
        let charge = if at < head { Charge::Unknown } else { Charge::No };
        assert_eq!((error.charge(), server.requests().len()), (charge, 1), "{at} {end:?}: {error:?}");
    }
}

#[tokio::test]
async fn an_acceptance_cut_at_any_byte_is_one_post_and_a_task_that_had_arrived_is_collected() {
    let shared = Shared::new();
    for whole in [with_length("200 OK", ACCEPTED), in_chunks(ACCEPTED)] {
        let known = String::from_utf8_lossy(&whole).find("job-1\"").unwrap() + "job-1\"".len();
        for (at, end) in (0..whole.len()).flat_map(|at| ENDS.map(|end| (at, end))) {
            let server = Raw::start(vec![cut(&whole, at, end), response("200 OK", "", DONE)]).await;
            let arrived = at >= known;
            match shared.generate(TinyTasks, &server, request()).await {
                Ok(generation) => assert!(arrived && generation.images().count() == 1, "{at} {end:?}"),
                Err(error) => {
                    assert_eq!(
                        (arrived, error.charge(), ended(&error)),
                        (false, Charge::Unknown, vec!["broken"]),
                        "{at}"
                    );
                }
            }
            assert_eq!((server.count("POST"), server.count("GET")), (1, usize::from(arrived)), "{at} {end:?}");
        }
    }
}

#[tokio::test]
async fn a_poll_cut_at_any_byte_of_request_and_answer_is_asked_again_and_nothing_is_bought_again() {
    let shared = Shared::new();
    let accepted = || response("200 OK", "", ACCEPTED);
    let asked = {
        let server = Raw::start(vec![accepted(), response("200 OK", "", DONE)]).await;
        shared.generate(TinyTasks, &server, request()).await.unwrap();
        server.requests()[1].len()
    };
    let whole = with_length("200 OK", DONE);
    let faults = ENDS.into_iter().flat_map(|end| {
        let requests = (0..=asked).map(move |at| (format!("request {at} {end:?}"), Act::CutRequest(at, end)));
        let whole = whole.clone();
        requests.chain((0..whole.len()).map(move |at| (format!("answer {at} {end:?}"), cut(&whole, at, end))))
    });
    for (fault, act) in faults {
        let server = Raw::start(vec![accepted(), act, response("200 OK", "", DONE)]).await;
        let generation = shared.generate(TinyTasks, &server, request()).await.unwrap();
        assert_eq!((generation.images().count(), server.count("POST"), server.requests().len()), (1, 1, 3), "{fault}");
    }
}

const REDIRECTS: [&str; 5] =
    ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"];

#[tokio::test]
async fn a_redirect_of_a_purchase_is_not_followed() {
    for status in REDIRECTS {
        let acts = || vec![response(status, "Location: /v1/elsewhere\r\n", ""), response("200 OK", "", IMAGES)];
        let (now, task) = (Raw::start(acts()).await, Raw::start(acts()).await);
        let shared = Shared::new();
        for (server, outcome) in [
            (&now, shared.generate(Tiny, &now, request()).await),
            (&task, shared.generate(TinyTasks, &task, request()).await),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(
                (server.requests().len(), error.charge(), error.attempts().len()),
                (1, Charge::No, 1),
                "{status}"
            );
        }
    }
}

#[tokio::test]
async fn a_redirect_of_a_poll_is_not_followed_and_the_task_is_kept() {
    for status in REDIRECTS {
        let redirect = response(status, "Location: /v1/jobs/job-2\r\n", "");
        let server = Raw::start(vec![response("200 OK", "", ACCEPTED), redirect, response("200 OK", "", DONE)]).await;
        let error = Shared::new().generate(TinyTasks, &server, request()).await.unwrap_err();
        assert_eq!((server.count("POST"), server.count("GET"), error.charge()), (1, 1, Charge::Unknown), "{status}");
        assert_eq!(error.task().unwrap().id.as_str(), "job-1");
    }
}
