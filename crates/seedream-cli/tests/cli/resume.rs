//! What was paid for is collected, in another process, without another purchase.

use seedream_mock::TaskEnd;
use serde_json::{Value, json};

use crate::support::{CANARY, Place, Upstream, opens, post};

const ENV: [(&str, &str); 1] = [("EVOLINK_API_KEY", CANARY)];

/// The record of a task that was accepted by a process that has ended.
fn record(place: &Place, base: &str, id: &Value) -> &'static str {
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
    std::fs::create_dir_all(place.path("kept")).unwrap();
    std::fs::write(place.path("kept/evolink-7.job.jsonl"), format!("{intent}\n{accepted}\n")).unwrap();
    "kept/evolink-7.job.jsonl"
}

#[test]
fn a_record_is_collected_and_removed() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("evolink");
    let created = post(
        &format!("{base}/v1/images/generations"),
        &json!({ "model": "doubao-seedream-4.5", "prompt": "2 images of a fox", "n": 2 }),
    );
    let file = record(&place, &base, &created["id"]);

    // The file alone must not decide where the key goes.
    let steered = place.run(&["resume", file, "--json"], &ENV);
    steered.ends(2).says(&format!("seedream resume {file} --base-url {base}"));
    assert_eq!(steered.result()["record"], file);
    assert_eq!(upstream.count("GET"), 0);

    let ran = place.run(&["resume", file, "--base-url", &base, "--json"], &ENV);
    let result = ran.ends(0).result();
    for image in result["images"].as_array().unwrap() {
        opens(&place.path("."), image);
    }
    assert_eq!(
        (&result["delivered"], &result["requested"], &result["record"]),
        (&2.into(), &Value::Null, &Value::Null)
    );
    assert_eq!(place.names("."), ["kept"], "images are saved where the record was");
    assert_eq!(place.names("kept"), ["evolink-0.jpg", "evolink-0.json", "evolink-1.jpg"]);
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn a_deadline_leaves_a_task_and_the_command_that_collects_it() {
    let (place, upstream) = (Place::new(), Upstream::with(TaskEnd::Polls(1)));
    let base = upstream.base("evolink");
    let args =
        ["generate", "a fox", "--provider", "evolink", "--deadline", "200ms", "--base-url", &base, "--out", "pics"];
    let ran = place.run(&[&args[..], &["--json"]].concat(), &ENV);
    let result = ran.ends(10).result();
    assert_eq!((&result["charge"], &result["error"]["kind"]), (&"unknown".into(), &"timeout".into()));
    let id = result["task"]["id"].as_str().unwrap();
    assert_eq!(place.names("pics"), ["evolink-0.job.jsonl"]);
    assert_eq!(result["record"], "pics/evolink-0.job.jsonl");

    let told = ran.stderr.lines().find_map(|line| line.split_once("with: seedream ")).unwrap().1;
    let args: Vec<_> = told.split_whitespace().collect();
    place.run(&args, &ENV).ends(0);
    assert_eq!(place.names("pics"), ["evolink-0.jpg", "evolink-0.json"]);
    assert_eq!(upstream.count("POST"), 1);

    // By its id it can be collected again.
    place.run(&["resume", &format!("evolink:{id}"), "--base-url", &base], &ENV).ends(0);
    assert_eq!(place.names("out"), ["evolink-0.jpg", "evolink-0.json"]);
}

#[test]
fn a_task_that_nobody_knows_is_kept() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("evolink");
    let ran = place.run(&["resume", "evolink:task-unified-1-none", "--base-url", &base, "--json"], &ENV);
    let result = ran.ends(1).result();
    assert_eq!((&result["error"]["kind"], &result["charge"]), (&"task_not_found".into(), &"unknown".into()));
    place.run(&["resume", "ark:task-1", "--mock"], &[]).ends(2).says("no tasks to resume");
}
