//! The commands in the README run and print what it shows.

use std::io::{BufRead as _, BufReader};

use seedream_mock::MockServer;
use serde_json::Value;

use crate::{
    console_blocks::{blocks, shown, words},
    support::Workdir,
};

const README: &str = include_str!("../../../../README.md");

#[test]
fn console_blocks_match_the_output() {
    let commands = shown(README);
    assert!(commands.len() >= 4, "the README has too few commands");
    for command in commands {
        let workdir = Workdir::new();
        std::fs::write(workdir.path("jobs.jsonl"), blocks(README, "jsonl").concat()).unwrap();
        if command.args.starts_with(&["mock".to_owned(), "serve".to_owned()]) {
            let args: Vec<_> =
                command.args.iter().map(|word| if word == "8080" { "0" } else { word.as_str() }).collect();
            assert_eq!(command.output, [ready_line(&workdir, &args)], "{args:?}");
            continue;
        }
        let needs_store = command.args.iter().any(|word| word.starts_with("s3://"));
        let store = needs_store.then(store).flatten();
        if needs_store && store.is_none() {
            continue;
        }
        let url = store.as_ref().map(Store::url).unwrap_or_default();
        let env: &[_] = &[
            ("AWS_ENDPOINT_URL_S3", url.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "any"),
            ("AWS_SECRET_ACCESS_KEY", "any"),
        ];
        command.runs(&workdir, if needs_store { env } else { &[] });
    }
}

#[cfg(feature = "storage")]
use crate::storage::moto::Moto as Store;

/// A store with the bucket of the README; `None` where its server is not installed.
#[cfg(feature = "storage")]
fn store() -> Option<Store> {
    let store = Store::start()?;
    store.create_bucket("team-images");
    Some(store)
}

/// A build without buckets has none.
#[cfg(not(feature = "storage"))]
enum Store {}

#[cfg(not(feature = "storage"))]
impl Store {
    fn url(&self) -> String {
        match *self {}
    }
}

#[cfg(not(feature = "storage"))]
fn store() -> Option<Store> {
    None
}

/// The ready line of a mock, with the port and process id of the README.
fn ready_line(workdir: &Workdir, args: &[&str]) -> String {
    let mut child = workdir.spawn(args, &[]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let host = ready["url"].as_str().unwrap();
    let pid = format!("\"pid\":{}", ready["pid"]);
    line.trim().replace(host, "http://127.0.0.1:8080").replace(&pid, "\"pid\":1")
}

#[test]
fn curl_lines_return_images() {
    let engine = MockServer::builder().engine();
    let mut providers = 0;
    for line in blocks(README, "sh").into_iter().flat_map(str::lines).filter(|line| line.starts_with("curl ")) {
        let words = words(line);
        let after = |flag: &str| words.iter().skip_while(|word| *word != flag).nth(1).cloned();
        let mut request = http::Request::builder().uri(&words[1]);
        if let Some(header) = after("-H") {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let body = after("--json");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.method(if body.is_some() { "POST" } else { "GET" });
        let script = engine
            .handle(std::time::SystemTime::now(), &request.body(body.clone().unwrap_or_default().into()).unwrap());
        assert_eq!(script.status, 200, "{line}");
        if body.is_some() {
            let response = String::from_utf8(script.body().to_vec()).unwrap();
            assert!(response.contains("\"url\"") || response.contains("task-unified-"), "{line}: {response}");
            providers += 1;
        }
    }
    assert_eq!(providers, seedream::dialects().len(), "one call a dialect");
}
