//! Runs that end otherwise: each with its code, and nothing bought twice.

use std::net::TcpListener;

use crate::support::{CANARY, Place, Ran, Upstream, read_and_respond, redacted};

#[test]
fn a_size_that_is_refused_is_never_sent() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("evolink");
    let args = ["generate", "a fox", "--provider", "evolink", "--size", "1024x1024", "--base-url", &base, "--json"];
    let ran = place.run(&args, &[("EVOLINK_API_KEY", CANARY)]);
    ran.ends(2).says("3686400").says("1920x1920").says("--fit");
    assert_eq!(upstream.count("POST") + upstream.count("GET"), 0);
    insta::assert_json_snapshot!("refused_size", redacted(ran.result()));
    assert_eq!(place.names("."), [""; 0], "a refused run leaves no folder");
}

#[test]
fn without_a_key_the_variable_and_the_mock_are_named() {
    let place = Place::new();
    let ran = place.run(&["generate", "a fox", "--provider", "evolink"], &[]);
    ran.ends(2).says("EVOLINK_API_KEY").says("--mock");
    place.run(&["generate", "a fox"], &[]).ends(2).says("EVOLINK_API_KEY").says("AIO_API_KEY").says("--mock");
    place.run(&["resume", "evolink:task-1"], &[]).ends(2).says("EVOLINK_API_KEY").says("--mock");
    let two = [("ARK_API_KEY", CANARY), ("OPEAI_API_KEY", CANARY)];
    place.run(&["generate", "a fox"], &two).ends(2).says("--provider ark,opeai");
}

#[test]
fn errors_of_a_provider_have_their_codes() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    for (key, code, charge) in [
        ("sk-mock-401", 5, "no"),
        ("sk-mock-402", 6, "no"),
        ("sk-mock-403", 5, "no"),
        ("sk-mock-500", 7, "unknown"),
        ("sk-mock-reset", 7, "unknown"),
    ] {
        let before = upstream.count("POST");
        let ran = place.run(&args, &[("ARK_API_KEY", key)]);
        let result = ran.ends(code).result();
        assert_eq!((&result["charge"], &result["error"]["charge"]), (&charge.into(), &charge.into()), "{key}");
        assert_eq!(upstream.count("POST"), before + 1, "{key} was sent once");
    }
}

#[test]
fn of_several_providers_the_most_expensive_failure_is_told() {
    let place = Place::new();
    let upstream = Upstream::start();
    let (ark, opeai) = (upstream.base("ark"), upstream.base("opeai"));
    let env = [
        ("ARK_API_KEY", "sk-mock-401"),
        ("ARK_BASE_URL", &ark),
        ("OPEAI_API_KEY", "sk-mock-reset"),
        ("OPEAI_BASE_URL", &opeai),
    ];
    let ran = place.run(&["generate", "a fox", "--provider", "ark,opeai"], &env);
    ran.ends(7).says("error: ark:").says("error: opeai:").says("may have been billed");
}

#[test]
fn nobody_at_the_other_end_costs_nothing() {
    let place = Place::new();
    // Port 1 is privileged and out of use: nobody listens, and no other test can take it meanwhile.
    let base = "http://127.0.0.1:1/v1";
    let args = ["generate", "a fox", "--provider", "ark", "--deadline", "300ms", "--base-url", base, "--json"];
    let ran = place.run(&args, &[("ARK_API_KEY", CANARY)]);
    assert_eq!(ran.ends(9).result()["charge"], "no");
}

#[test]
fn an_image_that_cannot_be_saved_keeps_its_url() {
    let place = Place::new();
    let url = "http://elsewhere.example/a.png?X-Tos-Signature=s3cret&X-Tos-Date=20261120T200000Z&X-Tos-Expires=86400";
    let body = format!(r#"{{"created":1,"model":"m","data":[{{"url":"{url}"}}],"usage":{{"generated_images":1}}}}"#);
    for json in [true, false] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1", server.local_addr().unwrap());
        let mut args = vec!["generate", "a fox", "--provider", "ark", "--base-url", &base];
        args.extend(json.then_some("--json"));
        let child = place.spawn(&args, &[("ARK_API_KEY", CANARY)]);
        read_and_respond(&server.accept().unwrap().0, &body);
        let ran = Ran::of(child.wait_with_output().unwrap());
        ran.ends(3).says("failed: ark: picture 0").says("not https");
        if json {
            let result = ran.result();
            assert_eq!((&result["delivered"], &result["failures"][0]["url"]), (&1.into(), &url.into()));
            assert_eq!(result["failures"][0]["expires_at"], "2026-11-21T20:00:00Z");
            assert_eq!(result["charge"], "yes");
        } else {
            assert!(ran.stdout.contains(url) && ran.stdout.contains("2026-11-21T20:00:00Z"), "{ran:#?}");
        }
    }
}

#[test]
fn an_upload_that_is_cut_off_says_how_large_it_was_and_what_may_pass() {
    let place = Place::new();
    // Its header is that of a PNG of 512 x 512; what follows only has to be long.
    let mut image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x02\0\x08\x02\0\0\0\0\0\0\0".to_vec();
    image.resize(3_000_000, 7);
    std::fs::write(place.path("large.png"), image).unwrap();
    let args = ["generate", "a fox [[mock: reset@request]]", "--mock", "--provider", "ark", "--image", "large.png"];
    let ran = place.run(&args, &[]);
    ran.ends(7).says("the request has 4.0 MB").says("a smaller reference image, or its URL, may pass");
    ran.says("it may have been billed, so it was not sent again");
}
