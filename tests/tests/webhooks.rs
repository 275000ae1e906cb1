//! Callbacks over real sockets: what a stranger sends leads to nothing, and what a provider sends leads to one question.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::SocketAddr, time::Duration};

use futures_util::FutureExt as _;
use seedream::{
    Charge, Client, ErrorKind, ImageRequest, Strictness, Task,
    adapters::{Evolink, Gogogotoken},
    seedream_client::webhook::{PendingTask, Webhooks, axum},
    seedream_core::{Pace, Policy, TaskId},
};
use seedream_mock::{MockServer, TaskEnd};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A pace at which nobody asks unless somebody hints.
const NEVER: Duration = Duration::from_secs(500);

/// A mock, a client of it with callbacks, and the server that receives these.
struct House {
    mock: MockServer,
    webhooks: Webhooks,
    address: SocketAddr,
}

impl House {
    /// Tasks end with that poll; nobody asks before `pace` unless somebody hints.
    async fn new(end: u32, pace: Duration) -> Self {
        Self::with_key(end, pace, "sk-any").await
    }

    async fn with_key(end: u32, pace: Duration, key: &str) -> Self {
        let slow = Duration::from_millis(200);
        let mock =
            MockServer::builder().task(TaskEnd::Polls(end)).estimated_seconds(0).slow(slow).start().await.unwrap();
        let mut policy = Policy::default();
        policy.pace = Pace { shortest: pace, longest: pace };
        // A hint that nobody hears fails a test, and not after ten minutes.
        policy.deadline = Duration::from_secs(60);
        let client = Client::builder(Evolink).base_url(mock.base_url("evolink").unwrap()).key(key.to_owned());
        let webhooks = Webhooks::new(client.policy(policy).build().unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().merge(webhooks.router());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { mock, webhooks, address }
    }

    async fn submit(&self) -> PendingTask {
        let request = ImageRequest::new("doubao-seedream-4.5", "a lighthouse");
        self.webhooks.submit(request).await.unwrap()
    }

    /// The secret path.
    fn path(&self) -> String {
        self.webhooks.url("")
    }

    /// Calls back as the provider does.
    async fn call(&self, body: &str) -> (u16, String) {
        self.send("POST", &self.path(), body).await
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let message = format!("{}content-length: {length}\r\nconnection: close\r\n\r\n{body}", head(method, path));
        exchange(TcpStream::connect(self.address).await.unwrap(), message.as_bytes()).await
    }

    /// How often the task was asked for.
    fn polls(&self) -> usize {
        self.mock.journal().iter().filter(|entry| entry.method == "GET").count()
    }

    /// How many requests the mock saw.
    fn requests(&self) -> usize {
        self.mock.journal().iter().filter(|entry| entry.kind == "request").count()
    }
}

fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: hooks\r\ncontent-type: application/json\r\n")
}

/// Sends the whole of a message and reads the response to its end: status, and everything but the date.
async fn exchange(mut stream: TcpStream, message: &[u8]) -> (u16, String) {
    stream.write_all(message).await.unwrap();
    response(stream).await
}

async fn response(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let lines = text.split_inclusive("\r\n").filter(|line| !line.starts_with("date:"));
    (text.split(' ').nth(1).unwrap().parse().unwrap(), lines.collect())
}

/// What EvoLink sends when that task has ended, with images at `url`.
fn completed(id: &str, url: &str) -> String {
    let text = include_str!("../../fixtures/evolink/callbacks/completed.json");
    let mut body: Value = serde_json::from_str::<Value>(text).unwrap()["request"]["json"].take();
    body["id"] = id.into();
    body["results"] = json!([url]);
    body.to_string()
}

#[tokio::test]
async fn a_callback_leads_to_one_question_and_the_images() {
    let house = House::new(1, NEVER).await;
    let callback = house.webhooks.url("https://hooks.example.com/below/");
    let request = ImageRequest::new("doubao-seedream-4.5", "a lighthouse").callback_url(callback.clone());
    let expected = house.webhooks.submit(request).await.unwrap();
    let asked_for = &house.mock.journal()[0].body["callback_url"];
    assert_eq!(asked_for, &callback, "a public https base passes the check");
    assert!(callback.starts_with("https://hooks.example.com/below/seedream/callbacks/evolink/"), "{callback}");

    let id = expected.task().id.to_string();
    let waiting = tokio::spawn(expected.wait());
    let response = house.call(&completed(&id, "https://evil.example/a.png")).await;
    assert_eq!(response, (200, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned()));
    let generation = waiting.await.unwrap().unwrap();
    assert_eq!((house.polls(), house.requests()), (1, 2));
    let image = generation.images().next().unwrap();
    let seedream::ImageData::Url { url, .. } = &image.data else { panic!("{image:?}") };
    assert!(url.starts_with(&house.mock.url()), "the images are those of our own poll: {url}");
    assert_eq!(generation.model.as_str(), "doubao-seedream-4.5");
}

#[tokio::test]
async fn duplicates_are_dropped() {
    let house = House::new(1, NEVER).await;
    let expected = house.submit().await;
    let body = completed(expected.task().id.as_str(), "https://evil.example/a.png");
    // Three before anybody waits, two while somebody does, one when all is over: one question.
    for _ in 0..3 {
        assert_eq!(house.call(&body).await.0, 200);
    }
    let (generation, second, third) = tokio::join!(expected.wait(), house.call(&body), house.call(&body));
    generation.unwrap();
    assert_eq!((second.0, third.0, house.call(&body).await.0), (200, 200, 200));
    assert_eq!((house.polls(), house.requests()), (1, 2));
}

#[tokio::test]
async fn a_hint_while_it_is_being_asked_for_is_not_lost() {
    let house = House::new(2, Duration::from_millis(1)).await;
    let mut task = house.submit().await.task().clone();
    // It is asked for at once, and then not before five minutes have passed.
    task.estimated_seconds = Some(1000);
    let body = completed(task.id.as_str(), "https://evil.example/a.png");
    let expected = house.webhooks.expect(task).unwrap();
    let (generation, _, _) = tokio::join!(expected.wait(), house.call(&body), house.call(&body));
    assert_eq!(generation.unwrap().images().count(), 1);
    assert_eq!(house.polls(), 2, "the first answer was that it is not done, whatever the callback says");
}

#[tokio::test]
async fn a_flood_of_hints_interrupts_no_question() {
    let house = House::with_key(1, Duration::from_millis(1), "sk-mock-slow").await;
    let mut task = house.submit().await.task().clone();
    task.estimated_seconds = Some(1000);
    let body = completed(task.id.as_str(), "https://evil.example/a.png");
    let waiting = tokio::spawn(house.webhooks.expect(task).unwrap().wait());
    while !waiting.is_finished() {
        house.call(&body).await;
    }
    waiting.await.unwrap().unwrap();
    assert_eq!(house.polls(), 1);
}

#[tokio::test]
async fn forged_bodies_cause_no_fetch_and_no_download() {
    let house = House::new(1, NEVER).await;
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let evil = format!("http://{}/a.png", trap.local_addr().unwrap());
    let expected = house.submit().await;
    let id = expected.task().id.to_string();
    let waiting = tokio::spawn(expected.wait());
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    for body in [
        completed("task-unified-1756817821-unknown0", &evil),
        completed(&evil, &evil),
        completed(&format!("{id}/../../{id}"), &evil),
        completed(&format!("{id}?x"), &evil),
        completed("../../v1/images/generations", &evil),
        completed("", &evil),
        json!({ "id": 7, "results": [evil] }).to_string(),
        format!(r#"{{"x":{deep},"id":"{id}x"}}"#),
        format!(r#"{{"id":{deep}}}"#),
        deep,
        format!("id={id}x"),
        "\u{feff}{}".to_owned(),
        String::new(),
    ] {
        let shown: String = body.chars().take(80).collect();
        let response = house.call(&body).await;
        assert_eq!(response.0, 200, "whatever is believed, the answer is the same: {shown}");
        assert_eq!(house.requests(), 1, "{shown}");
    }
    // The body of the right task is believed no more: the images are ours, and only they.
    house.call(&completed(&id, &evil)).await;
    let generation = waiting.await.unwrap().unwrap();
    assert!(!format!("{generation:?}").contains(&evil));
    assert_eq!((house.polls(), house.requests()), (1, 2), "one submit, and one question for the right hint");
    assert!(trap.accept().now_or_never().is_none(), "nobody followed a URL of a body");
}

#[tokio::test]
async fn a_callback_in_another_form_is_a_hint_as_any_other() {
    for body in [
        |id: &str| format!("task_id={id}&status=completed"),
        |id: &str| format!("event=done&payload=%7B%22task_id%22%3A%22{id}%22%7D"),
        |id: &str| json!({ "task_id": id, "data": { "status": "completed" } }).to_string(),
        |id: &str| json!({ "code": 200, "data": { "task_id": id } }).to_string(),
        |id: &str| json!({ "task": { "id": id } }).to_string(),
        |id: &str| json!([{ "id": id }]).to_string(),
        |id: &str| format!("\u{feff}{{\"id\":\"{id}\",}}"),
        |id: &str| json!({ "id": [id], "other": { "id": null } }).to_string(),
        |id: &str| json!(id).to_string(),
        |id: &str| format!("other={id}"),
    ] {
        let house = House::new(1, NEVER).await;
        let expected = house.submit().await;
        let body = body(expected.task().id.as_str());
        let waiting = tokio::spawn(expected.wait());
        tokio::task::yield_now().await;
        assert_eq!(house.call(&body).await.0, 200);
        assert_eq!(waiting.await.unwrap().unwrap().images().count(), 1, "{body}");
        assert_eq!(house.polls(), 1, "{body}");
    }
}

#[tokio::test]
async fn without_the_token_there_is_nothing() {
    let house = House::new(1, NEVER).await;
    let expected = house.submit().await;
    let body = completed(expected.task().id.as_str(), "https://evil.example/a.png");
    let path = house.path();
    let (folder, token) = path.rsplit_once('/').unwrap();
    assert!(token.len() * 4 >= 128 && token.bytes().all(|b| b.is_ascii_hexdigit()), "{token}");
    let nowhere = house.send("POST", "/somewhere/else", &body).await;
    assert_eq!(nowhere.0, 404);
    let last = if token.ends_with('0') { '1' } else { '0' };
    let huge = "x".repeat(100_000);
    for wrong in [
        format!("{folder}/{}{last}", &token[..token.len() - 1]),
        format!("{folder}/{}", &token[1..]),
        format!("{path}0"),
        format!("{folder}/{}", token.to_ascii_uppercase().replace(|c: char| c.is_ascii_digit(), "0")),
        format!("{folder}/{}", "0".repeat(token.len())),
        format!("{folder}/%00"),
        format!("{folder}/%ff%fe"),
        format!("{folder}/"),
        folder.to_owned(),
        format!("{path}/"),
        format!("{folder}/x?{token}"),
    ] {
        assert_eq!(house.send("POST", &wrong, &body).await, nowhere, "{wrong}");
        assert_eq!(house.send("GET", &wrong, "").await, nowhere, "{wrong}");
        // A large body is not even read.
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let head = format!("{}content-length: {}\r\nconnection: close\r\n\r\n", head("POST", &wrong), huge.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(response(stream).await, nowhere, "{wrong}");
    }
    drop(expected);
    assert_eq!(house.requests(), 1);
    // Two processes have two tokens, and no text shows one.
    let other = Webhooks::new(client(&house)).unwrap();
    assert_ne!(other.url(""), path);
    assert!(!format!("{:?}", house.webhooks).contains(token));
}

#[tokio::test]
async fn only_small_posts_are_read() {
    let house = House::new(1, NEVER).await;
    let path = house.path();
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let (status, response) = house.send(method, &path, "").await;
        assert!(status == 405 && response.contains("allow: POST"), "{method}: {response}");
    }
    // Refused by what it states, before a byte of it is sent.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let message = format!("{}content-length: 65537\r\nconnection: close\r\n\r\n", head("POST", &path));
    stream.write_all(message.as_bytes()).await.unwrap();
    assert_eq!(response(stream).await.0, 413);
    // Refused by what it is, where it states nothing.
    let chunk = format!("10001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x10001));
    let message = format!("{}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}", head("POST", &path));
    assert_eq!(exchange(TcpStream::connect(house.address).await.unwrap(), message.as_bytes()).await.0, 413);
    // The largest is taken.
    assert_eq!(house.call(&" ".repeat(0x10000)).await.0, 200);
    assert_eq!(house.requests(), 0);
}

#[tokio::test]
async fn few_callbacks_are_read_at_a_time() {
    let house = House::new(1, NEVER).await;
    let expected = house.submit().await;
    let body = completed(expected.task().id.as_str(), "https://evil.example/a.png");
    let path = house.path();
    // Each says by its 100 that its body is being waited for.
    let mut slow = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let length = body.len();
        let head = format!("{}content-length: {length}\r\nexpect: 100-continue\r\n", head("POST", &path));
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        slow.push(stream);
    }
    let (status, response) = house.call(&body).await;
    assert!(status == 503 && response.contains("retry-after: 1"), "{response}");
    // Who is slow keeps others out, but is heard; and then there is room again.
    for stream in slow {
        assert_eq!(exchange(stream, body.as_bytes()).await.0, 200);
    }
    assert_eq!(house.call(&body).await.0, 200);
    expected.wait().await.unwrap();
    assert_eq!(house.polls(), 1);
}

/// The clock stands still until nothing moves any more, and then goes to the next moment that somebody waits for.
#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let house = House::new(1, NEVER).await;
    let message = format!("{}content-length: 100\r\nconnection: close\r\n\r\n{{", head("POST", &house.path()));
    assert_eq!(exchange(TcpStream::connect(house.address).await.unwrap(), message.as_bytes()).await.0, 408);
}

#[tokio::test]
async fn a_lost_callback_loses_nothing() {
    let house = House::new(3, Duration::from_millis(1)).await;
    let generation = house.submit().await.wait().await.unwrap();
    assert_eq!((generation.images().count(), house.polls()), (1, 3));
}

#[tokio::test]
async fn a_task_of_another_process_is_expected_and_given_back() {
    let house = House::new(1, NEVER).await;
    let task = house.submit().await.task().clone();
    // Dropping what expects it frees its place; while it is expected there is no second.
    let expected = house.webhooks.expect(task.clone()).unwrap();
    let error = house.webhooks.expect(task.clone()).unwrap_err();
    assert_eq!((error.kind(), error.charge(), error.task()), (ErrorKind::Config, Charge::Unknown, Some(&task)));
    assert_eq!(expected.wait().await.unwrap().images().count(), 1);
    assert_eq!((house.polls(), house.requests()), (1, 2));

    let elsewhere = Task::new("evolink", "https://evil.example", TaskId::new("task-unified-1-a").unwrap(), "m".into());
    let error = house.webhooks.expect(elsewhere).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "the key goes to no other host");
}

#[tokio::test]
async fn a_deadline_keeps_the_task() {
    let mock = MockServer::builder().task(TaskEnd::Polls(1000)).start().await.unwrap();
    let mut policy = Policy::default();
    policy.deadline = Duration::from_millis(200);
    let client = Client::builder(Evolink).base_url(mock.base_url("evolink").unwrap()).key("sk-any");
    let webhooks = Webhooks::new(client.policy(policy).build().unwrap()).unwrap();
    let expected = webhooks.submit(ImageRequest::new("doubao-seedream-4.5", "a lighthouse")).await.unwrap();
    let task = expected.task().clone();
    let error = expected.wait().await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), error.task()), (ErrorKind::Timeout, Charge::Unknown, Some(&task)));
}

#[tokio::test]
async fn callbacks_are_public_https_of_evolink() {
    let house = House::new(1, NEVER).await;
    for base in ["http://hooks.example.com", "https://127.0.0.1", "https://10.1.2.3", "https://localhost"] {
        let request = ImageRequest::new("doubao-seedream-4.5", "a lighthouse").callback_url(house.webhooks.url(base));
        let error = house.webhooks.submit(request).await.unwrap_err();
        assert_eq!((error.kind(), error.charge()), (ErrorKind::InvalidRequest, Charge::No), "{base}");
    }
    assert_eq!(house.requests(), 0);
    let other = Client::builder(Gogogotoken).key("sk-any").strictness(Strictness::Lenient).build().unwrap();
    assert_eq!(Webhooks::new(other).unwrap_err().kind(), ErrorKind::Config);
}

fn client(house: &House) -> Client {
    Client::builder(Evolink).base_url(house.mock.base_url("evolink").unwrap()).key("sk-any").build().unwrap()
}
