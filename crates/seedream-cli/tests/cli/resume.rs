//! `resume` after a process ended, without another purchase.

use seedream_mock::TaskEnd;
use serde_json::{Value, json};

use crate::support::{CANARY, Upstream, Workdir, opens, post};

const ENV: [(&str, &str); 1] = [("EVOLINK_API_KEY", CANARY)];

/// The record of a task, left by a process that ended.
fn record(workdir: &Workdir, base: &str, id: &Value) -> &'static str {
    let task = json!({
        "provider": "evolink", "endpoint": base, "id": id, "model": "doubao-seedream-4.5",
        "submitted_at": "2026-11-20T20:00:00Z", "estimated_seconds": 1,
    });
    let intent = json!({
        "entry": "intent", "record": "seedream-job/1", "job": "j", "purchase": 1, "attempt": 1, "provider": "evolink",
        "endpoint": base, "model": "doubao-seedream-4.5", "client_request_id": "c", "request": { "prompt": "a fox" },
        "most_images": 2, "begun_at": "2026-11-20T20:00:00Z",
    });
    let accepted = json!({ "entry": "accepted", "task": task });
    std::fs::create_dir_all(workdir.path("kept")).unwrap();
    std::fs::write(workdir.path("kept/evolink-7.job.jsonl"), format!("{intent}\n{accepted}\n")).unwrap();
    "kept/evolink-7.job.jsonl"
}

#[test]
fn a_record_is_resumed_and_removed() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("evolink");
    let created = post(
        &format!("{base}/v1/images/generations"),
        &json!({ "model": "doubao-seedream-4.5", "prompt": "2 images of a fox", "n": 2 }),
    );
    let file = record(&workdir, &base, &created["id"]);

    // The file alone must not select the host that receives the key.
    let steered = workdir.run(&["resume", file, "--json"], &ENV);
    steered.exits_with(2).stderr_contains(&format!("seedream resume {file} --base-url {base}"));
    assert_eq!(steered.result()["record"], file);
    assert_eq!(upstream.count("GET"), 0);

    let ran = workdir.run(&["resume", file, "--base-url", &base, "--json"], &ENV);
    let result = ran.exits_with(0).result();
    for image in result["images"].as_array().unwrap() {
        opens(&workdir.path("."), image);
    }
    assert_eq!(
        (&result["delivered"], &result["requested"], &result["record"]),
        (&2.into(), &Value::Null, &Value::Null)
    );
    assert_eq!(workdir.names("."), ["kept"], "images are saved where the record was");
    assert_eq!(workdir.names("kept"), ["evolink-0.jpg", "evolink-0.json", "evolink-1.jpg"]);
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn a_deadline_leaves_a_task_and_prints_the_resume_command() {
    let (workdir, upstream) = (Workdir::new(), Upstream::with(TaskEnd::Polls(1)));
    let base = upstream.base("evolink");
    let args =
        ["generate", "a fox", "--provider", "evolink", "--deadline", "200ms", "--base-url", &base, "--out", "pics"];
    let ran = workdir.run(&[&args[..], &["--json", "--name", "{slug}"]].concat(), &ENV);
    let result = ran.exits_with(10).result();
    assert_eq!((&result["charge"], &result["error"]["kind"]), (&"unknown".into(), &"timeout".into()));
    let id = result["task"]["id"].as_str().unwrap();
    assert_eq!(workdir.names("pics"), ["evolink-0.job.jsonl"]);
    assert_eq!(result["record"], "pics/evolink-0.job.jsonl");

    let message = ran.stderr.lines().find_map(|line| line.split_once("run: seedream ")).unwrap().1;
    let args: Vec<_> = message.split_whitespace().collect();
    workdir.run(&args, &ENV).exits_with(0);
    assert_eq!(workdir.names("pics"), ["a-fox-0.jpg", "a-fox-0.json"], "the record has the names");
    assert_eq!(upstream.count("POST"), 1);

    // The task can be resumed again by its id.
    workdir.run(&["resume", &format!("evolink:{id}"), "--base-url", &base], &ENV).exits_with(0);
    assert_eq!(workdir.names("out"), ["evolink-0.jpg", "evolink-0.json"]);
}

#[test]
fn the_record_of_an_unknown_task_is_kept() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("evolink");
    let ran = workdir.run(&["resume", "evolink:task-unified-1-none", "--base-url", &base, "--json"], &ENV);
    let result = ran.exits_with(1).result();
    assert_eq!((&result["error"]["kind"], &result["charge"]), (&"task_not_found".into(), &"unknown".into()));
    workdir
        .run(&["resume", "ark:task-1"], &[])
        .exits_with(2)
        .stderr_contains("ark:task-1: this provider has no tasks; resume a record");
}
