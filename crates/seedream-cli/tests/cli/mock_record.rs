//! `mock record`, and `mock serve` of what was recorded: the whole command line on both sides.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::Child,
};

use seedream_mock::TaskEnd;
use serde_json::{Value, json};

use crate::{
    console_blocks::shown,
    support::{CANARY, Upstream, Workdir, signal},
};

/// A mock or a recorder that runs, and its URL.
struct Running {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    url: String,
}

impl Running {
    fn start(workdir: &Workdir, args: &[&str]) -> Self {
        let mut child = workdir.spawn(args, &[]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("{error}: {line}{stderr}")
        });
        Self { child, stdout, url: ready["url"].as_str().unwrap().to_owned() }
    }

    fn base(&self, provider: &str, below: &str) -> String {
        format!("{}/{provider}{below}", self.url)
    }

    /// Ends it with Ctrl-C: its exit code, and what it printed after the ready line.
    fn stop(mut self) -> (i32, String, String) {
        signal(&self.child, "INT");
        let code = self.child.wait().unwrap().code().unwrap();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (code, stdout, stderr)
    }
}

/// The files of images in a folder, by name.
fn images(workdir: &Workdir, folder: &str) -> Vec<(String, Vec<u8>)> {
    let names = workdir.names(folder).into_iter().filter(|name| !name.ends_with(".json"));
    names.map(|name| (name.clone(), fs::read(workdir.path(folder).join(name)).unwrap())).collect()
}

/// What the client does with the same command at another endpoint, and its exit code.
fn generate(workdir: &Workdir, provider: &str, base: &str, args: &[&str], out: &str) -> (i32, Value) {
    let (upper, fixed) = (provider.to_uppercase(), ["generate", "3 posters of a kite", "--json", "--base-url", base]);
    let key = format!("{upper}_API_KEY");
    let all = [&fixed[..], &["--provider", provider, "--out", out], args].concat();
    let ran = workdir.run(&all, &[(key.as_str(), CANARY)]);
    let result = ran.result();
    (ran.code, json!([result["delivered"], result["requested"], result["failures"].as_array().map(Vec::len)]))
}

#[test]
fn our_client_gets_the_same_from_a_recording_for_every_kind_of_response() {
    let group = ["--count", "3", "--size", "2K"];
    let stream = ["--count", "3", "--size", "2K", "--stream"];
    let cases: [(&str, &str, &[&str], &str, i32); 5] = [
        ("ark", "/api/v3", &["--size", "2K"], "", 0),
        ("ark", "/api/v3", &stream, "", 0),
        ("ark", "/api/v3", &["--size", "2K", "--inline"], "", 0),
        ("ark", "/api/v3", &group, "moderate=1", 3),
        ("evolink", "", &["--count", "2"], "", 0),
    ];
    for (number, (provider, below, args, fault, exit)) in cases.into_iter().enumerate() {
        let workdir = Workdir::new();
        // Two upstreams that respond alike: one is asked directly, the other one through the recorder.
        let [direct, upstream] = [0, 1].map(|_| {
            let upstream = Upstream::with(TaskEnd::Polls(3));
            if !fault.is_empty() {
                upstream.fault(fault);
            }
            upstream
        });
        let expected = generate(&workdir, provider, &direct.base(provider), args, "direct");
        assert_eq!(expected.0, exit, "case {number}");

        let base = upstream.base(provider);
        let record =
            ["mock", "record", "--provider", provider, "--upstream", &base, "--budget", "3", "--out", "recording"];
        let recorder = Running::start(&workdir, &record);
        // The client fetches no image from another host of this machine, so that only the recorder has all of them.
        let (_, recorded) = generate(&workdir, provider, &recorder.base(provider, below), args, "recorded");
        assert_eq!(recorded[0], expected.1[0], "case {number}: as many were delivered");
        let (code, summary, stderr) = recorder.stop();
        assert_eq!(code, 0, "{stderr}");
        assert!(summary.starts_with("recorded: exchanges ") && summary.contains(" of 3 images"), "{summary}{stderr}");
        assert!(!format!("{summary}{stderr}").contains(CANARY));
        drop(upstream);

        let player = Running::start(&workdir, &["mock", "serve", "--fixtures", "recording", "--strict"]);
        let played = generate(&workdir, provider, &player.base(provider, below), args, "played");
        let (code, _, stderr) = player.stop();
        assert_eq!((code, played), (0, expected), "case {number}: {stderr}");
        assert_eq!(images(&workdir, "played"), images(&workdir, "direct"), "case {number}: the same files");
        assert!(!images(&workdir, "played").is_empty());
    }
}

#[test]
fn a_strict_replay_names_what_was_missed_and_what_was_never_asked_for() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let record =
        ["mock", "record", "--provider", "ark", "--upstream", &base, "--budget", "1images", "--out", "recording"];
    let recorder = Running::start(&workdir, &record);
    generate(&workdir, "ark", &recorder.base("ark", "/api/v3"), &["--size", "2K"], "one");
    let (_, summary, stderr) = recorder.stop();
    assert_eq!(summary.trim(), "recorded: exchanges 1, images 1; budget: 1 of 1 images", "{stderr}");
    let drift = workdir.run(&["conformance", "drift", "--recording", "recording"], &[]);
    assert_eq!(drift.stdout, "ark/recorded/0001: the documents agree, the adapter agrees\ndifferences 0\n");
    assert_eq!(drift.code, 0);
    workdir.run(&["conformance", "drift", "--recording", "one"], &[]).exits_with(2).stderr_contains("--recording");

    let player = Running::start(&workdir, &["mock", "serve", "--fixtures", "recording", "--strict"]);
    let (refused, _) = generate(&workdir, "ark", &player.base("ark", "/api/v3"), &["--size", "4K"], "two");
    assert_ne!(refused, 0);
    let (code, _, stderr) = player.stop();
    assert_eq!(code, 1);
    let missed = "missed: no recorded exchange of ark is equal to POST /api/v3/images/generations; the nearest is ark/recorded/0001, which \
                  differs in body.size (\"2K\" and not \"4K\")";
    assert!(stderr.contains(missed) && stderr.contains("never asked for: ark/recorded/0001"), "{stderr}");
}

#[test]
fn a_recorder_does_not_start_without_a_budget_or_in_a_foreign_folder() {
    let workdir = Workdir::new();
    fs::create_dir(workdir.path("photos")).unwrap();
    fs::write(workdir.path("photos/kite.jpg"), "a photo").unwrap();
    fs::create_dir(workdir.path("newer")).unwrap();
    fs::write(workdir.path("newer/recording.json"), r#"{"format": 2}"#).unwrap();
    let record = ["mock", "record", "--provider", "ark", "--upstream", "http://127.0.0.1:9/api/v3"];
    let serve = ["mock", "serve", "--fixtures", "newer"];
    for (args, message) in [
        ([&record[..], &["--out", "new"]].concat(), "--budget <N>"),
        ([&record[..], &["--budget", "5", "--out", "photos"]].concat(), "photos: it has files and no recording.json"),
        (
            [&record[..], &["--budget", "5", "--out", "newer"]].concat(),
            "the recording has format 2, this version reads up to 1",
        ),
        (serve.to_vec(), "the recording has format 2, this version reads up to 1"),
        ([&serve[..2], &["--fixtures", "photos", "--on-miss", "proxy"]].concat(), "set --upstream URL and --budget N"),
        (
            vec!["mock", "record", "--provider", "ark", "--upstream", "ark.example", "--budget", "5", "--out", "new"],
            "write https://HOST/PATH",
        ),
    ] {
        workdir.run(&args, &[]).exits_with(2).stderr_contains(message);
    }
    assert_eq!(workdir.names("."), ["newer", "photos"]);
}

/// The commands in the README of the mock, with another mock as the upstream.
#[test]
fn the_commands_of_the_mocks_readme_run_and_print_what_it_shows() {
    let readme = include_str!("../../../seedream-mock/README.md");
    let [record, serve, drift] = shown(readme).try_into().unwrap_or_else(|_| panic!("three commands"));
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let words = record.args.iter().map(|word| if word.starts_with("https:") { base.as_str() } else { word.as_str() });
    let recorder = Running::start(&workdir, &words.collect::<Vec<_>>());
    generate(&workdir, "ark", &recorder.base("ark", "/api/v3"), &["--size", "2K"], "one");
    let (code, summary, _) = recorder.stop();
    assert_eq!((code, summary.trim()), (0, *record.output.last().unwrap()));

    let player = Running::start(&workdir, &serve.args.iter().map(String::as_str).collect::<Vec<_>>());
    let (code, _) = generate(&workdir, "ark", &player.base("ark", "/api/v3"), &["--size", "2K"], "two");
    assert_eq!((code, player.stop().0), (0, 0));
    drift.runs(&workdir, &[]);
}
