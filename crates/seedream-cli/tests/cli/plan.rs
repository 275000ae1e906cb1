//! What would be sent, and what is sold.

use crate::support::{CANARY, Place, Upstream};

#[test]
fn the_gateways_rewrites_are_foreseen() {
    let place = Place::new();
    let args =
        ["plan", "8 images of a fox", "--provider", "opeai", "--model", "seedream-4.5", "--count", "8", "--json"];
    let ran = place.run(&args, &[]);
    ran.ends(0);
    assert_eq!(ran.stderr, "");
    let plan = ran.json()["plans"][0].take();
    assert_eq!(plan["body"]["n"], 8);
    assert!(plan["body"].get("sequential_image_generation").is_none());
    insta::assert_json_snapshot!("plan_opeai", plan);
}

#[test]
fn without_names_every_provider_plans_and_the_others_refusals_are_told() {
    let place = Place::new();
    let ran = place.run(&["plan", "a fox", "--size", "1024x1024"], &[("ARK_BASE_URL", "https://relay.example/v1/")]);
    ran.ends(2).says("error: evolink: size: 1024x1024").says("error: opeai:");
    insta::assert_snapshot!("plan_text", ran.stdout);
    let all = place.run(&["plan", "a fox", "--json"], &[]).ends(0).json();
    assert_eq!(all["plans"].as_array().unwrap().len(), 5);
    assert_eq!(place.names("."), [""; 0]);
}

#[test]
fn the_body_is_the_one_that_is_sent() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let flags =
        ["a fox", "--provider", "ark", "--base-url", &base, "--watermark", "false", "--extra", "user=\"me\"", "--json"];
    let plan = place.run(&[&["plan"][..], &flags].concat(), &[]).ends(0).json();
    assert_eq!(plan["plans"][0]["url"], format!("{base}/images/generations"));
    place.run(&[&["generate"][..], &flags].concat(), &[("ARK_API_KEY", CANARY)]).ends(0);
    assert_eq!(upstream.sent(), plan["plans"][0]["body"]);
}

#[test]
fn models_are_listed() {
    let place = Place::new();
    let ran = place.run(&["models"], &[]);
    ran.ends(0);
    insta::assert_snapshot!("models", ran.stdout);
    let json = place.run(&["models", "--provider", "evolink", "--json"], &[]).ends(0).json();
    insta::assert_json_snapshot!("models_evolink", json);
}

#[test]
fn models_can_be_asked_for() {
    let place = Place::new();
    let live = place.run(&["models", "--live", "--mock", "--json"], &[]).ends(0).json();
    let models = live["models"].as_array().unwrap();
    assert!(
        models.iter().any(|model| model["provider"] == "ark")
            && models.iter().any(|model| model["provider"] == "aiearth")
    );
    place.run(&["models", "--live"], &[]).ends(2).says("ARK_API_KEY").says("--mock");
    place.run(&["models", "--live", "--mock", "--provider", "evolink"], &[]).ends(1).says("no list of models");
}
