//! The file beside the images.

use serde_json::{Value, json};

use crate::support::{CANARY, Place, Upstream, assert_valid};

/// The sidecar, which has the form of the published schema and holds no key.
#[track_caller]
pub(crate) fn sidecar(place: &Place, path: &str) -> Value {
    let text = std::fs::read_to_string(place.path(path)).unwrap();
    assert!(!text.contains(CANARY), "{text}");
    let sidecar = serde_json::from_str(&text).unwrap();
    assert_valid(seedream::seedream_client::SIDECAR_SCHEMA, "", &sidecar);
    sidecar
}

#[test]
fn every_dialect_leaves_a_sidecar_of_the_published_form() {
    let place = Place::new();
    let json = place.run(&["generate", "a lighthouse in fog", "--mock", "--json"], &[]).ends(0).json();
    for result in json["results"].as_array().unwrap() {
        let provider = result["provider"].as_str().unwrap();
        assert_eq!(result["sidecar"]["file"], format!("out/{provider}-0.json"));
        let sidecar = sidecar(&place, result["sidecar"]["file"].as_str().unwrap());
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
fn the_sidecar_says_what_failed_and_what_was_shown() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let made = place.run(&["generate", "a fox", "--mock", "--provider", "ark", "--json"], &[]).ends(0).result();
    let file = made["images"][0]["file"].as_str().unwrap();
    let args = ["generate", "3 images of a fox", "--provider", "ark", "--count", "3", "--base-url", &base];
    let args = [&args[..], &["--image", file, "--image", "https://a.example/b.png", "--json"]].concat();
    let result = place.run(&args, &[("ARK_API_KEY", "sk-mock-partial")]).ends(3).result();
    let sidecar = sidecar(&place, result["sidecar"]["file"].as_str().unwrap());
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
fn what_may_be_billed_leaves_a_sidecar_even_without_an_image() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    let result = place.run(&args, &[("ARK_API_KEY", "sk-mock-reset")]).ends(7).result();
    let lost = sidecar(&place, result["sidecar"]["file"].as_str().unwrap());
    assert_eq!((&lost["charge"], &lost["created"]), (&json!("unknown"), &Value::Null));
    assert_eq!(lost["attempts"].as_array().unwrap().len(), 1);
    // What was refused for nothing leaves none.
    let result = place.run(&args, &[("ARK_API_KEY", "sk-mock-401")]).ends(5).result();
    assert!(result["sidecar"].is_null());
    assert_eq!(place.names("out"), ["ark-0.job.jsonl", "ark-0.json"]);
}

#[test]
fn a_task_that_is_collected_says_which_it_was_and_no_sidecar_is_none() {
    let place = Place::new();
    let args = ["resume", "evolink:task-unified-1756817821-4x3rx6ny", "--mock", "--json"];
    let result = place.run(&args, &[]).ends(0).result();
    let told = sidecar(&place, result["sidecar"]["file"].as_str().unwrap());
    assert_eq!((&told["asked"], &told["planned"]), (&Value::Null, &Value::Null));
    assert_eq!(told["task"]["id"], "task-unified-1756817821-4x3rx6ny");
    let args = ["generate", "a fox", "--mock", "--provider", "ark", "--no-sidecar", "--out", "bare", "--json"];
    assert!(place.run(&args, &[]).ends(0).result()["sidecar"].is_null());
    assert_eq!(place.names("bare"), ["ark-0.jpg"]);
}
