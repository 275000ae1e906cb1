//! What was paid for is collected, in another process, without another purchase.

use seedream_mock::TaskEnd;
use serde_json::{Value, json};

use crate::support::{CANARY, Place, Upstream, opens, post};

const ENV: [(&str, &str); 1] = [("EVOLINK_API_KEY", CANARY)];

#[test]
fn k11_a_task_file_is_collected_and_removed() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("evolink");
    let created = post(
        &format!("{base}/v1/images/generations"),
        &json!({ "model": "doubao-seedream-4.5", "prompt": "2 images of a fox", "n": 2 }),
    );
    let task = json!({
        "provider": "evolink", "endpoint": base, "id": created["id"], "model": "doubao-seedream-4.5",
        "submitted_at": "2026-11-20T20:00:00Z", "estimated_seconds": 1,
    });
    std::fs::write(place.path("kept.task.json"), task.to_string()).unwrap();

    // The file alone must not decide where the key goes.
    let steered = place.run(&["resume", "kept.task.json", "--json"], &ENV);
    steered.ends(2).says(&format!("seedream resume kept.task.json --base-url {base}"));
    assert_eq!(steered.result()["task"]["file"], "kept.task.json");
    assert_eq!(upstream.count("GET"), 0);

    let ran = place.run(&["resume", "kept.task.json", "--base-url", &base, "--json"], &ENV);
    let result = ran.ends(0).result();
    for image in result["images"].as_array().unwrap() {
        opens(&place.path("."), image);
    }
    assert_eq!((&result["delivered"], &result["requested"], &result["task"]), (&2.into(), &Value::Null, &Value::Null));
    assert_eq!(place.names("."), ["out"], "the task file is gone");
    assert_eq!(place.names("out"), ["evolink-0.jpg", "evolink-0.json", "evolink-1.jpg"]);
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn k14_a_deadline_leaves_a_task_and_the_command_that_collects_it() {
    let (place, upstream) = (Place::new(), Upstream::with(TaskEnd::Polls(1)));
    let base = upstream.base("evolink");
    let args =
        ["generate", "a fox", "--provider", "evolink", "--deadline", "200ms", "--base-url", &base, "--out", "pics"];
    let ran = place.run(&[&args[..], &["--json"]].concat(), &ENV);
    let result = ran.ends(10).result();
    assert_eq!((&result["charge"], &result["error"]["kind"]), (&"unknown".into(), &"timeout".into()));
    let file = result["task"]["file"].as_str().unwrap();
    let id = result["task"]["id"].as_str().unwrap();
    assert_eq!(place.names("pics"), [format!("evolink-{id}.task.json")]);
    assert_eq!(file, format!("pics/evolink-{id}.task.json"));

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
fn k11_a_task_that_nobody_knows_is_kept() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("evolink");
    let ran = place.run(&["resume", "evolink:task-unified-1-none", "--base-url", &base, "--json"], &ENV);
    let result = ran.ends(1).result();
    assert_eq!((&result["error"]["kind"], &result["charge"]), (&"task_not_found".into(), &"unknown".into()));
    place.run(&["resume", "ark:task-1", "--mock"], &[]).ends(2).says("no tasks to resume");
}
