//! The commands in the README run and print what it shows.

use std::io::{BufRead as _, BufReader};

use seedream_mock::MockServer;
use serde_json::Value;

use crate::{
    console_blocks::{blocks, shown, words},
    support::{CANARY, RunResult, Workdir, closed},
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

/// The commands for CI, with a client in place of the tests of a program.
#[cfg(unix)]
#[test]
fn the_commands_for_ci_run_a_client_against_the_mock() {
    let workdir = Workdir::new();
    let (yaml, address) = (blocks(README, "yaml").concat(), closed());
    let commands = yaml.split_once("run: |\n").unwrap().1;
    let client = "seedream generate 'a kite' --provider ark --base-url $OPENAI_BASE_URL";
    assert!(commands.contains("python3 -m pytest"));
    let commands = commands.replace("python3 -m pytest", client).replace("127.0.0.1:8080", &address);
    let commands = commands.replace("--port 8080", &format!("--port {}", address.rsplit_once(':').unwrap().1));
    let variable = yaml.lines().find_map(|line| line.trim().strip_prefix("OPENAI_BASE_URL: ")).unwrap();
    let base = variable.replace("127.0.0.1:8080", &address);
    // As the runner does it, and the mock ends with the test.
    let script = format!("trap 'kill $(jobs -p)' EXIT\nset -e\n{commands}");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_seedream")).parent().unwrap().to_owned();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &script]).current_dir(workdir.path(".")).env("PATH", path).env("OPENAI_BASE_URL", base);
    let ran = RunResult::of(bash.env("ARK_API_KEY", CANARY).output().unwrap());
    ran.exits_with(0);
    assert_eq!(workdir.names("out"), ["ark-0.jpg", "ark-0.json"]);
}
