//! `seedream batch`, `jobs` and `spend`: every line is bought at most once.

use serde_json::{Value, json};

use crate::{
    scripted_server::{Act, Asked, Scripted},
    support::{CANARY, RunResult, Upstream, Workdir, signal},
};

const ENV: [(&str, &str); 1] = [("ARK_API_KEY", CANARY)];

const LINES: &str = r#"{"id": "kite", "prompt": "a kite over dunes", "size": "2K"}
{"prompt": "a lighthouse in fog"}
{"prompt": "a lighthouse in fog"}
"#;

fn batch(workdir: &Workdir, base: &str, more: &[&str]) -> RunResult {
    let args = ["batch", "jobs.jsonl", "--provider", "ark", "--base-url", base];
    workdir.run(&[&args[..], more].concat(), &ENV)
}

fn results(workdir: &Workdir) -> Vec<Value> {
    let text = std::fs::read_to_string(workdir.path("jobs.jsonl.results.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn states(workdir: &Workdir) -> Vec<String> {
    results(workdir).iter().map(|line| line["state"].as_str().unwrap().to_owned()).collect()
}

fn write(workdir: &Workdir, text: &str) {
    std::fs::write(workdir.path("jobs.jsonl"), text).unwrap();
}

#[test]
fn a_second_run_sends_only_what_was_never_sent() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    write(&workdir, LINES);
    batch(&workdir, &base, &[]).exits_with(0).stdout_contains("settled  3");
    assert_eq!(upstream.count("POST"), 3);
    let first = results(&workdir);
    assert_eq!(first.iter().map(|line| line["position"].clone()).collect::<Vec<_>>(), [json!(1), json!(2), json!(3)]);
    assert_eq!(first[0]["id"], "kite");
    for line in &first {
        let file = line["outcome"]["images"][0]["file"].as_str().unwrap();
        assert!(workdir.path(file).exists(), "{file}");
    }
    batch(&workdir, &base, &[]).exits_with(0);
    assert_eq!((upstream.count("POST"), results(&workdir)), (3, first));
    // A new line is sent, one that was taken out is not, and the order is that of the file.
    write(&workdir, &["{\"prompt\": \"a fox\"}\n", &LINES.lines().skip(1).collect::<Vec<_>>().join("\n")].concat());
    batch(&workdir, &base, &[]).exits_with(0).stderr_contains("no longer in the file and are not sent: 1");
    assert_eq!((upstream.count("POST"), results(&workdir)[0]["row"]["prompt"].clone()), (4, json!("a fox")));
    // The same id with another request was sent already.
    write(&workdir, "{\"id\": \"kite\", \"prompt\": \"a kite at sea\"}\n");
    batch(&workdir, &base, &[]).exits_with(2).stderr_contains("kite");
    assert_eq!(upstream.count("POST"), 4);
}

#[test]
fn a_line_that_is_not_valid_stops_the_batch_before_anything_is_sent() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    let broken = "{\"prompt\": \"a fox\"}\n{\"prompt\": \"a fox\", \"sise\": \"2K\"}\n{\"prompt\": \"a fox\", \"size\": \"100x100\"}\n{\"prompt\": \n";
    write(&workdir, broken);
    let refused = batch(&workdir, &base, &[]);
    insta::assert_snapshot!(refused.exits_with(2).stderr);
    assert_eq!((upstream.count("POST"), workdir.names(".")), (0, vec!["jobs.jsonl".to_owned()]));
    batch(&workdir, &base, &["--keep-going"]).exits_with(0).stderr_contains("lines that are left out: 3");
    assert_eq!(upstream.count("POST"), 1);
    // None of two lines with one id is left out in silence.
    write(&workdir, "{\"id\": \"a\", \"prompt\": \"a fox\"}\n{\"id\": \"a\", \"prompt\": \"a cat\"}\n");
    batch(&workdir, &base, &[]).exits_with(2).stderr_contains("line 2: the id `a` is that of line 1 too");
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn a_line_that_needs_several_images_is_a_request_for_each() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    write(&workdir, "{\"id\": \"fox\", \"prompt\": \"a fox\", \"exactly\": 3}\n");
    for _ in 0..2 {
        batch(&workdir, &base, &["--budget", "3images"]).exits_with(0).stdout_contains("settled  1");
        assert_eq!(upstream.count("POST"), 3);
    }
    let line = &results(&workdir)[0];
    let outcomes = line["outcomes"].as_array().unwrap();
    let files: Vec<_> = outcomes.iter().map(|outcome| outcome["images"][0]["file"].as_str().unwrap()).collect();
    assert_eq!((line.get("outcome"), files.len()), (None, 3));
    assert!(files.iter().all(|file| workdir.path(file).exists()) && files[0] != files[1] && files[1] != files[2]);
    for (row, why) in [
        (r#"{"prompt": "a", "exactly": 0}"#, "`exactly` is 0; write a number from 1 to 1000"),
        (r#"{"prompt": "a", "exactly": 2, "count": 2}"#, "`exactly` and `count` are both there"),
    ] {
        write(&workdir, row);
        batch(&workdir, &base, &[]).exits_with(2).stderr_contains(why);
    }
}

#[test]
fn a_line_under_way_at_a_kill_is_unknown_and_only_a_person_has_it_sent_again() {
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    server.rule(|_| Act::Hold);
    write(&workdir, LINES);
    let base = server.base("ark");
    let args = ["batch", "jobs.jsonl", "--provider", "ark", "--base-url", &base, "--concurrency", "1"];
    let mut child = workdir.spawn(&args, &ENV);
    let held = server.held();
    signal(&child, "KILL");
    child.wait().unwrap();
    drop(held);
    server.rule(|_| Act::Serve);
    for _ in 0..2 {
        let ran = batch(&workdir, &base, &[]);
        ran.exits_with(7)
            .stderr_contains("lines that may have been billed and have no image: 1")
            .stderr_contains("seedream jobs resolve");
        assert_eq!((server.posts(), states(&workdir)), (3, vec!["unknown".into(), "settled".into(), "settled".into()]));
    }
    let ledger = ["--ledger", "jobs.jsonl.ledger"];
    let listed = workdir
        .run(&[&["jobs", "list", "--state", "unknown", "--json"], &ledger[..]].concat(), &[])
        .exits_with(0)
        .json();
    assert_eq!(listed[0]["purchases"][0]["record"], "jobs.jsonl/kite");
    let resolve =
        |flags: &[&str]| workdir.run(&[&["jobs", "resolve", "jobs.jsonl/kite"], &ledger[..], flags].concat(), &[]);
    resolve(&["--again"]).exits_with(2).stderr_contains("--yes");
    resolve(&["--not-paid"]).exits_with(0).stdout_contains("jobs.jsonl/kite is");
    resolve(&["--not-paid"]).exits_with(2);
    batch(&workdir, &base, &["--retry-failed"]).exits_with(0);
    assert_eq!((server.posts(), states(&workdir)), (4, vec!["settled".to_owned(); 3]));
}

#[test]
fn what_was_bought_before_a_kill_is_collected_and_not_bought_again() {
    let is_image = |asked| if matches!(asked, Asked::Image(_)) { Act::Hold } else { Act::Serve };
    let is_poll = |asked| if asked == Asked::Poll { Act::Hold } else { Act::Serve };
    for (provider, rule) in [("ark", is_image as fn(Asked) -> Act), ("evolink", is_poll), ("evolink", is_image)] {
        let (workdir, server) = (Workdir::new(), Scripted::start(1000));
        server.rule(rule);
        write(&workdir, "{\"id\": \"fox\", \"prompt\": \"images of a fox\", \"count\": 2}\n");
        let base = server.base(provider);
        let args = ["batch", "jobs.jsonl", "--provider", provider, "--base-url", &base];
        let env = [("ARK_API_KEY", CANARY), ("EVOLINK_API_KEY", CANARY)];
        let mut child = workdir.spawn(&args, &env);
        let held = server.held();
        signal(&child, "KILL");
        child.wait().unwrap();
        drop(held);
        server.rule(|_| Act::Serve);
        workdir.run(&args, &env).exits_with(0);
        assert_eq!((server.posts(), states(&workdir)), (1, vec!["settled".to_owned()]), "{provider}");
        let images = &results(&workdir)[0]["outcome"]["images"];
        let saved: Vec<_> = images.as_array().unwrap().iter().map(|image| image["sha256"].clone()).collect();
        assert_eq!(saved, server.hashes(), "{provider}");
        assert_eq!(workdir.names("out"), ["fox-0.json", "fox-0.png", "fox-1.png"], "{provider}");
    }
}

#[test]
fn a_request_under_way_goes_on_while_the_next_line_waits_for_its_turn() {
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    write(&workdir, LINES);
    let base = server.base("ark");
    let args = ["batch", "jobs.jsonl", "--provider", "ark", "--base-url", &base, "--per-minute", "1"];
    let mut child = workdir.spawn(&args, &ENV);
    while !workdir.path("out/kite-0.json").exists() {
        assert_eq!(child.try_wait().unwrap(), None, "the batch ends before its first line is saved");
        std::thread::yield_now();
    }
    // Were the first line to wait too, the second would have been sent by now.
    assert_eq!(server.posts(), 1);
    signal(&child, "KILL");
    child.wait().unwrap();
}

#[test]
fn a_budget_holds_over_runs() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    write(&workdir, LINES);
    for _ in 0..2 {
        batch(&workdir, &base, &["--budget", "2images"]).exits_with(8).stderr_contains("lines that were not sent: 1");
        assert_eq!(upstream.count("POST"), 2);
    }
    batch(&workdir, &base, &["--budget", "1000000cny"]).exits_with(8).stderr_contains("no price in CNY is known");
    // What was bought under a budget of images has no amount of money.
    batch(&workdir, &base, &["--budget", "1000usd"]).exits_with(8).stderr_contains("state the budget in images");
    assert_eq!(upstream.count("POST"), 2);
    batch(&workdir, &base, &["--budget", "3images"]).exits_with(0);
    assert_eq!(upstream.count("POST"), 3);
    let spend = workdir.run(&["spend", "--ledger", "jobs.jsonl.ledger", "--csv"], &[]);
    let today = &spend.exits_with(0).stdout.lines().nth(1).unwrap()[..10];
    insta::assert_snapshot!(spend.stdout.replace(today, "DAY"));
    // Two lines at 0.03 USD fit into 0.08.
    let money = ["--ledger", "money.ledger", "--budget", "0.08usd"];
    batch(&workdir, &base, &money).exits_with(8).stderr_contains("lines that were not sent: 1");
    assert_eq!(upstream.count("POST"), 5);
}

#[test]
fn failed_lines_are_a_file_and_are_tried_again_when_asked_to() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    write(&workdir, LINES);
    upstream.fault("refuse=moderated times=1");
    batch(&workdir, &base, &["--concurrency", "1"]).exits_with(3);
    assert_eq!(states(&workdir), ["failed", "settled", "settled"]);
    let failed = std::fs::read_to_string(workdir.path("jobs.jsonl.failed.jsonl")).unwrap();
    assert_eq!(failed.lines().collect::<Vec<_>>().len(), 1);
    assert!(failed.contains("a kite over dunes"), "{failed}");
    batch(&workdir, &base, &[]);
    assert_eq!(upstream.count("POST"), 3);
    batch(&workdir, &base, &["--retry-failed"]).exits_with(0).stderr_contains("tried again: 1");
    assert_eq!((upstream.count("POST"), states(&workdir)), (4, vec!["settled".to_owned(); 3]));
}

#[test]
fn what_concerns_all_lines_stops_the_batch() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    write(&workdir, LINES);
    let args = ["batch", "jobs.jsonl", "--provider", "ark", "--base-url", &base, "--concurrency", "1"];
    let ran = workdir.run(&args, &[("ARK_API_KEY", "sk-mock-401")]);
    ran.exits_with(5).stderr_contains("the provider refuses the key; lines that were not sent: 2");
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn standard_input_and_generate_need_a_ledger_by_name() {
    let workdir = Workdir::new();
    workdir.run(&["batch", "-", "--mock"], &[]).exits_with(2).stderr_contains("add --ledger FILE");
    let args = ["generate", "a fox", "--mock", "--provider", "ark", "--ledger", "all.ledger"];
    workdir.run(&args, &[]).exits_with(0);
    let jobs = workdir.run(&["jobs", "list", "--ledger", "all.ledger", "--json"], &[]).exits_with(0).json();
    assert_eq!(jobs[0]["purchases"][0]["state"], "settled");
    let exported = workdir.run(&["jobs", "export", "--ledger", "all.ledger"], &[]);
    assert_eq!(exported.exits_with(0).stdout.lines().count(), 1);
    workdir
        .run(&["jobs", "resume", "--ledger", "all.ledger", "--mock"], &[])
        .exits_with(0)
        .stdout_contains("0 collected");
    workdir.run(&["spend", "--ledger", "none.ledger"], &[]).exits_with(2).stderr_contains("there is no such file");
    assert!(!workdir.path("none.ledger").exists());
}
