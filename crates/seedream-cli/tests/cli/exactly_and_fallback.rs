//! `--exactly` and `--fallback`.

use serde_json::{Value, json};

use crate::support::{CANARY, Upstream, Workdir};

fn column(json: &Value, member: &str) -> Vec<Value> {
    json["results"].as_array().unwrap().iter().map(|result| result[member].clone()).collect()
}

#[test]
fn exactly_sends_one_request_per_image() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--exactly", "4", "--base-url", &base, "--json"];
    let json = workdir.run(&args, &[("ARK_API_KEY", CANARY)]).exits_with(0).json();
    assert_eq!((column(&json, "requested"), column(&json, "billed")), (vec![json!(1); 4], vec![json!(1); 4]));
    let images = workdir.names("out").into_iter().filter(|name| name.ends_with(".jpg")).collect::<Vec<_>>();
    assert_eq!(images, ["ark-0.jpg", "ark-1.jpg", "ark-2.jpg", "ark-3.jpg"]);
    assert_eq!(upstream.count("POST"), 4);
}

#[test]
fn an_unknown_outcome_is_not_retried_and_the_counts_are_printed() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    upstream.fault("reset@body:1 times=1");
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--exactly", "3", "--base-url", &base, "--json"];
    let ran = workdir.run(&args, &[("ARK_API_KEY", CANARY)]);
    let json = ran.exits_with(7).stderr_contains("ark: received 2 of 3 images from 3 requests").json();
    let mut charges = column(&json, "charge");
    charges.sort_by_key(Value::to_string);
    assert_eq!(charges, ["unknown", "yes", "yes"]);
    assert_eq!(upstream.count("POST"), 3);
}

#[test]
fn a_rejected_image_makes_the_run_partial() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    upstream.fault("refuse=moderated times=1");
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--exactly", "2", "--base-url", &base];
    let ran = workdir.run(&args, &[("ARK_API_KEY", CANARY)]);
    ran.exits_with(3).stderr_contains("ark: received 1 of 2 images from 2 requests");
    assert!(ran.stdout.contains("refused") && ran.stdout.contains("ok"), "{ran:#?}");
    // An error that would affect every request is reported once.
    let ran = workdir.run(&args, &[("ARK_API_KEY", "sk-mock-401")]);
    ran.exits_with(5).stderr_contains("received 0 of 2 images from");
}

#[test]
fn fallback_continues_after_a_free_rejection() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let (ark, opeai) = (upstream.base("ark"), upstream.base("opeai"));
    let env = [("ARK_BASE_URL", ark.as_str()), ("OPEAI_BASE_URL", &opeai), ("OPEAI_API_KEY", CANARY)];
    let args = ["generate", "a fox", "--provider", "ark,opeai", "--fallback", "--json"];
    let broke = [&env[..], &[("ARK_API_KEY", "sk-mock-402")]].concat();
    let ran = workdir.run(&args, &broke);
    let json = ran.exits_with(0).stderr_contains("warning: opeai: ark was tried first and declined (balance)").json();
    assert_eq!(column(&json, "provider"), ["opeai"]);
    assert_eq!((column(&json, "charge"), column(&json, "delivered")), (vec![json!("yes")], vec![json!(1)]));
    assert_eq!(workdir.names("out"), ["opeai-0.jpg", "opeai-0.json"]);
    // No provider follows the one that accepts the request.
    let fine = [&env[..], &[("ARK_API_KEY", CANARY)]].concat();
    assert_eq!(column(&workdir.run(&args, &fine).exits_with(0).json(), "provider"), ["ark"]);
    assert_eq!(upstream.count("POST"), 3);
}

#[test]
fn fallback_stops_after_an_unknown_outcome() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let (ark, opeai) = (upstream.base("ark"), upstream.base("opeai"));
    let env = [
        ("ARK_BASE_URL", ark.as_str()),
        ("ARK_API_KEY", "sk-mock-reset"),
        ("OPEAI_BASE_URL", &opeai),
        ("OPEAI_API_KEY", CANARY),
    ];
    let args = ["generate", "a fox", "--provider", "ark,opeai", "--fallback", "--json"];
    let json = workdir.run(&args, &env).exits_with(7).json();
    assert_eq!(column(&json, "provider"), ["ark"]);
    assert_eq!(upstream.count("POST"), 1);
}

#[cfg(unix)]
#[test]
fn sending_stops_after_an_image_cannot_be_saved() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    let limited = |kib: u32, more: &[&str]| {
        let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--size", "3072x3072", "--inline"];
        workdir.run_limited(kib, &[&args[..], more].concat(), &[("ARK_API_KEY", CANARY)])
    };
    // The limit allows no record, so nothing is sent.
    limited(32, &[])
        .exits_with(2)
        .stderr_contains("no record can be written to the folder out")
        .stderr_contains("nothing was sent");
    assert_eq!(upstream.count("POST"), 0);
    // The limit allows a record but no image; four requests are in flight when the first write fails.
    let ran = limited(72, &["--exactly", "12"]);
    assert!(ran.code != 0 && ran.stderr.contains("cannot be written"), "{ran:#?}");
    assert_eq!(upstream.count("POST"), 4);
}

#[test]
fn exactly_refuses_requests_that_may_return_several_images() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--exactly", "2"];
    let apart = ["--model", "dola-seedream-5-5-261028", "--image", "https://example.com/a.png"];
    let layers = [&args[..], &apart, &["--extra", "layer_decomposition=true"]].concat();
    for args in [layers, [&args[..], &["--extra", "n=3"]].concat()] {
        workdir
            .run(&args, &[("ARK_API_KEY", CANARY)])
            .exits_with(2)
            .stderr_contains("exactly so many images are made by requests of one image");
    }
    assert_eq!(upstream.count("POST"), 0);
}
