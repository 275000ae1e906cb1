//! Images, from the embedded mock and from one of the test's own.

use std::path::Path;

use crate::support::{CANARY, Place, Upstream, opens, redacted};

#[test]
fn five_providers_side_by_side_without_a_key() {
    let place = Place::new();
    let ran = place.run(&["generate", "a lighthouse in fog", "--mock", "--json"], &[]);
    ran.ends(0).says("embedded mock");
    let json = ran.json();
    let results = json["results"].as_array().unwrap();
    let providers: Vec<_> = results.iter().map(|result| result["provider"].as_str().unwrap()).collect();
    assert_eq!(providers, ["gogogotoken", "aiearth", "evolink", "ark", "opeai"]);
    for result in results {
        let images = result["images"].as_array().unwrap();
        assert_eq!((images.len(), &result["delivered"], &result["requested"]), (1, &1.into(), &1.into()), "{result:#}");
        assert_eq!(opens(&place.path("."), &images[0]), (2048, 2048));
        assert!(result["error"].is_null() && result["record"].is_null() && result["charge"] == "yes", "{result:#}");
    }
    // The record went when everything was saved.
    let files = providers.iter().flat_map(|provider| [format!("{provider}-0.jpg"), format!("{provider}-0.json")]);
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert_eq!(place.names("out"), files);
}

#[test]
fn the_table_is_data_and_everything_else_is_not() {
    let place = Place::new();
    let ran =
        place.run(&["generate", "a fox", "--mock", "--provider", "ark,opeai", "--size", "16:9", "--tier", "2K"], &[]);
    ran.ends(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(
        lines[0].starts_with("PROVIDER") && lines[1].starts_with("ark") && lines[2].starts_with("opeai"),
        "{ran:#?}"
    );
    for line in &lines[1..] {
        assert!(line.contains("1/1") && line.contains("x1") && line.contains("out/"), "{ran:#?}");
    }
    assert_eq!(lines.len(), 3);
}

#[test]
fn three_images_are_three_files_with_free_numbers() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("evolink");
    let args =
        ["generate", "3 images of a fox", "--provider", "evolink", "--count", "3", "--base-url", &base, "--json"];
    let env = [("EVOLINK_API_KEY", CANARY)];
    let first = place.run(&args, &env).ends(0).result();
    insta::assert_json_snapshot!("three_images", redacted(first));
    let second = place.run(&args, &env).ends(0).result();
    let paths: Vec<_> =
        second["images"].as_array().unwrap().iter().map(|image| image["file"].as_str().unwrap()).collect();
    assert_eq!(paths, ["out/evolink-3.jpg", "out/evolink-4.jpg", "out/evolink-5.jpg"]);
    assert_eq!(upstream.count("POST"), 2);
}

#[test]
fn one_images_refusal_leaves_the_others() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "3 images of a fox", "--provider", "ark", "--count", "3", "--base-url", &base, "--json"];
    let ran = place.run(&args, &[("ARK_API_KEY", "sk-mock-partial")]);
    ran.ends(3).says("failed: ark: picture 1");
    insta::assert_json_snapshot!("one_refused", redacted(ran.result()));
    assert_eq!(place.names("out"), ["ark-0.jpg", "ark-0.json", "ark-2.jpg"]);
}

#[test]
fn inline_and_streamed_images_are_saved_too() {
    let place = Place::new();
    for flags in [&["--inline"][..], &["--stream"], &["--stream", "--inline"]] {
        let mut args = vec!["generate", "2 images of a fox", "--mock", "--provider", "ark", "--count", "2", "--json"];
        args.extend(flags);
        args.extend(["--out", "here"]);
        let result = place.run(&args, &[]).ends(0).result();
        for image in result["images"].as_array().unwrap() {
            opens(&place.path("."), image);
        }
    }
    assert_eq!(place.names("here").len(), 6 + 3, "two pictures and a sidecar each");
}

#[test]
fn the_images_of_a_stream_are_told_of_one_by_one() {
    let place = Place::new();
    let args = ["generate", "four seasons, 4 images", "--count", "4", "--provider", "ark", "--stream", "--mock"];
    let ran = place.run(&args, &[]);
    let told: Vec<_> = ran.ends(0).stderr.lines().filter(|line| line.starts_with("ark: saved ")).collect();
    let names = [0, 1, 2, 3].map(|n| format!("ark: saved out/ark-{n}.jpg"));
    assert_eq!(told, names);
}

#[test]
fn a_model_of_another_provider_is_understood_and_a_file_is_a_reference() {
    let place = Place::new();
    let made = place.run(&["generate", "a fox", "--mock", "--provider", "ark", "--json"], &[]).ends(0).result();
    let file = made["images"][0]["file"].as_str().unwrap();
    assert!(Path::new(file).is_relative());
    let args =
        ["generate", "a red fox", "--mock", "--provider", "aiearth,opeai", "--model", "seedream-4.5", "--image", file];
    let ran = place.run(&[&args[..], &["--json"]].concat(), &[]);
    let json = ran.ends(0).json();
    assert_eq!(json["results"][0]["model"], "doubao-seedream-4-5-251128");
    assert_eq!(json["results"][1]["model"], "doubao-seedream-4.5");
}

#[test]
fn fit_takes_the_nearest_size_and_says_so() {
    let place = Place::new();
    let args = ["generate", "a fox", "--mock", "--provider", "gogogotoken", "--size", "1024x1024", "--fit", "--json"];
    let ran = place.run(&args, &[]);
    ran.ends(0).says("warning: gogogotoken: fitted: size: 1024x1024");
    let result = ran.result();
    assert_eq!(opens(&place.path("."), &result["images"][0]), (1920, 1920));
    assert_eq!(result["warnings"][0]["kind"], "rewritten");
}
