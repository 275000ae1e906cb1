//! `plan` and `models`.

use seedream::seedream_core::CAPABILITIES_SCHEMA;

use crate::support::{CANARY, Upstream, Workdir, assert_valid};

#[test]
fn a_plan_shows_the_rewrites_of_a_gateway() {
    let workdir = Workdir::new();
    let args =
        ["plan", "8 images of a fox", "--provider", "opeai", "--model", "seedream-4.5", "--count", "8", "--json"];
    let ran = workdir.run(&args, &[]);
    ran.exits_with(0);
    assert_eq!(ran.stderr, "");
    let plan = ran.json()["plans"][0].take();
    assert_eq!(plan["body"]["n"], 8);
    assert!(plan["body"].get("sequential_image_generation").is_none());
    insta::assert_json_snapshot!("plan_opeai", plan);
}

#[test]
fn without_provider_all_are_planned_and_refusals_are_printed() {
    let workdir = Workdir::new();
    let ran = workdir.run(
        &["plan", "a fox", "--size", "1024x1024", "--provider", "all"],
        &[("ARK_BASE_URL", "https://relay.example/v1/")],
    );
    ran.exits_with(2).stderr_contains("error: evolink: --size: 1024x1024").stderr_contains("error: opeai:");
    insta::assert_snapshot!("plan_text", ran.stdout);
    let all = workdir.run(&["plan", "a fox", "--json"], &[]).exits_with(0).json();
    assert_eq!(all["plans"].as_array().unwrap().len(), seedream::dialects().len());
    assert_eq!(workdir.names("."), [""; 0]);
}

/// A plan chooses as `generate` does, and sums what the run may bring and cost.
#[test]
fn a_plan_has_the_providers_of_the_run_and_a_total() {
    let workdir = Workdir::new();
    let key = ("ARK_API_KEY", CANARY);
    let one = workdir.run(&["plan", "a fox", "--exactly", "4", "--json"], &[key]).exits_with(0).json();
    let plans = one["plans"].as_array().unwrap();
    assert_eq!((plans.len(), &plans[0]["provider"]), (1, &"ark".into()));
    assert_eq!((&plans[0]["requests"], &plans[0]["max_images"]), (&4.into(), &4.into()));
    let total = |flags: &[&str]| {
        let ran = workdir.run(&[&["plan", "a fox", "--provider", "ark,evolink"][..], flags].concat(), &[]);
        ran.exits_with(0);
        ran.stdout.lines().last().unwrap().to_owned()
    };
    let totals = [total(&[]), total(&["--exactly", "3"]), total(&["--count", "4", "--fallback"])];
    insta::assert_snapshot!("plan_totals", totals.join("\n"));
}

#[test]
fn the_planned_body_is_the_one_sent() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let flags =
        ["a fox", "--provider", "ark", "--base-url", &base, "--watermark", "false", "--extra", "user=\"me\"", "--json"];
    let plan = workdir.run(&[&["plan"][..], &flags].concat(), &[]).exits_with(0).json();
    assert_eq!(plan["plans"][0]["url"], format!("{base}/images/generations"));
    workdir.run(&[&["generate"][..], &flags].concat(), &[("ARK_API_KEY", CANARY)]).exits_with(0);
    assert_eq!(upstream.sent(), plan["plans"][0]["body"]);
}

#[test]
fn models_are_listed() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["models"], &[]);
    ran.exits_with(0);
    insta::assert_snapshot!("models", ran.stdout);
    assert_valid(CAPABILITIES_SCHEMA, "/$defs/models", &workdir.run(&["models", "--json"], &[]).exits_with(0).json());
    let json = workdir.run(&["models", "--provider", "evolink", "--json"], &[]).exits_with(0).json();
    insta::assert_json_snapshot!("models_evolink", json);
}

#[test]
fn models_can_be_fetched_from_the_provider() {
    let workdir = Workdir::new();
    let live = workdir.run(&["models", "--live", "--mock", "--json"], &[]).exits_with(0).json();
    let models = live["models"].as_array().unwrap();
    assert!(
        models.iter().any(|model| model["capabilities"]["provider"] == "ark")
            && models.iter().any(|model| model["capabilities"]["provider"] == "aiearth")
    );
    workdir.run(&["models", "--live"], &[]).exits_with(2).stderr_contains("ARK_API_KEY").stderr_contains("--mock");
    workdir
        .run(&["models", "--live", "--mock", "--provider", "evolink"], &[])
        .exits_with(2)
        .stderr_contains("no list of models");
}

#[test]
fn flags_can_express_every_documented_example_request() {
    let workdir = Workdir::new();
    let mut made = 0;
    for provider in seedream_fixtures::providers() {
        let examples = seedream_fixtures::printed(&provider.id).iter().filter(|row| row.prompt_sha256.is_some());
        for exchange in examples.filter_map(|row| row.exchange.as_deref()) {
            let exchange = seedream_fixtures::exchange(&format!("{}/{exchange}", provider.id)).unwrap();
            let mut args = vec!["plan".to_owned(), "--json".into(), "--provider".into(), provider.id.clone()];
            for (field, value) in exchange.given.as_ref().and_then(|given| given.as_object()).unwrap() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                match field.as_str() {
                    "prompt" => args.push(text),
                    "references" => {
                        let images = value.as_array().unwrap().iter().map(|image| image.as_str().unwrap().to_owned());
                        args.extend(images.flat_map(|image| ["--image".to_owned(), image]));
                    }
                    field => args.extend([format!("--{}", field.replace('_', "-")), text]),
                }
            }
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            let plan = workdir.run(&args, &[]).exits_with(0).json();
            let printed = exchange.request.as_ref().unwrap().json_value().unwrap();
            assert_eq!(plan["plans"][0]["body"], printed, "{}", exchange.id());
            made += 1;
        }
    }
    assert!(made >= 9, "{made}");
}

#[test]
fn a_rule_stated_only_by_ark_is_marked_and_lenient_checking_sends_the_request() {
    let workdir = Workdir::new();
    let cases = [
        ("opeai", &["--image", "https://example.com/a.png", "--count", "15"][..], "15"),
        ("opeai", &["--model", "doubao-seedream-4.5", "--size", "3K"], "3K"),
        ("opeai", &["--size", "1024x1024"], "1024x1024"),
        ("gogogotoken", &["--count", "16"], "16"),
        ("gogogotoken", &["--size", "5000x5000"], "5000x5000"),
        ("gogogotoken", &["--size", "8000x480"], "8000x480"),
    ];
    for (provider, flags, names) in cases {
        let flags = [&["plan", "a set of kites", "--provider", provider], flags].concat();
        let refused = workdir.run(&flags, &[]);
        refused
            .exits_with(2)
            .stderr_contains(names)
            .stderr_contains("Ark's rule [volcengine.com/")
            .stderr_contains("--check lenient");
        let sent = workdir.run(&[&flags[..], &["--check", "lenient", "--json"]].concat(), &[]).exits_with(0).json();
        let warnings = sent["plans"][0]["warnings"].to_string();
        assert!(warnings.contains("Ark's rule") && warnings.contains(names), "{provider} {names}: {warnings}");
    }
    let stated = workdir.run(&["plan", "x", "--provider", "gogogotoken", "--size", "1024x1024"], &[]);
    stated.exits_with(2).stderr_contains("[docs.gogogotoken.ai/overseas/seedream-images, size]");
    assert!(!stated.stderr.contains("lenient"), "{}", stated.stderr);
}

#[test]
fn a_relay_of_ark_gets_a_warning_about_another_minimum_size() {
    let workdir = Workdir::new();
    let plan = |base: &str, size: &str| {
        let args = ["plan", "a kite", "--provider", "ark", "--base-url", base, "--size", size, "--json"];
        workdir.run(&args, &[]).exits_with(0).json()["plans"][0]["warnings"].to_string()
    };
    for size in ["1280x720", "960x960", "1024x1023"] {
        let warned = plan("https://relay.example/v1", size);
        assert!(warned.contains("921600") && warned.contains("1048576"), "{size}: {warned}");
        assert_eq!(plan("https://ark.cn-beijing.volces.com/api/v3", size), "[]");
    }
    assert_eq!(plan("https://relay.example/v1", "1024x1024"), "[]");
}

#[test]
fn extra_members_that_request_more_images_are_counted() {
    let workdir = Workdir::new();
    for (provider, member, most) in [
        ("gogogotoken", "sequential_image_generation=\"auto\"", 15),
        ("ark", "n=4", 4),
        ("aiearth", "n=4", 4),
        ("evolink", "num_images=3", 3),
    ] {
        let args = ["plan", "a kite", "--provider", provider, "--extra", member, "--json"];
        let plan = workdir.run(&args, &[]).exits_with(0).json()["plans"][0].take();
        assert_eq!(plan["max_images"], most, "{provider} {member}");
        assert!(plan["warnings"].to_string().contains("may request several images"), "{provider}: {plan}");
    }
}
