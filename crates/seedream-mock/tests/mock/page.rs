//! The page at `/`, what it asks, and who may ask it.

use std::fs;

use seedream_mock::{Engine, Expectation, MockServer, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http1_client::{download, post, send, soon};
use crate::own_fixtures::Folder;

const CREATE: &str = "/ark/api/v3/images/generations";
const BROWSER: [(&str, &str); 1] = [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];

fn kite() -> Value {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite", "sequential_image_generation": "auto" })
}

async fn admin(mock: &MockServer, route: &str) -> Value {
    let response = download(mock, &format!("/__mock/v1/{route}")).await;
    assert_eq!(response.status, 200, "{route}: {}", response.text());
    response.json()
}

#[tokio::test]
async fn a_browser_gets_a_page_and_other_clients_what_they_got() {
    let mock = MockServer::start().await.unwrap();
    let page = send(&mock, "GET", "/", &BROWSER, b"").await.unwrap();
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!((page.header("vary"), page.header("x-content-type-options")), ("accept", "nosniff"));
    let head = send(&mock, "HEAD", "/", &BROWSER, b"").await.unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, page.body.len().to_string().as_str()));
    assert!(head.body.is_empty() && mock.journal().is_empty(), "the page is no request to a provider");
    for accept in ["*/*", "application/json", "text/html;q=0.5, application/json"] {
        let response = send(&mock, "GET", "/", &[("accept", accept)], b"").await.unwrap();
        assert_eq!(
            (response.status, &response.json()["error"]["code"]),
            (404, &json!("mock_no_such_route")),
            "{accept}"
        );
    }
    for path in ["/s/blue/", "/ark"] {
        assert_eq!(send(&mock, "GET", path, &BROWSER, b"").await.unwrap().status, 404, "{path}");
    }
    let off = MockServer::builder().page(false).start().await.unwrap();
    assert_eq!(send(&off, "GET", "/", &BROWSER, b"").await.unwrap().status, 404);
    post(&off, CREATE, &kite()).await;
    assert_eq!(admin(&off, "exchange?number=1").await["response"], Value::Null, "without a page no response is kept");
}

#[tokio::test]
async fn the_policy_allows_the_pages_own_script_and_no_other_host() {
    let mock = MockServer::start().await.unwrap();
    let page = send(&mock, "GET", "/", &BROWSER, b"").await.unwrap();
    let policy: Vec<&str> = page.header("content-security-policy").split("; ").collect();
    for rule in
        ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(&rule), "{policy:?}");
    }
    for (name, tag) in [("script-src", "script"), ("style-src", "style")] {
        let (_, after) = page.text().split_once(&format!("<{tag}>")).unwrap();
        let (text, _) = after.split_once(&format!("</{tag}>")).unwrap();
        use base64::Engine as _;
        use sha2::Digest as _;
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
        assert!(policy.contains(&format!("{name} 'sha256-{hash}'").as_str()), "{policy:?}");
    }
    assert!(!policy.iter().any(|rule| rule.contains("unsafe") || rule.contains("http")), "{policy:?}");
}

#[tokio::test]
async fn without_a_token_the_admin_routes_are_asked_by_address() {
    let mock = MockServer::start().await.unwrap();
    let ask = async |host: &str, method: &str| {
        send(&mock, method, "/__mock/v1/settings", &[("host", host)], br#"{"validate":"warn"}"#).await.unwrap()
    };
    for host in ["127.0.0.1:1", "localhost:18080", "LOCALHOST", "[::1]:80", "192.168.1.7:18080"] {
        assert_eq!(ask(host, "GET").await.status, 200, "{host}");
    }
    // A name of another site that leads to this machine: its page has the same origin as the mock.
    for host in ["rebound.example:18080", "localhost.example", "127.0.0.1.example:80", "a@b", ""] {
        for method in ["GET", "POST"] {
            let refused = ask(host, method).await;
            assert_eq!(
                (refused.status, &refused.json()["error"]["code"]),
                (403, &json!("mock_foreign_host")),
                "{host}"
            );
        }
        let events = send(&mock, "GET", "/__mock/v1/events", &[("host", host)], b"").await.unwrap();
        assert_eq!(events.status, 403, "{host}");
    }
    assert_eq!(mock.engine().settings().validate.as_str(), "strict");
    assert!(admin(&mock, "settings").await["settings"]["validate"] == "strict", "nothing was changed");
    let provider = send(&mock, "POST", CREATE, &[("host", "any.example"), ("authorization", "Bearer k")], b"{}").await;
    assert_eq!(provider.unwrap().status, 400, "the routes of providers may have any name");
}

#[tokio::test]
async fn with_a_token_the_pages_data_needs_it_and_any_name_may_be_used() {
    let mock = MockServer::builder().admin_token("tok").start().await.unwrap();
    assert_eq!(send(&mock, "GET", "/", &BROWSER, b"").await.unwrap().status, 200, "the page itself has no data");
    for route in
        ["events", "exchanges", "exchange?number=0", "image?number=0", "providers", "sessions", "ledger", "journal"]
    {
        let refused = download(&mock, &format!("/__mock/v1/{route}")).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &json!("mock_admin_token")), "{route}");
    }
    let host = ("host", "mock.internal:9");
    let ask = async |origin: &str| {
        let headers = [host, ("origin", origin), ("authorization", "Bearer tok")];
        send(&mock, "POST", "/__mock/v1/clock", &headers, br#"{"stop":true}"#).await.unwrap().status
    };
    assert_eq!(ask("http://mock.internal:9").await, 200, "the mock's own page, under the name that it was asked by");
    assert_eq!([ask("http://other.internal:9").await, ask("http://mock.internal").await], [403, 403]);
}

#[tokio::test]
async fn exchanges_are_listed_newest_first_in_pages_and_looked_at_without_a_trace() {
    let mock = MockServer::start().await.unwrap();
    for number in 0..7 {
        let session = if number % 2 == 0 { "" } else { "/s/blue" };
        post(
            &mock,
            &format!("{session}{CREATE}"),
            &json!({ "model": "doubao-seedream-4-0-250828", "prompt": format!("kite {number}") }),
        )
        .await;
    }
    let prompts = |page: &Value| -> Vec<String> {
        let entries = page["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["prompt"].as_str().unwrap().to_owned()).collect()
    };
    let first = admin(&mock, "exchanges?session=*&limit=3").await;
    assert_eq!(prompts(&first), ["kite 6", "kite 5", "kite 4"]);
    let second = admin(&mock, &format!("exchanges?session=*&limit=3&before={}", first["next"])).await;
    assert_eq!(prompts(&second), ["kite 3", "kite 2", "kite 1"]);
    let last = admin(&mock, &format!("exchanges?session=*&limit=3&before={}", second["next"])).await;
    assert_eq!((prompts(&last), &last["next"]), (vec![String::from("kite 0")], &Value::Null));
    assert_eq!(prompts(&admin(&mock, "exchanges?session=blue&status=2xx").await), ["kite 5", "kite 3", "kite 1"]);
    assert!(prompts(&admin(&mock, "exchanges?status=5xx").await).is_empty());
    for limit in ["0", "201"] {
        assert_eq!(download(&mock, &format!("/__mock/v1/exchanges?limit={limit}")).await.status, 400);
    }

    let before = mock.journal().len();
    let image = download(&mock, "/__mock/v1/image?session=blue&number=0&index=0&longest=100").await;
    let size = imagesize::blob_size(&image.body).unwrap();
    assert_eq!((image.header("content-type"), size.width, size.height), ("image/jpeg", 100, 100));
    for (query, status) in
        [("number=0&index=1", 404), ("number=99", 404), ("index=0", 400), ("number=0&longest=15", 400)]
    {
        assert_eq!(download(&mock, &format!("/__mock/v1/image?{query}")).await.status, status, "{query}");
    }
    assert_eq!(mock.journal().len(), before, "a look is no download");
}

#[tokio::test]
async fn an_exchange_shows_what_was_sent_and_why() {
    let mock = MockServer::start().await.unwrap();
    let secret = "sk-mock-partial";
    send(&mock, "POST", CREATE, &[("authorization", &format!("Bearer {secret}"))], kite().to_string().as_bytes())
        .await
        .unwrap();
    let shown = admin(&mock, "exchange?number=0").await;
    assert_eq!((&shown["entry"]["body"], &shown["entry"]["billed"]), (&kite(), &json!(2)));
    assert_eq!(shown["entry"]["evidence"], "derived");
    assert!(shown["entry"]["nearest"][0]["fixture"].as_str().unwrap().starts_with("ark/"), "{shown:#}");
    let body: Value = serde_json::from_str(shown["response"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["data"].as_array().unwrap().len(), 3);
    assert_eq!(shown["response"]["images"].as_array().unwrap().len(), 2, "one was withheld");
    assert!(!shown.to_string().contains(secret));

    let inline = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "inline", "response_format": "b64_json", "size": "1024x2048" });
    post(&mock, CREATE, &inline).await;
    let shown = admin(&mock, "exchange?number=1").await;
    assert!(shown["response"]["body"].as_str().unwrap().contains("(base64 of a jpeg of 1024x2048)"), "{shown:#}");
    assert_eq!(shown["response"]["images"], json!([{ "width": 1024, "height": 2048, "format": "jpeg" }]));

    let bomb = [("x-mock-fault", "coding=gzip,bomb"), ("authorization", "Bearer k")];
    send(&mock, "POST", CREATE, &bomb, kite().to_string().as_bytes()).await.unwrap();
    assert_eq!(
        admin(&mock, "exchange?number=2").await["response"]["body"],
        Value::Null,
        "it is not unpacked to be shown"
    );
}

#[tokio::test]
async fn a_saved_exchange_is_a_fixture_that_answers_an_equal_request() {
    let mock = MockServer::start().await.unwrap();
    let inline = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "inline", "response_format": "b64_json" });
    let stream = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a stream", "stream": true });
    let wrong = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "too small", "size": "1x1" });
    let bodies = [kite(), inline, stream, wrong];
    for body in &bodies {
        post(&mock, CREATE, body).await;
    }
    let task = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    let created = post(&mock, "/evolink/v1/images/generations", &task).await.json();
    let poll = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
    download(&mock, &poll).await;
    let mut files = Vec::new();
    for number in 0..6 {
        let file = admin(&mock, &format!("exchange?number={number}")).await["file"].clone();
        let text = file.to_string();
        assert!(!text.contains("X-Tos") && !text.contains("127.0.0.1") && text.len() < 4000, "{text}");
        files.push((file["path"].as_str().unwrap().to_owned(), file["exchange"].clone()));
    }
    assert_eq!(
        [&files[0].0[..], &files[3].0, &files[5].0],
        ["ark/generate/request-0.json", "ark/errors/request-3.json", "evolink/errors/request-5.json"]
    );
    // The poll came without a key.
    let named: Vec<(&str, Value)> =
        files.iter().take(5).map(|(path, exchange)| (path.as_str(), exchange.clone())).collect();
    let folder = Folder::new("saved", &named);
    assert!(fs::exists(folder.0.join("ark/generate/request-0.json")).unwrap());
    let replayed = MockServer::builder().fixtures(&folder.0).unwrap().start().await.unwrap();
    for (body, (path, exchange)) in bodies.iter().zip(&files) {
        let response = post(&replayed, CREATE, body).await;
        assert_eq!(response.header("x-mock-fixture"), path.trim_end_matches(".json"));
        assert_eq!(json!(response.status), exchange["response"]["status"]);
        assert!(!response.text().contains("images.example"), "its links are live: {}", response.text());
    }
    for number in [0, 2] {
        let images = admin(&replayed, &format!("exchange?number={number}")).await["response"]["images"].clone();
        assert_eq!(
            images,
            admin(&mock, &format!("exchange?number={number}")).await["response"]["images"],
            "of the same sizes"
        );
    }

    download(&mock, "/nowhere").await;
    post(&mock, CREATE, &json!({ "model": "doubao-seedream-4-0-250828", "prompt": "long ".repeat(300) })).await;
    for (number, why) in [(6, "only requests to a provider"), (7, "texts over 1 KiB")] {
        let shown = admin(&mock, &format!("exchange?number={number}")).await;
        assert!(shown["file"].is_null() && shown["no_file"].as_str().unwrap().contains(why), "{shown:#}");
    }
}

#[tokio::test]
async fn one_fault_is_removed_by_its_words() {
    let mock = MockServer::start().await.unwrap();
    let add = b"status=503 times=2; status=429";
    send(&mock, "POST", "/__mock/v1/faults", &[], add).await.unwrap();
    let remove =
        async |fault: &str| send(&mock, "DELETE", &format!("/__mock/v1/faults?fault={fault}"), &[], b"").await.unwrap();
    let left = remove("times=2%20status=503").await.json()["faults"].clone();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["text"]), (1, &json!("status=429")));
    let absent = remove("status=500").await;
    assert_eq!((absent.status, &absent.json()["error"]["code"]), (404, &json!("mock_no_such_fault")));
    assert_eq!(remove("stats=500").await.status, 400);
}

#[tokio::test]
async fn the_sums_of_a_ledger_come_without_its_entries() {
    let mock = MockServer::start().await.unwrap();
    post(&mock, CREATE, &kite()).await;
    let sums = admin(&mock, "ledger?entries=false").await;
    assert_eq!((&sums["entries"], &sums["images"], &sums["keys"][0]["images"]), (&json!([]), &json!(3), &json!(3)));
}

#[tokio::test]
async fn providers_are_listed_with_the_base_urls_that_work() {
    let mock = MockServer::start().await.unwrap();
    let list = admin(&mock, "providers").await;
    for provider in list["providers"].as_array().unwrap() {
        let text = |member: &str| provider[member].as_str().unwrap().to_owned();
        assert_eq!(Some(format!("{}{}", mock.url(), text("base"))), mock.base_url(&text("id")));
        let bases = provider["openai_bases"].as_array().unwrap();
        assert!(!bases.is_empty());
        for base in bases {
            let body = json!({ "model": text("model"), "prompt": "a kite" });
            let response = post(&mock, &format!("{}/images/generations", base.as_str().unwrap()), &body).await;
            assert_eq!(response.status, 200, "{base}: {}", response.text());
        }
    }
}

/// A subscriber of events.
struct Subscriber {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Subscriber {
    async fn new(mock: &MockServer, query: &str) -> Self {
        let mut stream = TcpStream::connect(mock.address()).await.unwrap();
        let head = format!("GET /__mock/v1/events{query} HTTP/1.1\r\nhost: {}\r\n\r\n", mock.address());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut it = Self { stream, read: Vec::new() };
        assert_eq!(it.next().await.0, "open");
        it
    }

    /// The name and the data of the next event.
    async fn next(&mut self) -> (String, Value) {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some(at) = text.find("event: ")
                && let Some(end) = text[at..].find("\n\n")
            {
                let (name, data) = text[at + "event: ".len()..at + end].split_once("\ndata: ").unwrap();
                let event = (name.to_owned(), serde_json::from_str(data).unwrap());
                self.read.drain(..at + end);
                return event;
            }
            assert!(soon(self.stream.read_buf(&mut self.read)).await.unwrap() > 0, "the events end");
        }
    }
}

#[tokio::test]
async fn each_request_is_an_event_of_its_session_and_of_all() {
    let mock = MockServer::start().await.unwrap();
    post(&mock, CREATE, &kite()).await;
    let mut all = Subscriber::new(&mock, "?session=*").await;
    let mut blue = Subscriber::new(&mock, "?session=blue").await;
    let mut refused = Subscriber::new(&mock, "?session=*&status=4xx").await;
    post(&mock, CREATE, &json!({ "prompt": "<script>no model</script>" })).await;
    let (name, data) = all.next().await;
    let entry = &data["entries"][0];
    assert_eq!(
        (name.as_str(), &entry["number"], &entry["session"], &data["missed"]),
        ("entries", &json!(1), &json!("default"), &json!(0))
    );
    assert_eq!((&entry["prompt"], &entry["provider"]), (&json!("<script>no model</script>"), &json!("ark")));
    assert_eq!(refused.next().await.1["entries"][0]["status"], entry["status"]);
    post(&mock, &format!("/s/blue{CREATE}"), &kite()).await;
    for subscriber in [&mut all, &mut blue] {
        let (_, data) = subscriber.next().await;
        assert_eq!(data["entries"].as_array().unwrap().len(), 1);
        assert_eq!((&data["entries"][0]["session"], &data["entries"][0]["billed"]), (&json!("blue"), &json!(3)));
        assert_eq!(data["entries"][0]["images"].as_array().unwrap().len(), 3);
    }
    // A session of the same name begins anew.
    send(&mock, "POST", "/__mock/v1/reset?session=blue", &[], br#"{"clear":["session"]}"#).await.unwrap();
    post(&mock, &format!("/s/blue{CREATE}"), &json!({ "prompt": "new" })).await;
    assert_eq!(blue.next().await.1["entries"][0]["prompt"], "new");
    let refused = download(&mock, "/__mock/v1/events?sesion=blue").await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_slow_subscriber_has_no_queue_and_learns_what_it_missed() {
    let mock = MockServer::builder().journal_capacity(20).start().await.unwrap();
    let mut slow = Subscriber::new(&mock, "").await;
    // More than the buffers of a socket hold, while the subscriber reads nothing.
    let (engine, total): (&Engine, u64) = (mock.engine(), 1500);
    for number in 0..total {
        let uri = format!("/pictures{}/{number}", "/y".repeat(8000));
        let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
        engine.handle(std::time::SystemTime::UNIX_EPOCH, &request);
        // The engine alone wakes no subscriber.
        if number % 10 == 0 {
            download(&mock, "/__mock/v1/health").await;
        }
    }
    download(&mock, "/last").await;
    let (mut seen, mut missed) = (0, 0);
    loop {
        let (_, data) = slow.next().await;
        let entries = data["entries"].as_array().unwrap();
        seen += entries.len() as u64;
        missed += data["missed"].as_u64().unwrap();
        if entries.last().is_some_and(|entry| entry["path"] == "/last") {
            break;
        }
    }
    assert_eq!(seen + missed, total + 1);
    assert!(missed > 0, "nothing was missed, so something was queued");
}

#[tokio::test]
async fn a_mock_with_an_open_page_stops_at_once() {
    let mock = MockServer::start().await.unwrap();
    let mut open = Subscriber::new(&mock, "").await;
    soon(mock.stop()).await;
    let mut rest = Vec::new();
    assert!(soon(open.stream.read_to_end(&mut rest)).await.is_ok(), "the response ends in order");
    assert!(rest.ends_with(b"0\r\n\r\n"));
}

#[test]
fn the_setting_has_a_name() {
    let settings: Settings = serde_json::from_value(json!({ "page": false })).unwrap();
    assert!(!settings.page && Settings::default().page);
}

/// Whatever a client sends in secret, nothing that the mock shows has it.
#[tokio::test]
async fn no_secret_is_shown_anywhere() {
    let mock = MockServer::start().await.unwrap();
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer sk-canary-0"),
        ("cookie", "a=canary-1"),
        ("x-api-key", "canary-2"),
        ("x-goog-api-key", "canary-3"),
        ("x-auth-token", "canary-4"),
        ("referer", "https://a.example/?code=canary-5"),
        ("x-upstream", "Bearer sk-canary-6"),
        ("x-never-seen", "canary-b"),
    ];
    let signed = "https://store.example/r.png?X-Tos-Signature=canary-7&Expires=9";
    let body = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "a kite, not sk-canary-of-a-key", "image": [signed], "api_key": "canary-8",
        "credentials": { "of": ["canary-9"] },
    });
    let body = body.to_string();
    let sent = send(&mock, "POST", &format!("{CREATE}?key=canary-a"), &headers, body.as_bytes()).await;
    assert_eq!(sent.unwrap().status, 200);
    for route in [
        "journal",
        "journal?explain=true",
        "exchanges",
        "exchange?number=0",
        "ledger",
        "sessions",
        "metrics",
        "providers",
    ] {
        let shown = send(&mock, "GET", &format!("/__mock/v1/{route}"), &[], b"").await.unwrap();
        assert_eq!(shown.status, 200, "{route}");
        let at = shown.text().find("canary");
        assert_eq!(
            at,
            None,
            "{route}: {}",
            &shown.text()[at.unwrap_or_default()..].chars().take(60).collect::<String>()
        );
    }
    let shown = admin(&mock, "exchange?number=0").await;
    assert_eq!(shown["entry"]["body"]["image"][0], signed.replace("canary-7", "***"));
    assert_eq!(shown["file"], Value::Null, "{shown}");
    assert!(shown["no_file"].as_str().unwrap().contains("a secret member, a key or a signed URL"), "{shown}");
    // A pattern with the secret finds the request all the same.
    let expected = Expectation::matching(&json!({ "body": { "image": [signed], "api_key": "canary-8" } })).unwrap();
    assert!(mock.default_session().verify(&expected).satisfied);
}
