//! `generate` with the built-in mock and with a separate one.

use std::path::Path;

use crate::support::{CANARY, Upstream, Workdir, opens, redacted};

#[test]
fn the_mock_serves_every_provider_without_a_key() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["generate", "a lighthouse in fog", "--mock", "--json"], &[]);
    ran.exits_with(0).stderr_contains("built-in mock");
    let json = ran.json();
    let results = json["results"].as_array().unwrap();
    let providers: Vec<_> = results.iter().map(|result| result["provider"].as_str().unwrap()).collect();
    let dialects = seedream::dialects();
    assert_eq!(providers, dialects.iter().map(|dialect| dialect.descriptor().id.as_str()).collect::<Vec<_>>());
    for result in results {
        let images = result["images"].as_array().unwrap();
        assert_eq!((images.len(), &result["delivered"], &result["requested"]), (1, &1.into(), &1.into()), "{result:#}");
        assert_eq!(opens(&workdir.path("."), &images[0]), (2048, 2048));
        assert!(result["error"].is_null() && result["record"].is_null() && result["charge"] == "yes", "{result:#}");
    }
    // The record is removed when everything is saved.
    let files = providers.iter().flat_map(|provider| [format!("{provider}-0.jpg"), format!("{provider}-0.json")]);
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert_eq!(workdir.names("out"), files);
}

#[test]
fn only_the_table_goes_to_standard_output() {
    let workdir = Workdir::new();
    let ran =
        workdir.run(&["generate", "a fox", "--mock", "--provider", "ark,opeai", "--size", "16:9", "--tier", "2K"], &[]);
    ran.exits_with(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(
        lines[0].starts_with("PROVIDER") && lines[1].starts_with("ark") && lines[2].starts_with("opeai"),
        "{ran:#?}"
    );
    for line in &lines[1..3] {
        assert!(line.contains("1/1") && line.contains("x1") && line.contains("out/"), "{ran:#?}");
    }
    assert_eq!(lines[3..], ["total: images: 2; billed: 2"]);
}

#[test]
fn an_output_folder_that_is_named_like_an_image_is_refused() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["generate", "a fox", "--mock", "--out", "pictures/fox.jpg"], &[]);
    ran.exits_with(2).stderr_contains("write --out pictures;");
    assert_eq!(workdir.names("."), [""; 0]);
}

#[test]
fn a_request_that_may_have_been_billed_is_not_shown_as_free() {
    let workdir = Workdir::new();
    let args = ["generate", "a fox [[mock: reset@before]]", "--mock", "--provider", "ark,evolink"];
    let ran = workdir.run(&args, &[]);
    ran.exits_with(7).stdout_contains("total: images: 0; billed: 0, unknown for requests: 2");
    assert!(ran.stdout.lines().nth(1).unwrap().contains(" ? "), "{ran:#?}");
}

/// A group is a ceiling. Whoever asked for six learns before the request is sent that the prompt decides, and sees that fewer came.
#[test]
fn a_group_that_may_bring_fewer_images_is_announced_before_it_is_sent() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["generate", "a fox", "--mock", "--provider", "ark", "--count", "6"], &[]);
    ran.exits_with(0).stdout_contains("  fewer    1/6 ");
    let lines: Vec<_> = ran.stderr.lines().collect();
    let warned = lines.iter().position(|line| line.contains("--exactly N")).unwrap();
    assert_eq!(lines.iter().filter(|line| line.contains("the prompt decides")).count(), 1, "{ran:#?}");
    // A refused request shows the order: its error comes after what is known of the plan.
    let args = ["generate", "a fox [[mock: status=400]]", "--mock", "--provider", "ark", "--count", "6"];
    let refused = workdir.run(&args, &[]);
    let lines: Vec<_> = refused.stderr.lines().collect();
    let error = lines.iter().position(|line| line.starts_with("error: ark:")).unwrap();
    assert!(warned < error && lines[warned].contains("the prompt decides"), "{refused:#?}");
}

/// The provider was paid and its image cannot be fetched: the run says so, and how to fetch it later.
#[test]
fn an_image_that_cannot_be_downloaded_is_paid_and_has_a_command_that_fetches_it() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    upstream.fault("on=image status=403 times=1");
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base];
    let ran = workdir.run(&args, &[("ARK_API_KEY", CANARY)]);
    ran.exits_with(3).stdout_contains("  not saved  1/1 ").stdout_contains("NOT SAVED");
    let mut lines = ran.stderr.lines();
    let command = lines.find_map(|line| line.split_once("to fetch the unsaved images, run: seedream ")).unwrap().1;
    let resume: Vec<_> = command.split(' ').collect();
    workdir.run(&resume, &[("ARK_API_KEY", CANARY)]).exits_with(0);
    assert!(workdir.names("out").iter().any(|name| name.ends_with(".jpg")));
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn three_images_get_three_unused_file_names() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("evolink");
    let args =
        ["generate", "3 images of a fox", "--provider", "evolink", "--count", "3", "--base-url", &base, "--json"];
    let env = [("EVOLINK_API_KEY", CANARY)];
    let first = workdir.run(&args, &env).exits_with(0).result();
    insta::assert_json_snapshot!("three_images", redacted(first));
    let second = workdir.run(&args, &env).exits_with(0).result();
    let paths: Vec<_> =
        second["images"].as_array().unwrap().iter().map(|image| image["file"].as_str().unwrap()).collect();
    assert_eq!(paths, ["out/evolink-3.jpg", "out/evolink-4.jpg", "out/evolink-5.jpg"]);
    assert_eq!(upstream.count("POST"), 2);
}

#[test]
fn a_rejected_image_does_not_affect_the_others() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "3 images of a fox", "--provider", "ark", "--count", "3", "--base-url", &base, "--json"];
    let ran = workdir.run(&args, &[("ARK_API_KEY", "sk-mock-partial")]);
    ran.exits_with(3).stderr_contains("failed: ark: image 1");
    insta::assert_json_snapshot!("one_refused", redacted(ran.result()));
    assert_eq!(workdir.names("out"), ["ark-0.jpg", "ark-0.json", "ark-2.jpg"]);
}

#[test]
fn inline_and_streamed_images_are_saved() {
    let workdir = Workdir::new();
    for flags in [&["--inline"][..], &["--stream"], &["--stream", "--inline"]] {
        let mut args = vec!["generate", "2 images of a fox", "--mock", "--provider", "ark", "--count", "2", "--json"];
        args.extend(flags);
        args.extend(["--out", "here"]);
        let result = workdir.run(&args, &[]).exits_with(0).result();
        for image in result["images"].as_array().unwrap() {
            opens(&workdir.path("."), image);
        }
    }
    assert_eq!(workdir.names("here").len(), 6 + 3, "two pictures and a sidecar each");
}

#[test]
fn each_streamed_image_is_reported_when_saved() {
    let workdir = Workdir::new();
    let args = ["generate", "four seasons, 4 images", "--count", "4", "--provider", "ark", "--stream", "--mock"];
    let ran = workdir.run(&args, &[]);
    let lines: Vec<_> = ran.exits_with(0).stderr.lines().filter(|line| line.starts_with("ark: saved ")).collect();
    let names = [0, 1, 2, 3].map(|n| format!("ark: saved out/ark-{n}.jpg"));
    assert_eq!(lines, names);
}

#[test]
fn a_model_alias_of_another_provider_and_a_reference_file_work() {
    let workdir = Workdir::new();
    let made = workdir.run(&["generate", "a fox", "--mock", "--provider", "ark", "--json"], &[]).exits_with(0).result();
    let file = made["images"][0]["file"].as_str().unwrap();
    assert!(Path::new(file).is_relative());
    let args =
        ["generate", "a red fox", "--mock", "--provider", "aiearth,opeai", "--model", "seedream-4.5", "--image", file];
    let ran = workdir.run(&[&args[..], &["--json"]].concat(), &[]);
    let json = ran.exits_with(0).json();
    assert_eq!(json["results"][0]["model"], "doubao-seedream-4-5-251128");
    assert_eq!(json["results"][1]["model"], "doubao-seedream-4.5");
}

#[test]
fn fit_uses_the_nearest_size_and_warns() {
    let workdir = Workdir::new();
    let args = ["generate", "a fox", "--mock", "--provider", "gogogotoken", "--size", "1024x1024", "--fit", "--json"];
    let ran = workdir.run(&args, &[]);
    ran.exits_with(0).stderr_contains("warning: gogogotoken: fitted: size: 1024x1024");
    let result = ran.result();
    assert_eq!(opens(&workdir.path("."), &result["images"][0]), (1920, 1920));
    assert_eq!(result["warnings"][0]["kind"], "rewritten");
}

#[test]
fn an_output_folder_that_is_a_file_is_refused_before_sending() {
    let workdir = Workdir::new();
    std::fs::write(workdir.path("afile"), "x").unwrap();
    for out in ["afile", "afile/below"] {
        workdir
            .run(&["generate", "a fox", "--mock", "--provider", "ark", "--out", out], &[])
            .exits_with(2)
            .stderr_contains(&format!(
                "--out {out}: afile is a file, not a folder; name another folder with --out; nothing was sent"
            ));
    }
}

#[test]
fn a_warning_of_every_request_is_printed_once() {
    let workdir = Workdir::new();
    let args = ["generate", "a fox", "--mock", "--provider", "ark", "--exactly", "3", "--size", "16:9"];
    let ran = workdir.run(&args, &[]);
    let warning = "warning: ark: 16:9 names no tier: 2K is used (2848x1600)";
    assert_eq!(ran.exits_with(0).stderr.matches(warning).count(), 1, "{ran:#?}");
}
