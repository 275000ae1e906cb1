//! The commands of the guide for another provider run, in its order.

use std::{fs, path::Path};

use bytes::Bytes;
use seedream_mock::{Engine, MockServer};
use serde_json::Value;

use crate::{
    console_blocks::words,
    support::{RunResult, Workdir},
};

const GUIDE: &str = include_str!("../../../seedream-conformance/ADD-YOUR-PROVIDER.md");

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The commands of its shell blocks.
fn commands() -> impl Iterator<Item = Vec<String>> {
    let blocks = GUIDE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" # ").next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(words)
}

/// Runs the binary in the root of the workspace.
fn run(args: &[String]) -> RunResult {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let path = std::env::var("PATH").unwrap();
    let mut command = Workdir::new().command(&args, &[("PATH", &path)]);
    RunResult::of(command.current_dir(ROOT).output().unwrap())
}

/// What follows a flag.
fn after<'w>(words: &'w [String], flag: &str) -> Option<&'w str> {
    words.iter().skip_while(|word| *word != flag).nth(1).map(String::as_str)
}

/// A call of `curl` to a mock without a socket; `task` stands for the id in the guide.
fn curl(mock: &Engine, words: &[String], task: &str) -> Value {
    let url = words[1].replace("task_01", task);
    let mut request = http::Request::builder().uri(url);
    if let Some((name, value)) = after(words, "-H").and_then(|header| header.split_once(": ")) {
        request = request.header(name, value);
    }
    let body = after(words, "--json");
    if body.is_some() {
        request = request.method("POST").header("content-type", "application/json");
    }
    let body = Bytes::from(body.unwrap_or_default().to_owned());
    let script = mock.handle(std::time::SystemTime::now(), &request.body(body).unwrap());
    assert_eq!(script.status, 200, "{words:?}: {:?}", script.body());
    serde_json::from_slice(&script.body()).unwrap()
}

/// A target of the crate outside the workspace; its tests run it, and a test cannot run cargo beside itself.
fn is_a_target(words: &[String]) {
    let crate_of = Path::new(ROOT).join(after(words, "--manifest-path").unwrap());
    let manifest = fs::read_to_string(&crate_of).unwrap();
    if let Some(test) = after(words, "--test") {
        assert!(manifest.contains(&format!("[[test]]\nname = \"{test}\"")), "{words:?}");
    }
    if let Some(example) = after(words, "--example") {
        let folder = crate_of.parent().unwrap();
        assert!(folder.join(format!("examples/{example}.rs")).exists(), "{words:?}");
        let programs = fs::read_to_string(folder.join("tests/programs.rs")).unwrap();
        assert!(programs.contains(&format!("examples/{example}.rs")), "{example} is run by no test");
    }
}

#[test]
fn every_command_of_the_guide_runs() {
    let (mut mock, mut task, mut counted) = (None, String::new(), 0);
    for words in commands() {
        counted += 1;
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["seedream", "mock", "serve", "--port", "8080", "--fixtures", folder] => {
                mock = Some(MockServer::builder().fixtures(Path::new(ROOT).join(folder)).unwrap().engine());
            }
            ["curl", url, ..] => {
                let response = curl(mock.as_ref().expect("the mock is started before"), &words, &task);
                match &response["data"] {
                    Value::Array(accepted) => task = accepted[0]["task_id"].as_str().unwrap().to_owned(),
                    Value::Object(polled) => assert_eq!(polled["id"], task.as_str()),
                    _ => assert!(url.ends_with("ledger") && response["entries"][0]["images"] == 2, "{response}"),
                }
            }
            // Whole runs are other tests; here each is judged by one law. A part is too little for the requirements.
            ["seedream", "conformance", "run", ..] => {
                let report = ["--json", "--junit"].iter().filter_map(|flag| after(&words, flag)).collect::<Vec<_>>();
                let args = words[1..].iter().filter(|word| !report.contains(&word.as_str()));
                let args = args.filter(|word| !matches!(word.as_str(), "--json" | "--junit"));
                let args: Vec<String> = args.cloned().chain(["--run".into(), "encode/**".into()]).collect();
                let ran = run(&args);
                assert!(matches!(ran.code, 0 | 4), "{words:?}: {ran:#?}");
            }
            ["seedream", ..] => {
                run(&words[1..]).exits_with(0);
            }
            ["cargo", ..] => is_a_target(&words),
            _ => panic!("{words:?}: what does it run?"),
        }
    }
    assert!(counted >= 10, "only {counted} commands were found");
}
