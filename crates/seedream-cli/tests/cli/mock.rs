//! `seedream mock`: data commands, and control of a running mock.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use serde_json::{Value, json};

use crate::support::{RunResult, Workdir, exchange, post};

/// A mock process.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(workdir: &Workdir, args: &[&str]) -> Self {
        let mut child = workdir.spawn(&[&["mock", "serve"], args].concat(), &[]);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: ready["url"].as_str().unwrap().to_owned() }
    }

    fn ask(&self, workdir: &Workdir, args: &[&str]) -> RunResult {
        workdir.run(&[&["mock"], args].concat(), &[("SEEDREAM_MOCK_URL", &self.url)])
    }

    fn evolink(&self, prefix: &str) -> String {
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
        let created = post(&format!("{}{prefix}/evolink/v1/images/generations", self.url), &body);
        created["id"].as_str().unwrap().to_owned()
    }

    fn status(&self, path: &str) -> u16 {
        exchange("GET", &format!("{}{path}", self.url), "").0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process ends with its test, even after a panic.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn routes_evidence_and_faults_come_from_the_data() {
    let workdir = Workdir::new();
    insta::assert_snapshot!("mock-routes", workdir.run(&["mock", "routes"], &[]).exits_with(0).stdout);
    let routes = workdir.run(&["mock", "routes", "--json"], &[]).exits_with(0).json();
    let wanted = json!({
        "provider": "ark", "method": "POST", "path": "/ark/v1/images/generations", "does": "create", "key": false,
        "evidence": "documented",
    });
    assert!(routes.as_array().unwrap().contains(&wanted), "{routes:#}");

    let faults = workdir.run(&["mock", "faults", "--json"], &[]).exits_with(0).json();
    let words = seedream_mock::fault_words();
    assert_eq!(faults.as_array().unwrap().len(), words.len());
    let listed = workdir.run(&["mock", "faults"], &[]);
    for word in words {
        assert!(
            listed.exits_with(0).stdout.contains(&format!("{}\n    {}\n    {}\n", word.form, word.does, word.example))
        );
    }

    let evidence = workdir.run(&["mock", "evidence", "--json"], &[]).exits_with(0).json();
    let exchanges = seedream_fixtures::exchanges();
    let documented = |it: &&seedream_fixtures::RecordedExchange| {
        it.provider() == "evolink" && it.source.kind.as_str() == "documented"
    };
    assert_eq!(evidence["counts"]["evolink"]["documented"], exchanges.iter().filter(documented).count());
    assert_eq!(evidence["exchanges"].as_array().unwrap().len(), exchanges.len());
    let table = workdir.run(&["mock", "evidence"], &[]).exits_with(0).stdout.clone();
    let all = table.lines().find(|line| line.starts_with("all ")).unwrap();
    let sum: usize = all.split_whitespace().skip(1).map(|number| number.parse::<usize>().unwrap()).sum();
    assert_eq!(sum, exchanges.len(), "{table}");
    let rows = || seedream_fixtures::providers().iter().flat_map(|provider| seedream_fixtures::printed(&provider.id));
    let requests = rows().filter(|row| row.prompt_sha256.is_some()).count();
    assert!(requests >= 9 && table.contains(&format!("{requests} example requests")), "{table}");
    assert!(table.contains(" have a printed response"), "{table}");
    let list = workdir.run(&["mock", "evidence", "--list"], &[]).exits_with(0).stdout.clone();
    assert!(exchanges.iter().all(|exchange| list.contains(exchange.id())));
}

#[test]
fn check_names_file_and_line() {
    let workdir = Workdir::new();
    let write = |name: &str, text: &str| {
        let file = workdir.path(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let good =
        r#"{"source":{"kind":"derived"},"request":{"method":"GET","path":"/x"},"response":{"status":200,"text":""}}"#;
    write("mine/ark/generate/good.json", good);
    let ran = workdir.run(&["mock", "check", "mine"], &[]);
    assert_eq!(ran.exits_with(0).stdout, "mine: 1 exchanges and 0 scenarios, no problems\n");
    write("mine/ark/elsewhere/odd.json", good);
    let ran = workdir.run(&["mock", "check", "mine"], &[]);
    assert!(
        ran.exits_with(1).stdout.starts_with("mine/ark/elsewhere/odd.json:1: there is no area \"elsewhere\""),
        "{ran:?}"
    );
    write("mine/ark/generate/bad.json", "{\n\"source\": 7\n}");
    let ran = workdir.run(&["mock", "check", "mine"], &[]);
    assert!(ran.exits_with(1).stdout.contains("\nmine/ark/generate/bad.json:2: "), "all problems are printed: {ran:?}");
    let json = workdir.run(&["mock", "check", "mine", "--json"], &[]).exits_with(1).json();
    assert_eq!((&json["problems"][1]["line"], &json["exchanges"]), (&json!(2), &json!(0)));
    workdir.run(&["mock", "check", "nowhere"], &[]).exits_with(1);
}

#[test]
fn verify_exits_with_1_and_shows_the_nearest_request() {
    let workdir = Workdir::new();
    let mock = Running::start(&workdir, &[]);
    mock.evolink("/s/blue");
    let verify = |args: &[&str]| mock.ask(&workdir, &[&["verify", "--session", "blue"], args].concat());
    let ran = verify(&["--match", r#"{"body":{"prompt":"*kite"}}"#, "--count", "1"]);
    assert_eq!(ran.exits_with(0).stdout, "ok: expected exactly 1, found 1\n");
    verify(&["--provider", "evolink", "--billed", "2", "--path", "/evolink/*", "--wait", "5s"]).exits_with(0);
    verify(&["--provider", "ark", "--at-most", "0"]).exits_with(0);
    let ran = verify(&["--match", r#"{"body":{"n":3,"seed":1}}"#]);
    let message = "not as expected: expected at least 1, found 0\n\
                nearest: request 0, POST /s/blue/evolink/v1/images/generations, response 200\n  \
                  body.n: expected 3, got 2\n  \
                  body.seed: expected 1, got nothing\n";
    assert_eq!(ran.exits_with(1).stdout, message);
    let json = verify(&["--status", "5xx", "--wait", "0s", "--json"]).exits_with(1).json();
    assert_eq!((&json["satisfied"], &json["timed_out"]), (&json!(false), &json!(true)));
    let ran = verify(&["--match", r#"{"bdy":1}"#]);
    ran.exits_with(2).stderr_contains("the nearest is body");
}

#[test]
fn verify_counts_evicted_entries_or_reports_that_it_cannot() {
    let workdir = Workdir::new();
    let mock = Running::start(&workdir, &["--journal", "10"]);
    (0..50).for_each(|_| drop(mock.evolink("")));
    let verify = |args: &[&str]| mock.ask(&workdir, &[&["verify"], args].concat());
    assert_eq!(verify(&["--count", "50"]).exits_with(0).stdout, "ok: expected exactly 50, found 50\n");
    verify(&["--at-most", "10"]).exits_with(1);
    verify(&["--count", "0"]).exits_with(1);
    verify(&["--method", "POST", "--match", r#"{"status":200}"#, "--count", "50"]).exits_with(0);
    let ran = verify(&["--match", r#"{"body":{"n":3}}"#, "--count", "0"]);
    ran.exits_with(2).stderr_contains("0 to 40 match: the journal has evicted 40 entries that may match");
    ran.stderr_contains("mock serve --journal N");
}

#[test]
fn ctl_controls_a_running_mock() {
    let workdir = Workdir::new();
    let mock = Running::start(&workdir, &["--task", "hand"]);
    let ctl = |args: &[&str]| mock.ask(&workdir, &[&["ctl"], args].concat());
    let id = mock.evolink("");

    assert_eq!(ctl(&["clock", "--set", "2026-11-20T10:00:00Z"]).exits_with(0).stdout, "2026-11-20T10:00:00Z stopped\n");
    assert_eq!(
        ctl(&["clock", "--advance", "25h", "--session", "blue"]).exits_with(0).stdout,
        "2026-11-21T11:00:00Z stopped\n"
    );
    assert_eq!(
        ctl(&["clock", "--json"]).exits_with(0).json(),
        json!({ "now": "2026-11-20T10:00:00Z", "stopped": true })
    );
    ctl(&["clock", "--advance", "soon"]).exits_with(2).stderr_contains("advance: soon is not a duration");

    ctl(&["tasks", &id, "--progress", "40"]).exits_with(0);
    let tasks = ctl(&["tasks", &id, "--fail"]).exits_with(0).stdout.clone();
    assert!(tasks.lines().nth(1).unwrap().starts_with(&format!("{id}  failed")), "{tasks}");
    ctl(&["tasks", &id, "--complete"]).exits_with(2).stderr_contains("has ended");
    let other = mock.evolink("");
    let tasks = ctl(&["tasks", &other, "--cancel"]).exits_with(0).stdout.clone();
    assert!(tasks.lines().any(|line| line.starts_with(&format!("{other}  cancelled"))), "{tasks}");

    let faults = ctl(&["faults", "status=503 times=1", "on=models status=429"]).exits_with(0).stdout.clone();
    assert!(faults.contains("times=1 status=503") && faults.contains("on=models status=429"), "{faults}");
    assert_eq!(mock.status("/evolink/v1/credits"), 429);
    ctl(&["faults", "--clear"]).exits_with(0);
    assert_eq!(mock.status("/evolink/v1/credits"), 200);

    let settings =
        ctl(&["settings", "validate=warn", "task=time=5s", "estimated_seconds=9"]).exits_with(0).stdout.clone();
    assert!(settings.contains("validate=warn") && settings.contains("task=time=5s"), "{settings}");
    assert!(settings.contains("estimated_seconds=9"), "{settings}");
    ctl(&["settings", "seed=1"]).exits_with(2).stderr_contains("there is no such setting to change");

    let journal = ctl(&["journal", "--status", "4xx"]).exits_with(0).stdout.clone();
    assert_eq!(journal.lines().count(), 2, "a head and one line: {journal}");
    let ledger = ctl(&["ledger"]).exits_with(0).stdout.clone();
    assert!(ledger.ends_with("0 images, 0.0 credits\n"), "a failed task costs nothing: {ledger}");
    assert!(ctl(&["callbacks"]).exits_with(0).stdout.starts_with("AT "));
    assert!(ctl(&["sessions"]).exits_with(0).stdout.contains("default"));
    assert_eq!(ctl(&["reset", "journal", "ledger"]).exits_with(0).stdout, "default: cleared journal, ledger\n");
    assert_eq!(ctl(&["journal", "--json"]).exits_with(0).json()["count"], 0);
}

#[test]
fn a_missing_mock_and_a_missing_token_have_different_errors() {
    let workdir = Workdir::new();
    let mock = Running::start(&workdir, &["--admin-token", "t0ken"]);
    mock.ask(&workdir, &["ctl", "sessions"]).exits_with(5).stderr_contains("SEEDREAM_MOCK_TOKEN");
    mock.ask(&workdir, &["ctl", "sessions", "--admin-token", "t0ken"]).exits_with(0);
    let env = [("SEEDREAM_MOCK_URL", mock.url.as_str()), ("SEEDREAM_MOCK_TOKEN", "t0ken")];
    workdir.run(&["mock", "verify", "--at-most", "0"], &env).exits_with(0);
    let url = mock.url.clone();
    drop(mock);
    workdir.run(&["mock", "ctl", "--at", &url, "sessions"], &[]).exits_with(9).stderr_contains("no mock responds at");
}

#[test]
fn serve_takes_its_settings_from_flags() {
    let workdir = Workdir::new();
    let flags = [
        "--callbacks",
        "strict",
        "--fault",
        "on=models status=418",
        "--fault",
        "on=poll times=1 empty",
        "--estimated",
        "9",
        "--slow",
        "7s",
        "--sessions",
        "5",
        "--session-idle",
        "2m",
        "--journal",
        "50",
        "--task",
        "time=5s",
        "--validate",
        "warn",
        "--content-type",
        "any",
        "--keys",
        "a,b",
    ];
    let mock = Running::start(&workdir, &flags);
    let settings = mock.ask(&workdir, &["ctl", "settings", "--json"]).exits_with(0).json();
    let expected = json!({
        "validate": "warn", "content_type": "any", "task": "time=5s", "estimated_seconds": 9, "callbacks": "strict",
        "slow": "7s",
    });
    assert_eq!(settings["settings"], expected);
    let expected = json!({
        "seed": 0, "known_keys": 2, "faults": ["on=models status=418", "on=poll times=1 empty"], "journal_capacity": 50,
        "session_capacity": 5, "session_idle_seconds": 120, "admin_token": false,
    });
    assert_eq!(settings["fixed"], expected);
}

#[test]
fn the_behaviors_of_relays_are_listed() {
    let workdir = Workdir::new();
    let listed = workdir.run(&["mock", "profiles"], &[]).exits_with(0).stdout.clone();
    let behaviors = workdir.run(&["mock", "profiles", "--json"], &[]).exits_with(0).json();
    assert_eq!(behaviors.as_array().unwrap().len(), seedream_mock::RelayBehavior::ALL.len());
    for behavior in behaviors.as_array().unwrap() {
        let text = |member: &str| behavior[member].as_str().unwrap();
        assert!(listed.contains(&format!("{}\n    {}\n", text("word"), text("does"))), "{listed}");
        workdir.run(&["mock", "serve", "--profile", text("word"), "--help"], &[]).exits_with(0);
    }
}

#[test]
fn health_tells_a_mock_from_what_is_none() {
    let workdir = Workdir::new();
    let mock = Running::start(&workdir, &["--admin-token", "tok"]);
    let health =
        |url: &str, token: &str| workdir.run(&["mock", "health", "--url", url], &[("SEEDREAM_MOCK_TOKEN", token)]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(health(&mock.url, "tok").exits_with(0).stdout, format!("ok: seedream-mock {version}\n"));
    assert_eq!(health(&mock.url, "").exits_with(0).stdout, "ok: a mock that wants its admin token\n");
    // A server that is none: the mock's own route of a provider, which answers in JSON too.
    let other = format!("{}/ark", mock.url);
    assert!(health(&other, "tok").exits_with(9).stderr.contains("is not from a mock"));
    let url = mock.url.clone();
    drop(mock);
    assert!(health(&url, "tok").exits_with(9).stderr.contains("no mock responds"));
}
