//! The metadata file next to the images.

use serde_json::{Value, json};

use crate::support::{CANARY, Upstream, Workdir, assert_valid};

/// The metadata file, which must match the published schema and contain no key.
#[track_caller]
pub(crate) fn sidecar(workdir: &Workdir, path: &str) -> Value {
    let text = std::fs::read_to_string(workdir.path(path)).unwrap();
    assert!(!text.contains(CANARY), "{text}");
    let sidecar = serde_json::from_str(&text).unwrap();
    assert_valid(seedream::seedream_client::SIDECAR_SCHEMA, "", &sidecar);
    sidecar
}

#[test]
fn every_dialect_writes_metadata_that_matches_the_schema() {
    let workdir = Workdir::new();
    let json = workdir.run(&["generate", "a lighthouse in fog", "--mock", "--json"], &[]).exits_with(0).json();
    for result in json["results"].as_array().unwrap() {
        let provider = result["provider"].as_str().unwrap();
        assert_eq!(result["sidecar"]["file"], format!("out/{provider}-0.json"));
        let sidecar = sidecar(&workdir, result["sidecar"]["file"].as_str().unwrap());
        assert_eq!(sidecar["provider"], provider);
        assert_eq!(sidecar["asked"]["prompt"], "a lighthouse in fog");
        assert_eq!(sidecar["planned"]["body"]["prompt"], "a lighthouse in fog");
        assert_eq!(sidecar["model"], result["model"]);
        assert_eq!(sidecar["images"][0]["file"], format!("{provider}-0.jpg"));
        assert_eq!(sidecar["images"][0]["sha256"], result["images"][0]["sha256"]);
        let charged = &sidecar;
        assert_eq!((&charged["billed"], &charged["charge"]), (&result["billed"], &result["charge"]));
        assert_eq!((&charged["requested"], &charged["delivered"]), (&json!(1), &json!(1)));
        assert_eq!(sidecar["task"].is_object(), provider == "evolink");
    }
}

#[test]
fn metadata_lists_failed_images_and_warnings() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let made = workdir.run(&["generate", "a fox", "--mock", "--provider", "ark", "--json"], &[]).exits_with(0).result();
    let file = made["images"][0]["file"].as_str().unwrap();
    let args = ["generate", "3 images of a fox", "--provider", "ark", "--count", "3", "--base-url", &base];
    let args = [&args[..], &["--image", file, "--image", "https://a.example/b.png", "--json"]].concat();
    let result = workdir.run(&args, &[("ARK_API_KEY", "sk-mock-partial")]).exits_with(3).result();
    let sidecar = sidecar(&workdir, result["sidecar"]["file"].as_str().unwrap());
    let image =
        format!("{} bytes, sha256 {}", made["images"][0]["bytes"], made["images"][0]["sha256"].as_str().unwrap());
    assert_eq!(sidecar["asked"]["references"][0], json!({ "media_type": "image/jpeg", "base64": image }));
    assert_eq!(sidecar["asked"]["references"][1], "https://a.example/b.png");
    assert_eq!(sidecar["planned"]["body"]["image"][0], format!("data:image/jpeg;{image}"));
    let failure = &sidecar["failures"][0];
    assert_eq!((&failure["kind"], &failure["stage"]), (&json!("content_rejected"), &json!("output")));
    let charged = &sidecar;
    assert_eq!((&charged["requested"], &charged["delivered"], &charged["billed"]), (&json!(3), &json!(2), &json!(2)));
}

#[test]
fn a_request_that_may_be_billed_writes_metadata_without_images() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    let result = workdir.run(&args, &[("ARK_API_KEY", "sk-mock-reset")]).exits_with(7).result();
    let lost = sidecar(&workdir, result["sidecar"]["file"].as_str().unwrap());
    assert_eq!((&lost["charge"], &lost["created"]), (&json!("unknown"), &Value::Null));
    assert_eq!(lost["attempts"].as_array().unwrap().len(), 1);
    // A rejection without charge writes no metadata.
    let result = workdir.run(&args, &[("ARK_API_KEY", "sk-mock-401")]).exits_with(5).result();
    assert!(result["sidecar"].is_null());
    assert_eq!(workdir.names("out"), ["ark-0.job.jsonl", "ark-0.json"]);
}

#[test]
fn metadata_of_a_resumed_task_has_its_id_and_no_sidecar_writes_none() {
    let workdir = Workdir::new();
    let args = ["resume", "evolink:task-unified-1756817821-4x3rx6ny", "--mock", "--json"];
    let result = workdir.run(&args, &[]).exits_with(0).result();
    let metadata = sidecar(&workdir, result["sidecar"]["file"].as_str().unwrap());
    assert_eq!((&metadata["asked"], &metadata["planned"]), (&Value::Null, &Value::Null));
    assert_eq!(metadata["task"]["id"], "task-unified-1756817821-4x3rx6ny");
    let args = ["generate", "a fox", "--mock", "--provider", "ark", "--no-sidecar", "--out", "bare", "--json"];
    assert!(workdir.run(&args, &[]).exits_with(0).result()["sidecar"].is_null());
    assert_eq!(workdir.names("bare"), ["ark-0.jpg"]);
}
