//! Several requests for one wish: exactly so many images, and the next provider where one took nothing.

use serde_json::{Value, json};

use crate::support::{CANARY, Place, Upstream};

fn column(json: &Value, member: &str) -> Vec<Value> {
    json["results"].as_array().unwrap().iter().map(|result| result[member].clone()).collect()
}

#[test]
fn exactly_four_are_four_requests_of_one() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--exactly", "4", "--base-url", &base, "--json"];
    let json = place.run(&args, &[("ARK_API_KEY", CANARY)]).ends(0).json();
    assert_eq!((column(&json, "requested"), column(&json, "billed")), (vec![json!(1); 4], vec![json!(1); 4]));
    let images = place.names("out").into_iter().filter(|name| name.ends_with(".jpg")).collect::<Vec<_>>();
    assert_eq!(images, ["ark-0.jpg", "ark-1.jpg", "ark-2.jpg", "ark-3.jpg"]);
    assert_eq!(upstream.count("POST"), 4);
}

#[test]
fn what_may_be_bought_is_not_bought_again_and_the_numbers_are_told() {
    let (place, upstream) = (Place::new(), Upstream::start());
    upstream.fault("reset@body:1 times=1");
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--exactly", "3", "--base-url", &base, "--json"];
    let ran = place.run(&args, &[("ARK_API_KEY", CANARY)]);
    let json = ran.ends(7).says("ark: 2 of 3 images were delivered by 3 requests").json();
    let mut charges = column(&json, "charge");
    charges.sort_by_key(Value::to_string);
    assert_eq!(charges, ["unknown", "yes", "yes"]);
    assert_eq!(upstream.count("POST"), 3);
}

#[test]
fn an_image_that_was_refused_makes_it_a_part() {
    let (place, upstream) = (Place::new(), Upstream::start());
    upstream.fault("refuse=moderated times=1");
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--exactly", "2", "--base-url", &base];
    let ran = place.run(&args, &[("ARK_API_KEY", CANARY)]);
    ran.ends(3).says("ark: 1 of 2 images were delivered by 2 requests");
    assert!(ran.stdout.contains("refused") && ran.stdout.contains("ok"), "{ran:#?}");
    // What every other request would meet too is met once.
    let ran = place.run(&args, &[("ARK_API_KEY", "sk-mock-401")]);
    ran.ends(5).says("0 of 2 images were delivered by");
}

#[test]
fn the_next_provider_is_asked_where_the_first_took_nothing() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let (ark, opeai) = (upstream.base("ark"), upstream.base("opeai"));
    let env = [("ARK_BASE_URL", ark.as_str()), ("OPEAI_BASE_URL", &opeai), ("OPEAI_API_KEY", CANARY)];
    let args = ["generate", "a fox", "--provider", "ark,opeai", "--fallback", "--json"];
    let broke = [&env[..], &[("ARK_API_KEY", "sk-mock-402")]].concat();
    let ran = place.run(&args, &broke);
    let json = ran.ends(0).says("warning: opeai: ark was tried first and declined (balance)").json();
    assert_eq!(column(&json, "provider"), ["opeai"]);
    assert_eq!((column(&json, "charge"), column(&json, "delivered")), (vec![json!("yes")], vec![json!(1)]));
    assert_eq!(place.names("out"), ["opeai-0.jpg", "opeai-0.json"]);
    // Whoever takes it is the last who is asked.
    let fine = [&env[..], &[("ARK_API_KEY", CANARY)]].concat();
    assert_eq!(column(&place.run(&args, &fine).ends(0).json(), "provider"), ["ark"]);
    assert_eq!(upstream.count("POST"), 3);
}

#[test]
fn nobody_is_asked_behind_an_outcome_that_is_not_known() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let (ark, opeai) = (upstream.base("ark"), upstream.base("opeai"));
    let env = [
        ("ARK_BASE_URL", ark.as_str()),
        ("ARK_API_KEY", "sk-mock-reset"),
        ("OPEAI_BASE_URL", &opeai),
        ("OPEAI_API_KEY", CANARY),
    ];
    let args = ["generate", "a fox", "--provider", "ark,opeai", "--fallback", "--json"];
    let json = place.run(&args, &env).ends(7).json();
    assert_eq!(column(&json, "provider"), ["ark"]);
    assert_eq!(upstream.count("POST"), 1);
}

#[cfg(unix)]
#[test]
fn nothing_more_is_bought_once_an_image_could_not_be_kept() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("ark");
    let limited = |kib: u32, more: &[&str]| {
        let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--size", "3072x3072", "--inline"];
        place.run_limited(kib, &[&args[..], more].concat(), &[("ARK_API_KEY", CANARY)])
    };
    // There is no room at all, and nothing is sent.
    limited(32, &[]).ends(2).says("no record can be written to the folder out").says("nothing was sent");
    assert_eq!(upstream.count("POST"), 0);
    // There is room for what is tried, and not for an image: four requests are under way when that is found.
    let ran = limited(72, &["--exactly", "12"]);
    assert!(ran.code != 0 && ran.stderr.contains("cannot be written"), "{ran:#?}");
    assert_eq!(upstream.count("POST"), 4);
}

#[test]
fn exactly_so_many_are_not_asked_for_by_requests_that_may_make_more() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--exactly", "2"];
    let apart = ["--model", "dola-seedream-5-5-261028", "--image", "https://example.com/a.png"];
    let layers = [&args[..], &apart, &["--extra", "layer_decomposition=true"]].concat();
    for args in [layers, [&args[..], &["--extra", "n=3"]].concat()] {
        place
            .run(&args, &[("ARK_API_KEY", CANARY)])
            .ends(2)
            .says("exactly so many images are made by requests of one image");
    }
    assert_eq!(upstream.count("POST"), 0);
}
