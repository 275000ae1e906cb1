//! The commands in the README run and print what it shows.

use std::io::{BufRead as _, BufReader};

use seedream_mock::MockServer;
use serde_json::Value;

use crate::support::Workdir;

const README: &str = include_str!("../../../../README.md");

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let parts = README.split(fence.as_str()).skip(1);
    parts.map(|rest| &rest[..rest.find("```").expect("a block ends")]).collect()
}

/// A command of a console block, its exit code, and the lines of its output.
struct Shown {
    args: Vec<String>,
    code: i32,
    output: Vec<&'static str>,
}

/// The `seedream` commands of the README, without `cargo test`.
fn shown() -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut ours = false;
    for line in blocks("console").into_iter().flat_map(str::lines) {
        let Some(command) = line.strip_prefix("$ ") else {
            if let Some(last) = all.last_mut().filter(|_| ours) {
                last.output.push(line);
            }
            continue;
        };
        let (command, code) = command.split_once(" # exit ").unwrap_or((command, "0"));
        let binary = ["cargo run --release -- ", "seedream "].iter().find_map(|name| command.strip_prefix(name));
        ours = binary.is_some();
        if let Some(args) = binary {
            all.push(Shown { args: words(args), code: code.parse().unwrap(), output: Vec::new() });
        }
    }
    all
}

/// Splits a line into words, with single and double quotes as in a shell.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A line with its durations and days replaced.
fn steady(line: &str) -> String {
    let is_time = |word: &str| word.strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok());
    let is_day = |word: &str| word.len() == 10 && word.split('-').map(str::len).eq([4, 2, 2]);
    let steady = |word| {
        if is_time(word) {
            "TIME"
        } else if is_day(word) {
            "DAY"
        } else {
            word
        }
    };
    line.split_whitespace().map(steady).collect::<Vec<_>>().join(" ")
}

#[test]
fn console_blocks_match_the_output() {
    let commands = shown();
    assert!(commands.len() >= 4, "the README has too few commands");
    for Shown { args, code, output } in commands {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let workdir = Workdir::new();
        std::fs::write(workdir.path("jobs.jsonl"), blocks("jsonl").concat()).unwrap();
        if args.starts_with(&["mock", "serve"]) {
            let args: Vec<_> = args.iter().map(|word| if *word == "8080" { "0" } else { *word }).collect();
            assert_eq!(output, [ready_line(&workdir, &args)], "{args:?}");
            continue;
        }
        let needs_store = args.iter().any(|word| word.starts_with("s3://"));
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
        let ran = workdir.run(&args, if needs_store { env } else { &[] });
        ran.exits_with(code);
        let said: Vec<_> = ran.stdout.lines().chain(ran.stderr.lines()).map(steady).collect();
        let mut rest = said.iter();
        for line in output.into_iter().filter(|line| *line != "…") {
            let line = steady(line);
            assert!(rest.any(|said| *said == line), "{args:?} does not print, in order: {line}\n{ran:#?}");
        }
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
    for line in blocks("sh").into_iter().flat_map(str::lines).filter(|line| line.starts_with("curl ")) {
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
